import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { domainOf, type Kit, type KitOptions, makeKernel, startMs } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import type { Left } from "./contract.ts";
import { amountText, parseAllowance } from "./syntax.ts";
import { budgetUses } from "./views.ts";
import { windowAt } from "./windows.ts";

const Buy = op({
  id: "shop.buy",
  http: "POST /shop/buy",
  effect: "write",
  about: "x",
  input: closed({ most: Type.Integer(), real: Type.Integer(), price: Type.Optional(Type.String()) }),
  output: closed({ real: Type.Integer() }),
  cost: ({ most, price }) => ({
    tokens: { input: most, output: 0 },
    microUsd: price === undefined ? 0 : "unknown",
  }),
  spent: ({ real }) => ({ tokens: { input: real, output: 0 } }),
});
const Look = op({
  id: "shop.look",
  http: "POST /shop/look",
  effect: "read",
  about: "x",
  input: closed({}),
  output: closed({}),
});

const agent = (id = "scout"): Caller => ({ kind: "agent", id, grants: [{ key: "shop:*" }] });

async function shop(options: KitOptions = {}) {
  const bought: number[] = [];
  const kit = await makeKernel({
    domains: () => [
      domainOf("shop", {
        operations: [
          bind(Buy, ({ real }) => {
            if (real < 0) throw new TypeError("the shop is closed");
            bought.push(real);
            return { real };
          }),
          bind(Look, () => ({})),
        ],
      }),
    ],
    ...options,
  });
  return { kit, bought };
}
const allow = (kit: Kit, text: string) => kit.call("budgets.allow", { allowance: [text] });
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );
const buy = (kit: Kit, most: number, { real = most, as = agent() }: { real?: number; as?: Caller } = {}) =>
  codeOf(kit.call("shop.buy", { most, real }, as));
async function lefts(kit: Kit): Promise<readonly Left[]> {
  const { outcome } = await kit.call("budgets.list", {});
  return (outcome as { output: { allowances: Left[] } }).output.allowances;
}

test("the words of an allowance", () => {
  assert.deepEqual(parseAllowance("1 USD/day"), { unit: "microUsd", limit: 1_000_000, window: "day" });
  assert.deepEqual(parseAllowance("20 calls/hour web.fetch"), {
    unit: "calls",
    limit: 20,
    window: "hour",
    tool: "web:fetch",
  });
  assert.deepEqual(parseAllowance(" 5  MB written/run for agent:scout "), {
    unit: "bytesWritten",
    limit: 5_000_000,
    window: "run",
    subject: { kind: "agent", id: "scout" },
  });
  assert.deepEqual(parseAllowance("0.25 USD / month fs.* for project:garden"), {
    unit: "microUsd",
    limit: 250_000,
    window: "month",
    tool: "fs:*",
    subject: { kind: "project", id: "garden" },
  });
  for (const bad of [
    "",
    "1",
    "USD/day",
    "1 USD",
    "-1 USD/day",
    "1 EUR/day",
    "1 MB/day",
    "1 call/year",
    "1 call/day for god:x",
    "0.0000001 USD/day",
    "1 call/day; rm",
  ])
    assert.ok("fault" in parseAllowance(bad), bad);
  assert.deepEqual(
    [amountText("microUsd", 1_500_000), amountText("bytesOut", 2_500_000), amountText("milliseconds", 90_000)],
    ["1.5 USD", "2.5 MB out", "1.5 minutes"],
  );
});

test("windows follow each other without a gap, each moment in exactly one", () => {
  const kinds = fc.constantFrom("minute" as const, "hour" as const, "day" as const, "week" as const, "month" as const);
  fc.assert(
    fc.property(kinds, fc.integer({ min: 0, max: 4_000_000_000_000 }), (kind, timeMs) => {
      const at = windowAt(kind, timeMs);
      assert.ok(at !== null && at.endsAtMs > timeMs);
      assert.equal(windowAt(kind, at.endsAtMs - 1)?.window, at.window);
      assert.equal(windowAt(kind, at.endsAtMs)?.window, at.window + 1);
    }),
    runs(200),
  );
  // 2025-06-16 was a Monday.
  assert.equal(windowAt("week", Date.UTC(2025, 5, 15, 23))?.endsAtMs, Date.UTC(2025, 5, 16));
});

