import assert from "node:assert/strict";
import { test } from "vitest";
import { domainOf, type Kit, type KitOptions, makeKernel, startMs, turn, until } from "../../../test/kit/kernel.ts";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import type { AgentProgram } from "../agents/contract.ts";
import type { Approval } from "../approvals/contract.ts";
import type { Left } from "./contract.ts";

const Buy = op({
  id: "shop.buy",
  http: "POST /shop/buy",
  effect: "write",
  about: "x",
  input: closed({ most: Type.Integer(), real: Type.Optional(Type.Integer()) }),
  output: closed({}),
  cost: ({ most }) => ({ tokens: { input: most, output: 0 }, microUsd: 0 }),
  spent: (_output, { most, real = most }) => ({ tokens: { input: real, output: 0 } }),
});
const Errand = op({
  id: "shop.errand",
  http: "POST /shop/errand",
  effect: "write",
  about: "x",
  input: closed({ most: Type.Integer() }),
  output: closed({}),
});

const Note = op({
  id: "shop.note",
  http: "POST /shop/note",
  effect: "write",
  about: "x",
  input: closed({}),
  output: closed({}),
});

const agent: Caller = { kind: "agent", id: "scout", grants: [{ key: "shop:*" }] };
const hourMs = 3_600_000;

const shop = (options: KitOptions = {}): Promise<Kit> =>
  makeKernel({
    domains: () => [
      domainOf("shop", {
        operations: [
          bind(Buy, () => ({})),
          bind(Note, () => ({})),
          bind(Errand, async ({ most }, ctx) => {
            await ctx.call(Buy, { most });
            await ctx.call(Buy, { most });
            return {};
          }),
        ],
      }),
    ],
    ...options,
  });
const allow = (kit: Kit, text: string, more: object = {}) => kit.call("budgets.allow", { allowance: [text], ...more });
const codeOf = (call: Promise<{ readonly outcome: { readonly kind: string } }>) =>
  call.then(
    ({ outcome }) => outcome.kind,
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );
const buy = (kit: Kit, most: number, { real = most, as = agent }: { real?: number; as?: Caller } = {}) =>
  codeOf(kit.call("shop.buy", { most, real }, as));
const neared = (kit: Kit): number => kit.kinds().filter((kind) => kind === "budgets.limit.neared").length;
async function rowOf(kit: Kit): Promise<Left | undefined> {
  const { outcome } = await kit.call("budgets.list", {});
  return (outcome as { output: { allowances: Left[] } }).output.allowances[0];
}
async function waiting(kit: Kit): Promise<Approval> {
  const rows = () =>
    kit.call("state.approvals", {}).then(({ outcome }) => (outcome as { output: { items: Approval[] } }).output.items);
  for (let tries = 0; tries < 100; tries += 1) {
    const found = (await rows()).find((each) => each.status === "waiting");
    if (found !== undefined) return found;
    await turn();
  }
  return assert.fail("nobody was asked");
}

test("the soft limit is told of once in a window, whatever is given back, and again in the next", async () => {
  await using kit = await shop();
  await allow(kit, "100 tokens/day", { soft: "50%" });
  await buy(kit, 49);
  assert.deepEqual([neared(kit), (await rowOf(kit))?.isNear], [0, false]);
  await buy(kit, 1);
  assert.deepEqual([neared(kit), (await rowOf(kit))?.isNear], [1, true]);
  // The most is over the limit, what is used in the end is not.
  await buy(kit, 50, { real: 0 });
  await buy(kit, 10);
  assert.equal(neared(kit), 1);
  kit.clock.advance(24 * hourMs);
  assert.equal((await rowOf(kit))?.isNear, false);
  await buy(kit, 60);
  assert.equal(neared(kit), 2);
});

test("a restart and a clock that goes back tell it no second time", async () => {
  const store = createMemoryStore();
  const clock = createManualClock(startMs);
  {
    await using kit = await shop({ store, clock });
    await allow(kit, "100 tokens/day");
    await buy(kit, 80, { real: 70 });
    assert.deepEqual([neared(kit), (await rowOf(kit))?.used], [1, 70]);
  }
  await using kit = await shop({ store, clock });
  assert.equal((await rowOf(kit))?.isNear, true);
  await buy(kit, 15);
  clock.setWall(clock.nowMs() - 72 * hourMs);
  await buy(kit, 10);
  assert.deepEqual([neared(kit), (await rowOf(kit))?.used], [1, 95]);
});

