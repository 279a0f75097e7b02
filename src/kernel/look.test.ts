import assert from "node:assert/strict";
import { AssertionError } from "node:assert";
import { test } from "vitest";
import { admin, domainOf, makeKernel } from "../../test/kit/kernel.ts";
import type { Caller } from "../contract/caller.ts";
import { event } from "../contract/event.ts";
import { bind, type Context, op, type Operation } from "../contract/operation.ts";
import { closed, Type } from "../contract/schema.ts";

const Text = closed({ text: Type.String() });
const probe = (name: string, more: Partial<Operation<typeof Text, typeof Text>> = {}) =>
  op({
    id: `probe.${name}`,
    http: `POST /probe/${name}`,
    effect: "read",
    about: "Probe.",
    input: Text,
    output: Text,
    ...more,
  });
const Known = probe("known", { isReadPastRules: true });
const Unmarked = probe("unmarked");
const Told = event({ kind: "probe.told", about: "It was told.", data: closed({}) });
const given = { text: "a" };

/** A hub whose rules close all that is probed, and what a marked read saw of its context. */
async function closedHub() {
  const seen: Context[] = [];
  const echo = (operation: typeof Known) =>
    bind(operation, ({ text }, ctx) => {
      seen.push(ctx);
      return { text: `${text} of ${ctx.caller.kind}` };
    });
  const domain = domainOf("probe", { operations: [echo(Known), echo(Unmarked)], events: [Told] });
  const kit = await makeKernel({ deny: ["probe:*"], domains: () => [domain] });
  const { parts } = kit.kernel;
  const lookAs = (caller: Caller) => parts.look(parts.act({ caller, corrId: "question" }));
  return { ...kit, seen, lookAs };
}

test("a person's question reads what the rules close, where it says that it is so read", async () => {
  await using hub = await closedHub();
  await assert.rejects(hub.call(Known.id, given), { name: "Problem" });
  assert.deepEqual(await hub.lookAs(admin)(Known, given), { text: "a of person" });
});

test("nothing else is read past the rules, also not under the name of what is", async () => {
  await using hub = await closedHub();
  const look = hub.lookAs(admin);
  for (const operation of [Unmarked, { ...Unmarked, isReadPastRules: true }, { ...Known }, probe("unknown")])
    await assert.rejects(look(operation, given), AssertionError, operation.id);
  assert.equal(hub.seen.length, 0);
});

test("what reads can neither call nor tell, nor is it given chance", async () => {
  await using hub = await closedHub();
  await hub.lookAs(admin)(Known, given);
  const before = hub.kinds();
  const [ctx] = hub.seen;
  assert(ctx !== undefined);
  const ways: readonly (() => unknown)[] = [
    () => ctx.call(Known, given),
    () => ctx.carryOut(Unmarked, given),
    () => ctx.emit(Told, {}),
    () => ctx.id(),
    () => ctx.random(),
  ];
  for (const way of ways) assert.throws(way, AssertionError);
  assert.deepEqual(hub.kinds(), before);
});

test("only a person has such questions", async () => {
  await using hub = await closedHub();
  const others: readonly Caller[] = [
    { kind: "agent", id: "scout" },
    { kind: "system", id: "hub" },
    { kind: "plugin", id: "p" },
    { kind: "node", id: "n" },
  ];
  for (const other of others) assert.throws(() => hub.lookAs(other), AssertionError, other.kind);
});