test("a call takes the most it can use, gets the rest back, and is refused before it runs when that is not there", async () => {
  const { kit, bought } = await shop();
  await using _ = kit;
  await allow(kit, "100 tokens/day");
  assert.equal(await buy(kit, 60, { real: 10 }), "ok");
  assert.deepEqual(
    (await lefts(kit)).map((each) => [each.used, each.left]),
    [[10, 90]],
  );
  assert.equal(await buy(kit, 91, { real: 1 }), "arw.budget-exceeded");
  assert.equal(await buy(kit, 90), "ok");
  assert.equal(await buy(kit, 1), "arw.budget-exceeded");
  assert.deepEqual(bought, [10, 90]);
  const refused = await kit.call("shop.buy", { most: 5, real: 5 }, agent()).catch((error: unknown) => error);
  assert.ok(isProblem(refused));
  assert.equal(refused.extra["retryAfterMs"], (windowAt("day", startMs)?.endsAtMs ?? 0) - startMs);
  assert.match(refused.message, /shop:buy can use 5 tokens, and there is 0 tokens left of 100 tokens\/day/);
  assert.equal(kit.kinds().filter((kind) => kind === "budgets.limit.neared").length, 1);
  assert.equal(kit.kinds().filter((kind) => kind === "budgets.limit.reached").length, 3);
});

test("a failed call keeps what it took; a hub that was killed in between does, too", async () => {
  const store = createMemoryStore();
  const { kit } = await shop({ store });
  await allow(kit, "100 tokens/day");
  assert.equal(await buy(kit, 30, { real: -1 }), "arw.internal");
  assert.equal((await lefts(kit))[0]?.left, 70);
  const next = await shop({ store });
  await using _ = next.kit;
  assert.equal((await lefts(next.kit))[0]?.left, 70);
  assert.equal(await buy(next.kit, 71), "arw.budget-exceeded");
});

test("what a call used beyond the most it said counts, too", async () => {
  const store = createMemoryStore();
  const { kit } = await shop({ store });
  await allow(kit, "100 tokens/day");
  assert.equal(await buy(kit, 50, { real: 120 }), "ok");
  assert.deepEqual(
    (await lefts(kit)).map((each) => [each.used, each.left]),
    [[120, 0]],
  );
  assert.equal(await buy(kit, 1), "arw.budget-exceeded");
  const next = await shop({ store });
  await using _ = next.kit;
  assert.equal((await lefts(next.kit))[0]?.used, 120);
});

test("whom an allowance concerns", async () => {
  const { kit } = await shop();
  await using _ = kit;
  const admin: Caller = { kind: "person", id: "admin" };
  await allow(kit, "1 call/hour shop.look");
  const look = (caller: Caller) => codeOf(kit.call("shop.look", {}, caller));
  assert.deepEqual([await look(agent()), await look(agent("other"))], ["ok", "arw.budget-exceeded"]);
  assert.deepEqual([await look(admin), await look(admin)], ["ok", "ok"], "a person's reads are not counted");
  await allow(kit, "5 tokens/day");
  assert.equal(await buy(kit, 6, { as: admin }), "arw.budget-exceeded", "money and tokens count whoever spends them");
  await allow(kit, "2 tokens/day for agent:digger");
  assert.deepEqual([await buy(kit, 3, { as: agent("digger") }), await buy(kit, 3)], ["arw.budget-exceeded", "ok"]);
});

test("nobody shuts themselves out: a person looks and undoes for nothing", async () => {
  const { kit } = await shop();
  await using _ = kit;
  await allow(kit, "0 calls/day for person:admin");
  assert.equal(await codeOf(kit.call("shop.look", {})), "ok");
  assert.equal(await codeOf(kit.call("shop.buy", { most: 1, real: 1 })), "arw.budget-exceeded");
  const [row] = await lefts(kit);
  assert.equal(await codeOf(kit.call("budgets.revoke", { allowanceId: row?.allowanceId })), "ok");
});

test("an allowance per run begins anew with each episode and ends with it", async () => {
  const { kit } = await shop();
  await using _ = kit;
  await allow(kit, "10 tokens/run");
  const within = (corrId: string, most: number) =>
    codeOf(
      kit.kernel.dispatch({
        operationId: "shop.buy",
        input: { most, real: most },
        credentials: { kind: "caller", caller: agent() },
        corrId,
      }),
    );
  assert.deepEqual(
    [await within("one", 8), await within("one", 3), await within("two", 10), await within("one", 2)],
    ["ok", "arw.budget-exceeded", "ok", "ok"],
  );
});

test("a price that nobody knows is refused under a ceiling in money, and only there", async () => {
  const { kit } = await shop();
  await using _ = kit;
  const dear = () => codeOf(kit.call("shop.buy", { most: 1, real: 1, price: "?" }, agent()));
  assert.equal(await dear(), "ok");
  await allow(kit, "1 USD/day");
  assert.equal(await dear(), "arw.budget-exceeded");
});