test("over a soft limit that asks, an agent's call waits for a person, and what is over the hard one does not", async () => {
  await using kit = await shop();
  await allow(kit, "100 tokens/day", { soft: "50%", over: "ask" });
  assert.equal(await buy(kit, 50), "answer", "up to the soft limit nobody is asked");
  const held = buy(kit, 20);
  const question = await waiting(kit);
  assert.equal(question.rule, "allowance:100 tokens/day");
  assert.equal((await rowOf(kit))?.used, 50, "a call that waits has taken nothing");
  await kit.call("approvals.decide", { approvalId: question.approvalId, decision: "allow" });
  assert.equal(await held, "answer");
  assert.equal((await rowOf(kit))?.used, 70);
  assert.equal(await buy(kit, 31), "arw.budget-exceeded");
  const denied = buy(kit, 20);
  await kit.call("approvals.decide", { approvalId: (await waiting(kit)).approvalId, decision: "deny" });
  assert.equal(await denied, "arw.approval-denied");
  assert.equal((await rowOf(kit))?.used, 70);
});

test("a soft limit only narrows: it asks about nothing that is denied, and opens nothing", async () => {
  await using kit = await shop({ deny: ["shop:buy"] });
  await allow(kit, "100 tokens/day", { soft: "1%", over: "ask" });
  assert.equal(await buy(kit, 50), "arw.denied");
  const stranger: Caller = { kind: "plugin", id: "x" };
  assert.equal(await buy(kit, 50, { as: stranger }), "arw.denied");
  assert.ok(!kit.kinds().includes("approvals.requested"));
});

test("a person's own call is asked for only where it costs something, so an answer is never a question itself", async () => {
  await using kit = await shop();
  await allow(kit, "100 calls/day for person:admin", { soft: "1%", over: "ask" });
  assert.equal(await codeOf(kit.call("shop.note", {})), "answer");
  assert.equal(await codeOf(kit.call("shop.buy", { most: 1 })), "held");
  const { approvalId } = await waiting(kit);
  assert.equal(await codeOf(kit.call("approvals.decide", { approvalId, decision: "allow" })), "answer");
  await until(() => kit.kinds().filter((kind) => kind === "task.finished").length > 0, "the call was made");
});

test("that a person would be asked is told without asking", async () => {
  await using kit = await shop();
  await allow(kit, "100 tokens/day", { soft: "50%", over: "ask" });
  const explained = async (most: number) => {
    const question = { operation: "shop.buy", caller: agent, input: { most } };
    const { outcome } = await kit.call("policy.explain", question);
    return (outcome as { output: { verdict: string; decidedBy: { reason: string } | null } }).output;
  };
  assert.equal((await explained(50)).verdict, "allow");
  const { verdict, decidedBy } = await explained(51);
  assert.equal(verdict, "ask");
  assert.match(decidedBy?.reason ?? "", /above 50 tokens a person is asked/);
  assert.equal((await explained(101)).verdict, "deny");
});

test("calls that a call makes take from the same allowances, so nothing inside spends more than its caller may", async () => {
  await using kit = await shop();
  await allow(kit, "100 tokens/day for agent:scout");
  await allow(kit, "150 tokens/run");
  const errand = (most: number) => codeOf(kit.call("shop.errand", { most }, agent));
  assert.equal(await errand(40), "answer");
  assert.deepEqual((await rowOf(kit))?.text, "150 tokens/run");
  assert.equal(await errand(15), "arw.budget-exceeded", "the second of the two calls is refused");
  const used = (await kit.call("budgets.list", {})).outcome as unknown as { output: { allowances: Left[] } };
  assert.equal(used.output.allowances.find((each) => each.window === "day")?.used, 95);
});

const spender: AgentProgram = {
  id: "spender",
  about: "x",
  model: "none",
  tools: [Buy],
  async run(_input, tools) {
    await tools.call(Buy, { most: 85, real: 85 }, "Buy seeds");
    await tools.call(Buy, { most: 30 }, "Buy more").catch(() => null);
    return { outcome: "Spent.", notDone: [], output: null };
  },
};

test("a run's story tells of limits in words, and leaves the books out", async () => {
  await using kit = await shop({ programs: [spender] });
  await allow(kit, "100 tokens/day");
  const grants = [{ key: "shop:*" }];
  const { corrId } = await kit.call("agents.run", { agent: "spender", title: "Shop", input: {}, grants });
  await kit.next("task.finished", () => true);
  const { outcome } = await kit.call("episodes.show", { id: corrId });
  const { story } = (outcome as { output: { story: { text: string; kind: string }[] } }).output;
  assert.deepEqual(
    story.filter(({ kind }) => kind.startsWith("budgets.")).map(({ text }) => text),
    [
      "85 % of 100 tokens/day is used",
      "Ceiling reached: too little is left for shop:buy; 85 % of 100 tokens/day is used",
    ],
  );
});
