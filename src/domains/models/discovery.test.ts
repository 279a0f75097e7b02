/** What is found on a machine: servers by what they say of themselves, keys by their names. */
import assert from "node:assert/strict";
import { test } from "vitest";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createScriptedRuntime } from "../../adapters/scripted/runtime.ts";
import { makeKernel, startMs } from "../../../test/kit/kernel.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import type { Discover } from "./contract.ts";
import { BadAnswer, KeyRefused } from "./port.ts";
import { createModels } from "./service.ts";

interface Machine {
  /** What the server at an address says of whose its model is. Nothing else answers. */
  readonly owners?: Readonly<Record<string, string | null>>;
  readonly variables?: readonly string[];
}

async function open({ owners = {}, variables = [] }: Machine) {
  const clock = createManualClock(startMs);
  return await makeKernel({
    clock,
    domains: (parts, { meter }) => [
      createModels({
        parts,
        clock,
        meter,
        courier: { send: () => Promise.reject(new TypeError("a script sends nothing")) },
        environment: { has: (variable) => variables.includes(variable) },
        runtimeOf: ({ server }) => ({
          ...createScriptedRuntime({ models: [], answer: () => [] }),
          async models() {
            const owner = owners[server];
            if (owner === "locked") throw new Problem(KeyRefused, "no key", { reason: "no key" });
            if (owner === undefined) throw new Problem(BadAnswer, "nothing there", { reason: "nothing" });
            return [{ model: "tiny", contextTokens: null, owner }];
          },
        }),
      }),
    ],
  });
}

async function found(kit: Awaited<ReturnType<typeof open>>): Promise<Static<typeof Discover.output>> {
  const { outcome } = await kit.call("models.discover", {});
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: Static<typeof Discover.output> }).output;
}

test("servers are taken for what they say they are, and not for what mostly listens there", async () => {
  const owners = {
    "localhost:11434": null,
    "localhost:8080": "llamacpp",
    "localhost:1337": "vllm",
    "localhost:8000": "somebody",
    "localhost:5001": "locked",
  };
  await using kit = await open({ owners });
  await kit.call("models.servers.add", { server: "127.0.0.1:8000" });
  const { servers } = await found(kit);
  assert.deepEqual(
    servers.map(({ server, kind, isAdded, next }) => [server, kind, isAdded, next]),
    [
      ["localhost:11434", "ollama", false, "arw models add localhost:11434 --kind ollama"],
      ["localhost:8080", "llama-server", false, "arw models add localhost:8080 --kind llama-server"],
      ["localhost:8000", "openai", true, "arw models add localhost:8000"],
      ["localhost:1337", "vllm", false, "arw models add localhost:1337 --kind vllm"],
      ["localhost:5001", "openai", false, "arw models add 127.0.0.1:5001 --secret NAME"],
    ],
  );
  assert.deepEqual(
    servers.filter(({ wantsKey }) => wantsKey).map(({ server }) => server),
    ["localhost:5001"],
  );
});

test("keys are found by their names, and the next commands say how to hand them over", async () => {
  await using kit = await open({ variables: ["OPENAI_API_KEY"] });
  assert.deepEqual(await found(kit), {
    servers: [],
    keys: [
      {
        variable: "OPENAI_API_KEY",
        server: "api.openai.com",
        next: [
          "printenv OPENAI_API_KEY | arw secret set OPENAI_API_KEY",
          "arw secret bind OPENAI_API_KEY api.openai.com",
          'arw models add api.openai.com --secret OPENAI_API_KEY --allow "1 USD/day"',
        ],
      },
    ],
  });
});
