/** Looks where model servers usually are: on this machine, one question for each port, and for keys by their names alone. */
import type { Context } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { sendTo } from "./asking.ts";
import { Discover, List, type Server, type serverKinds } from "./contract.ts";
import { type Courier, type Environment, KeyRefused, type ModelRuntime } from "./port.ts";
import { allowanceOffered, type Servers } from "./servers.ts";

export interface DiscoveryDeps {
  readonly servers: Servers;
  readonly courier: Courier;
  readonly environment: Environment;
  readonly runtimeOf: (server: Server) => ModelRuntime;
  readonly after: (delayMs: number, run: () => void) => () => void;
}

type Kind = (typeof serverKinds)[number];

const ports: readonly (readonly [number, Kind])[] = [
  [11_434, "ollama"],
  [1234, "lm-studio"],
  [8080, "llama-server"],
  [8000, "vllm"],
  [1337, "openai"],
  [5001, "openai"],
];

/** What servers say of whose their models are. A port says little: anything may listen there. */
const kindByOwner: Readonly<Record<string, Kind>> = {
  llamacpp: "llama-server",
  vllm: "vllm",
  library: "ollama",
  organization_owner: "lm-studio",
};

/** Kinds that are asked for more than all have in common, so nothing is taken for one of them that does not say so. */
const kindOf = (owners: readonly (string | null)[], expected: Kind): Kind => {
  const told = owners.flatMap((owner) => kindByOwner[owner ?? ""] ?? [])[0];
  if (told !== undefined) return told;
  return expected === "llama-server" || expected === "vllm" ? "openai" : expected;
};

const keys: readonly (readonly [variable: string, server: string])[] = [
  ["OPENAI_API_KEY", "api.openai.com"],
  ["ANTHROPIC_API_KEY", "api.anthropic.com"],
  ["OPENROUTER_API_KEY", "openrouter.ai"],
  ["GEMINI_API_KEY", "generativelanguage.googleapis.com"],
  ["MISTRAL_API_KEY", "api.mistral.ai"],
  ["GROQ_API_KEY", "api.groq.com"],
  ["DEEPSEEK_API_KEY", "api.deepseek.com"],
  ["TOGETHER_API_KEY", "api.together.xyz"],
  ["XAI_API_KEY", "api.x.ai"],
];

/** Who does not answer in this time is not there, or has no time for anybody. */
const probeMsMax = 3_000;
const listMsMax = 8_000;

interface Looking {
  readonly ctx: Context;
  readonly deps: DiscoveryDeps;
}

export async function discover({ ctx, deps }: Looking): Promise<Static<typeof Discover.output>> {
  const found = await Promise.all(ports.map(([port, kind]) => probe(`localhost:${port}`, kind, { ctx, deps })));
  return {
    servers: found.filter((each) => each !== null),
    keys: keys
      .filter(([variable]) => deps.environment.has(variable))
      .map(([variable, server]) => ({
        variable,
        server,
        next: [
          `printenv ${variable} | arw secret set ${variable}`,
          `arw secret bind ${variable} ${server}`,
          `arw models add ${server} --secret ${variable} --allow "${allowanceOffered}"`,
        ],
      })),
  };
}

async function probe(server: string, expected: Kind, looking: Looking) {
  const { ctx, deps } = looking;
  const at: Server = {
    server,
    url: `http://${server}/v1`,
    kind: expected,
    isLocal: true,
    addedAtMs: 0,
    addedBy: "models.discover",
  };
  const answer = await modelsOf(at, Discover.id, { ...looking, waitMs: probeMsMax });
  ctx.signal.throwIfAborted();
  if (answer.models === null && !answer.wantsKey) return null;
  const models = answer.models ?? [];
  const kind = kindOf(
    models.map(({ owner }) => owner),
    expected,
  );
  // Over plain http a key goes to a number alone: a name may lead elsewhere.
  const named = answer.wantsKey ? `${server.replace("localhost", "127.0.0.1")} --secret NAME` : server;
  return {
    server,
    kind,
    models: models.map(({ model }) => model),
    wantsKey: answer.wantsKey,
    isAdded: spellings(server).some((each) => deps.servers.find(each) !== undefined),
    next: `arw models add ${named}${kind === "openai" ? "" : ` --kind ${kind}`}`,
  };
}

/** This machine has several names, and a person may have taken another one. */
const spellings = (server: string): readonly string[] =>
  ["localhost", "127.0.0.1", "[::1]"].map((host) => server.replace("localhost", host));

export async function listed({ ctx, deps }: Looking): Promise<Static<typeof List.output>> {
  const answers = await Promise.all(
    deps.servers.list().map(async (server) => ({
      server,
      answer: await modelsOf(server, List.id, { ctx, deps, waitMs: listMsMax }),
    })),
  );
  return {
    models: answers.flatMap(({ server, answer }) =>
      answer.models === null
        ? []
        : answer.models.map(({ model, contextTokens }) => ({
            model: `${server.server}/${model}`,
            server: server.server,
            kind: server.kind,
            isLocal: server.isLocal,
            contextTokens,
            isScripted: deps.runtimeOf(server).abilities.isScripted,
          })),
    ),
    roles: [...deps.servers.roles()],
    silent: answers.flatMap(({ server: { server }, answer }) =>
      answer.models === null ? [{ server, reason: answer.reason }] : [],
    ),
  };
}

type Told =
  | { readonly models: Awaited<ReturnType<ModelRuntime["models"]>>; readonly wantsKey: false }
  | { readonly models: null; readonly reason: string; readonly wantsKey: boolean };

/** The models of a server, or why it does not say. */
async function modelsOf(
  server: Server,
  id: string,
  { ctx, deps, waitMs }: Looking & { readonly waitMs: number },
): Promise<Told> {
  const late = new AbortController();
  const stop = deps.after(waitMs, () => late.abort(new DOMException("no answer in time", "TimeoutError")));
  const signal = AbortSignal.any([ctx.signal, late.signal]);
  try {
    const send = sendTo(server, { operation: { id }, ctx, courier: deps.courier, signal });
    return { models: await deps.runtimeOf(server).models({ signal, send }), wantsKey: false };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const silent = (reason: string): Told => ({ models: null, reason, wantsKey: isProblem(error, KeyRefused) });
    if (late.signal.aborted) return silent(`no answer within ${waitMs / 1000} seconds`);
    if (isProblem(error)) return silent(error.message.slice(0, 300));
    throw error;
  } finally {
    stop();
  }
}
