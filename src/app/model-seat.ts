/** Puts what runs models together: one runtime for each server that a person named. */
import { createOpenAiRuntime } from "../adapters/openai/runtime.ts";
import type { Server } from "../domains/models/contract.ts";
import type { Environment, ModelRuntime } from "../domains/models/port.ts";

export interface ModelSeat {
  readonly environment: Environment;
  readonly runtimeOf: (server: Server) => ModelRuntime;
}

/** A person changes a server rarely; more than this many of them are forgotten and learned anew. */
const knownMax = 200;

export function createModelSeat(env: Readonly<Record<string, string | undefined>>): ModelSeat {
  const known = new Map<string, ModelRuntime>();
  return {
    environment: { has: (variable) => (env[variable] ?? "") !== "" },
    runtimeOf({ url, kind, secret }) {
      const key = JSON.stringify([url, kind, secret]);
      const found = known.get(key);
      if (found !== undefined) return found;
      if (known.size >= knownMax) known.clear();
      const headers = secret === undefined ? {} : { authorization: `Bearer secret:${secret}` };
      const runtime = createOpenAiRuntime({ url, flavour: kind, headers });
      known.set(key, runtime);
      return runtime;
    },
  };
}
