import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { domainOf, type Kit, makeKernel, startMs } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem, type Problem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import type { Left, Prices } from "./contract.ts";
import type { PlacedPrice, PriceLists, PricesRead } from "./port.ts";
import { createPriceBook, priceOf } from "./price-book.ts";

const dayMs = 86_400_000;
const todayMs = Math.floor(startMs / dayMs) * dayMs;
const price = (model: string, given: Partial<PlacedPrice> = {}): PlacedPrice => ({
  model,
  inputUsdPerMillion: 2,
  outputUsdPerMillion: 8,
  place: "prices/2025-01-01.toml:1",
  sinceMs: todayMs - dayMs,
  ...given,
});

const Ask = op({
  id: "oracle.ask",
  http: "POST /oracle/ask",
  effect: "read",
  about: "x",
  input: closed({
    model: Type.String(),
    most: Type.Integer(),
    real: Type.Integer(),
    cached: Type.Optional(Type.Integer()),
  }),
  output: closed({}),
  scope: ({ model }) => ({ model, host: "models.example.org:443" }),
  cost: ({ most }) => ({ tokens: { input: 1000, output: most } }),
  spent: (_output, { real, cached = 0 }) => ({ tokens: { input: 1000, output: real, cachedInput: cached } }),
});

/** Names its model with its server, as models are named in the hub. */
const Tell = op({
  id: "oracle.tell",
  http: "POST /oracle/tell",
  effect: "read",
  about: "x",
  input: closed({ model: Type.String() }),
  output: closed({}),
  scope: ({ model }) => ({ model }),
  cost: () => ({ tokens: { input: 10, output: 0 } }),
});

interface Lists extends PriceLists {
  next: PricesRead;
}

function listsOf(...prices: readonly PlacedPrice[]): Lists {
  const lists: Lists = {
    folder: "prices",
    first: prices,
    template: "# fill me in",
    next: { kind: "prices", prices, lists: 1 },
    read: () => Promise.resolve(lists.next),
  };
  return lists;
}

const oracle = (prices: PriceLists): Promise<Kit> =>
  makeKernel({
    prices,
    domains: () => [domainOf("oracle", { operations: [bind(Ask, () => ({})), bind(Tell, () => ({}))] })],
  });
const allow = (kit: Kit, text: string, more: object = {}) => kit.call("budgets.allow", { allowance: [text], ...more });
const ask = (kit: Kit, input: Partial<Static<typeof Ask.input>> = {}): Promise<Problem | null> =>
  kit.call("oracle.ask", { model: "sage-1", most: 1000, real: 1000, ...input }).then(
    () => null,
    (error: unknown) => (isProblem(error) ? error : Promise.reject(error)),
  );
async function answerOf<T>(kit: Kit, operation: string, input: object = {}): Promise<T> {
  const { outcome } = await kit.call(operation, input);
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: T }).output;
}
const left = async (kit: Kit): Promise<number | undefined> =>
  (await answerOf<{ allowances: Left[] }>(kit, "budgets.list")).allowances[0]?.left;

test("tokens of a model become money by its price, before the call; what was not used comes back", async () => {
  await using kit = await oracle(listsOf(price("sage-*", { cachedInputUsdPerMillion: 0.5 })));
  await allow(kit, "0.015 USD/day");
  // 1000 in and 1000 out are 0.01 USD at most.
  assert.equal(await ask(kit, { real: 100 }), null);
  assert.equal(await left(kit), 15_000 - 2_000 - 800);
  assert.equal(await ask(kit, { real: 0, cached: 1000 }), null);
  assert.equal(await left(kit), 12_200 - 500);
  assert.equal(await ask(kit), null);
  const refused = await ask(kit);
  assert.match(
    refused?.message ?? "",
    /oracle:ask can use 0.01 USD by the price at prices\/2025-01-01.toml:1, and there is 0.0017 USD left of 0.015 USD\/day/,
  );
  assert.equal(refused?.extra["price"], "prices/2025-01-01.toml:1");
  assert.ok(Number(refused?.extra["retryAfterMs"]) > 0);
});

test("a model without a price is refused under a ceiling in money, unless that one lets it pass", async () => {
  await using kit = await oracle(listsOf(price("seer-1")));
  assert.equal(await ask(kit), null, "without a ceiling in money nobody needs a price");
  await allow(kit, "1 USD/day", { unknown: "allow" });
  assert.equal(await ask(kit), null);
  assert.equal(await left(kit), 1_000_000, "and nothing is made up to count");
  await allow(kit, "2 USD/day");
  const refused = await ask(kit);
  assert.equal(refused?.definition.code, "arw.budget-exceeded");
  assert.match(refused?.message ?? "", /nobody knows the price of sage-1 at models.example.org:443/);
  assert.match(String(refused?.extra["next"]), /arw prices --template.*arw allow 2 USD\/day --unknown allow/);
  const noMoney = await allow(kit, "5 calls/day", { unknown: "allow" }).catch((error: unknown) => error);
  assert.ok(isProblem(noMoney) && noMoney.definition.code === "budgets.bad-allowance");
});

test("what would be taken is told with the price that it was made by", async () => {
  await using kit = await oracle(listsOf(price("sage-1")));
  await allow(kit, "1 USD/day");
  const told = async (model: string) => {
    const input = { model, most: 1000, real: 0 };
    const { stages } = await answerOf<{ stages: { stage: string; verdict: string; reason: string; next?: string }[] }>(
      kit,
      "policy.explain",
      { operation: "oracle.ask", input },
    );
    return stages.find((each) => each.stage === "budget");
  };
  const known = await told("sage-1");
  assert.equal(known?.verdict, "pass");
  assert.match(known?.reason ?? "", /wants 0.01 USD by the price at prices\/2025-01-01.toml:1/);
  const unknown = await told("seer-1");
  assert.equal(unknown?.verdict, "deny");
  assert.match(unknown?.next ?? "", /arw prices/);
});

