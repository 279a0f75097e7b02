/** A kernel with a world of four operations, and leases of them: what a plugin comes to is told in one word. */
import { domainOf, type Kit, type KitOptions, makeKernel } from "./kernel.ts";
import type { Caller } from "../../src/contract/caller.ts";
import { bind, op } from "../../src/contract/operation.ts";
import { isProblem } from "../../src/contract/problem.ts";
import { closed, FolderPath, type Static, Type } from "../../src/contract/schema.ts";
import { GrantLease, type ListedLease } from "../../src/domains/leases/contract.ts";

export const Write = op({
  id: "world.write",
  http: "POST /world/write",
  effect: "write",
  about: "Writes in the test.",
  input: closed({
    folder: Type.Optional(FolderPath),
    bytes: Type.Optional(Type.Integer()),
    used: Type.Optional(Type.Integer()),
  }),
  output: closed({ bytes: Type.Integer() }),
  scope: ({ folder }) => (folder === undefined ? {} : { folder }),
  cost: ({ bytes = 0 }) => ({ bytesWritten: bytes }),
  spent: ({ bytes }) => ({ bytesWritten: bytes }),
});
export const Wait = op({
  id: "world.wait",
  http: "POST /world/wait",
  effect: "write",
  about: "Waits for its end in the test.",
  input: closed({}),
  output: closed({}),
  needs: ["net:fetch", "net:send"],
});
const Follow = op({
  id: "world.follow",
  http: "POST /world/follow",
  mode: "many",
  effect: "write",
  about: "Counts on in the test, and heeds no signal.",
  input: closed({}),
  output: closed({ bytes: Type.Integer() }),
  cost: () => ({ bytesWritten: 500 }),
  spent: ({ bytes }) => ({ bytesWritten: bytes }),
});
const Widen = op({
  id: "world.widen",
  http: "POST /world/widen",
  effect: "read",
  about: "Tries to be given more in the test.",
  input: closed({}),
  output: closed({}),
});

export const plugin = (id = "p"): Caller => ({ kind: "plugin", id });
type Grant = Static<typeof GrantLease.input>;
export const forPlugin: Grant = { capability: "world.write", holder: "plugin:p" };

export async function world(options: KitOptions = {}) {
  const signals: AbortSignal[] = [];
  const done: string[] = [];
  const kit = await makeKernel({
    domains: () => [
      domainOf("world", {
        operations: [
          bind(Write, ({ bytes = 0, used = Math.floor(bytes / 2) }, ctx) => {
            done.push(ctx.caller.id);
            return { bytes: used };
          }),
          bind(Wait, (_input, ctx) => {
            signals.push(ctx.signal);
            return new Promise<never>(() => {});
          }),
          bind(Follow, async function* follow() {
            for (let bytes = 1; ; bytes += 1) yield await Promise.resolve({ bytes });
          }),
          bind(Widen, async (_input, ctx) => {
            await ctx.call(GrantLease, { capability: "*", holder: "plugin:*" });
            return {};
          }),
        ],
      }),
    ],
    ...options,
  });
  return { kit, signals, done };
}

export const grant = async (kit: Kit, input: Grant = forPlugin): Promise<ListedLease> => {
  const { outcome } = await kit.call("leases.grant", input);
  return (outcome as unknown as { output: ListedLease }).output;
};
export const listed = async (kit: Kit): Promise<readonly ListedLease[]> => {
  const { outcome } = await kit.call("leases.list", {});
  return (outcome as unknown as { output: { leases: ListedLease[] } }).output.leases;
};
/** `answer`, `held`, or the rule that refused. */
export const come = async (kit: Kit, call: string | readonly [string, unknown], caller = plugin()): Promise<string> => {
  const [operation, input] = typeof call === "string" ? [call, {}] : call;
  try {
    return (await kit.call(operation, input, caller)).outcome.kind;
  } catch (error) {
    if (!isProblem(error)) throw error;
    const { rule } = error.extra;
    return typeof rule === "string" ? rule : error.definition.code;
  }
};