test("only a person sets and removes ceilings", async () => {
  const { kit } = await shop();
  await using _ = kit;
  const trusted: Caller = { kind: "agent", id: "scout", grants: [{ key: "*" }] };
  assert.equal(await codeOf(kit.call("budgets.allow", { allowance: ["9 USD/day"] }, trusted)), "arw.denied");
  await allow(kit, "1 USD/day");
  const [row] = await lefts(kit);
  const remove = (caller?: Caller) => codeOf(kit.call("budgets.revoke", { allowanceId: row?.allowanceId }, caller));
  assert.deepEqual([await remove(trusted), await remove(), await remove()], ["arw.denied", "ok", "arw.not-found"]);
  assert.equal(await codeOf(allow(kit, "lots of money")), "budgets.bad-allowance");
  const mistyped = await allow(kit, "5 calls/hour shop.byu").catch((error: unknown) => error);
  assert.ok(isProblem(mistyped) && mistyped.definition.code === "budgets.bad-allowance");
  assert.equal(mistyped.message, "shop:byu names nothing here; did you mean shop:buy?");
});

test("what would stand in the way is told without taking anything", async () => {
  const { kit } = await shop();
  await using _ = kit;
  await allow(kit, "10 tokens/day");
  await buy(kit, 7);
  const explained = async (most: number) => {
    const question = { operation: "shop.buy", caller: agent(), input: { most, real: most } };
    const { outcome } = await kit.call("policy.explain", question);
    return (outcome as { output: { verdict: string; decidedBy: Record<string, unknown> | null } }).output;
  };
  assert.deepEqual([(await explained(3)).verdict, (await explained(3)).verdict], ["allow", "allow"]);
  const { verdict, decidedBy } = await explained(4);
  assert.deepEqual([verdict, decidedBy?.["stage"], decidedBy?.["source"]], ["deny", "budget", "10 tokens/day"]);
  assert.match(String(decidedBy?.["reason"]), /wants 4 tokens, and there is 3 tokens left/);
  assert.match(String(decidedBy?.["next"]), /wait for the next window/);
  assert.equal((await lefts(kit))[0]?.left, 3);
});

const step = fc.oneof(
  fc.record({
    kind: fc.constant("buy" as const),
    most: fc.integer({ min: 1, max: 30 }),
    part: fc.integer({ min: 0, max: 4 }),
    who: fc.constantFrom("a", "b"),
  }),
  fc.record({ kind: fc.constant("jump" as const), hours: fc.integer({ min: -30, max: 30 }) }),
  fc.record({ kind: fc.constant("restart" as const) }),
  fc.record({
    kind: fc.constant("together" as const),
    most: fc.integer({ min: 1, max: 30 }),
    count: fc.integer({ min: 2, max: 5 }),
  }),
);

test("under restarts, clock jumps and calls at once no window spends more than its limit, and no child more than its parent", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const store = createMemoryStore();
      const clock = createManualClock(startMs);
      let { kit, bought } = await shop({ store, clock });
      await allow(kit, "100 tokens/day");
      await allow(kit, "40 tokens/day for agent:a");
      // Spent since the newest day that was seen began; a clock that goes back frees nothing.
      let highest = windowAt("day", clock.nowMs())?.window ?? 0;
      let [all, a] = [0, 0];
      for (const each of steps) {
        if (each.kind === "jump") {
          clock.setWall(clock.nowMs() + each.hours * 3_600_000);
          const window = windowAt("day", clock.nowMs())?.window ?? 0;
          // Only a later day than the one in which was spent last frees anything.
          if (window > highest) [all, a] = [0, 0];
          highest = window;
        } else if (each.kind === "restart") {
          await kit[Symbol.asyncDispose]();
          ({ kit, bought } = await shop({ store, clock }));
        } else {
          const before = bought.length;
          const count = each.kind === "together" ? each.count : 1;
          const who = each.kind === "together" ? "a" : each.who;
          const real = each.kind === "together" ? each.most : Math.floor((each.most * each.part) / 4);
          await Promise.all(Array.from({ length: count }, () => buy(kit, each.most, { real, as: agent(who) })));
          const spent = bought.slice(before).reduce((sum, one) => sum + one, 0);
          all += spent;
          if (who === "a") a += spent;
        }
        assert.ok(all <= 100 && a <= 40, `${all} of 100, ${a} of 40`);
      }
      const listed = await lefts(kit);
      const stored = kit.kernel.views.list(budgetUses, { limit: 10 }).rows.map((each) => each.row);
      for (const { allowanceId, used } of listed) {
        const row = stored.find((each) => each.allowanceId === allowanceId);
        if (row?.window === windowAt("day", clock.nowMs())?.window) assert.equal(used, row?.used);
      }
      await kit[Symbol.asyncDispose]();
    }),
    runs(40),
  );
});
