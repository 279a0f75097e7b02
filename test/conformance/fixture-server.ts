/** `/mcp` as the hub serves it, over tools that the public suites call by name. They stand here alone, and in no hub. */
import type { Caller } from "../../src/contract/caller.ts";
import { bind, type Bound, op } from "../../src/contract/operation.ts";
import { Problem, problem } from "../../src/contract/problem.ts";
import { closed, Type } from "../../src/contract/schema.ts";
import { createHttpSurface } from "../../src/surfaces/http/surface.ts";
import { mcpRoute } from "../../src/surfaces/mcp/route.ts";
import { domainOf, makeKernel } from "../kit/kernel.ts";
import { silentLog } from "../story/http-hub.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";

const agent: Caller = { kind: "agent", id: "suite" };

const Meant = problem({
  code: "test.meant",
  status: 409,
  title: "This tool intentionally returns an error for testing",
  about: "Nothing is wrong: the suite asks for an error.",
});

const row = {
  about: "A tool that the conformance suites call.",
  effect: "read" as const,
  isTool: true,
  input: closed({}),
};
const said = closed({ text: Type.String() });

/** Keywords of the newer draft reach a client as they were written. */
const keywords = Type.Object(
  { name: Type.Optional(Type.String()), contactMethod: Type.Optional(Type.Enum(["phone", "email"])) },
  JSON.parse(`{
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
      "address": {
        "$anchor": "addressDef",
        "type": "object",
        "properties": { "street": { "type": "string" }, "city": { "type": "string" } }
      }
    },
    "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
    "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
    "then": { "required": ["phone"] },
    "else": { "required": ["email"] },
    "additionalProperties": false
  }`) as Record<string, unknown>,
);

const operations: readonly Bound[] = [
  bind(
    op({ ...row, id: "access.whoami", isTool: false, http: "GET /whoami", output: closed({ caller: Type.String() }) }),
    () => ({
      caller: "agent:suite",
    }),
  ),
  bind(op({ ...row, id: "test.simple.text", http: "GET /simple", output: said }), () => ({
    text: "This is a simple text response for testing.",
  })),
  bind(op({ ...row, id: "test.error.handling", http: "GET /error", output: said, problems: [Meant] }), () => {
    throw new Problem(Meant, "This tool intentionally returns an error for testing");
  }),
  // Neither asks nor tells anything in between, whatever the client could take.
  bind(op({ ...row, id: "test.logging.tool", http: "GET /logging", output: said }), () => ({ text: "done" })),
  bind(op({ ...row, id: "test.streaming.elicitation", http: "GET /asking", output: said }), () => ({ text: "done" })),
  bind(op({ ...row, id: "json_schema_2020_12_tool", http: "POST /schema", input: keywords, output: said }), () => ({
    text: "done",
  })),
  bind(
    op({
      ...row,
      id: "test.tool.with.progress",
      http: "GET /progress",
      mode: "many",
      output: closed({ percent: Type.Integer() }),
    }),
    async function* () {
      for (const percent of [0, 50, 100]) yield { percent };
    },
  ),
];

export interface FixtureServer extends AsyncDisposable {
  readonly url: string;
}

export async function startFixtureServer(): Promise<FixtureServer> {
  const kit = await makeKernel({
    identityOf: () => ({ identity: { identify: () => agent }, domain: domainOf("test", { operations }) }),
  });
  const surface = createHttpSurface({
    kernel: kit.kernel,
    clock: systemClock,
    chance: { randomBytes: (count) => new Uint8Array(count).fill(7) },
    log: silentLog,
    newCorrId: () => crypto.randomUUID(),
    isReady: () => true,
    web: null,
    spec: null,
    foreign: [mcpRoute({ table: kit.kernel.table, version: "0.0.0", timer: systemClock })],
  });
  const { url } = await surface.listen({ port: 0, host: "127.0.0.1" });
  return {
    url: `${url}/mcp`,
    async [Symbol.asyncDispose]() {
      await surface.close();
      await kit[Symbol.asyncDispose]();
    },
  };
}