test("the newest list that has begun and names a model decides, and within it the price that fits best", () => {
  const log = { info: () => {}, error: () => {} };
  const [older, newer, later] = [100, 200, 300];
  const book = createPriceBook(
    listsOf(
      price("a", { place: "old a", sinceMs: older }),
      price("b", { place: "old b", sinceMs: older }),
      price("*", { place: "old rest", sinceMs: older }),
      price("a", { place: "new a", sinceMs: newer }),
      price("a", { place: "new a at x", host: "x", sinceMs: newer }),
      price("ab*", { place: "new ab*", sinceMs: newer }),
      price("a", { place: "later a", sinceMs: later }),
    ),
    log,
  );
  const place = (model: string, atMs: number, host?: string) => book.find(model, host, atMs)?.place ?? null;
  assert.deepEqual(
    [place("a", 99), place("a", 100), place("a", 200), place("a", 200, "x:8443"), place("a", 300, "x")],
    [null, "old a", "new a", "new a at x", "later a"],
  );
  assert.deepEqual([place("b", 250), place("abc", 250), place("c", 250)], ["old b", "new ab*", "old rest"]);
  const rows = (atMs: number) => book.rows(atMs).map((row) => `${row.place}${row.isInForce ? "" : " later"}`);
  assert.deepEqual(rows(250), ["later a later", "new a at x", "new a", "new ab*", "old b", "old rest"]);
});

test("a model that is named with its server has the price of that server, and counts for allowances of that host", async () => {
  const at = (host: string, inputUsdPerMillion: number) => price("sage-*", { host, inputUsdPerMillion });
  await using kit = await oracle(listsOf(at("api.example.org", 1), at("models.example.net", 2), price("o.example/x")));
  const priceAt = async (model: string) =>
    (await answerOf<Static<typeof Prices.output>>(kit, "budgets.prices", { model })).prices[0]?.inputUsdPerMillion;
  assert.deepEqual(
    [
      await priceAt("api.example.org/sage-1"),
      await priceAt("models.example.net:8443/sage-1"),
      await priceAt("o.example/x"),
      await priceAt("other.example/sage-1"),
      await priceAt("sage-1"),
    ],
    [1, 2, 2, "unknown", "unknown"],
  );
  await allow(kit, "5 tokens/day for host:api.example.org");
  const asked = (model: string) =>
    answerOf<{ verdict: string }>(kit, "policy.explain", {
      operation: "oracle.tell",
      input: { model },
    });
  assert.deepEqual(
    [(await asked("api.example.org/sage-1")).verdict, (await asked("models.example.net/sage-1")).verdict],
    ["deny", "allow"],
  );
});

test("money is counted in whole numbers and rounded up, never down", () => {
  const usd = fc.integer({ min: 0, max: 100_000_000 }).map((millionths) => millionths / 1_000_000);
  const count = fc.integer({ min: 0, max: 10_000_000 });
  fc.assert(
    fc.property(
      fc.tuple(usd, count),
      fc.tuple(usd, count),
      ([inputUsdPerMillion, input], [outputUsdPerMillion, output]) => {
        const got = priceOf({ input, output }, price("m", { inputUsdPerMillion, outputUsdPerMillion }));
        const parts = (usdPerMillion: number) => BigInt(Math.round(usdPerMillion * 1e6));
        const exact = BigInt(input) * parts(inputUsdPerMillion) + BigInt(output) * parts(outputUsdPerMillion);
        assert.ok(BigInt(got) * 1_000_000n >= exact && (BigInt(got) - 1n) * 1_000_000n < exact);
      },
    ),
    runs(100),
  );
  const mostDear = price("m", { inputUsdPerMillion: 1_000_000, outputUsdPerMillion: 0 });
  assert.equal(priceOf({ input: Number.MAX_SAFE_INTEGER, output: 0 }, mostDear), "unknown");
});

test("lists that do not hold leave the last good prices in force, loudly, until they are mended", async () => {
  const lists = listsOf(price("sage-1"));
  await using kit = await oracle(lists);
  const shown = (input: object = {}) => answerOf<Static<typeof Prices.output>>(kit, "budgets.prices", input);
  lists.next = { kind: "faults", faults: ["prices/2025-02-01.toml:3: modle is not known. Did you mean model?"] };
  const refused = await kit.call("budgets.prices.reload", {}).catch((error: unknown) => error);
  assert.ok(isProblem(refused) && refused.definition.code === "budgets.invalid-prices");
  assert.match(refused.message, /prices\/2025-02-01.toml:3: modle/);
  assert.equal(kit.errors.length, 1);
  assert.ok(kit.kinds().includes("budgets.prices.refused"));
  assert.equal((await shown()).prices[0]?.model, "sage-1");
  lists.next = { kind: "prices", prices: [price("seer-1")], lists: 1 };
  assert.deepEqual(await answerOf(kit, "budgets.prices.reload"), { lists: 1, prices: 1 });
  assert.deepEqual(
    (await shown()).prices.map((each) => each.model),
    ["seer-1"],
  );
  const [unknown] = (await shown({ model: "sage-1" })).prices;
  assert.deepEqual([unknown?.inputUsdPerMillion, unknown?.place], ["unknown", null]);
  assert.equal((await shown({ template: true })).template, "# fill me in");
});
