/** What proofs take calls to cost, against what inputs cost that nobody made up for it; and ceilings, against those that hold calls. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { explainBudget } from "../../src/domains/budgets/explain.ts";
import { createPriceBook } from "../../src/domains/budgets/price-book.ts";
import { parseAllowance } from "../../src/domains/budgets/syntax.ts";
import { createUses } from "../../src/domains/budgets/uses.ts";
import { windowAt } from "../../src/domains/budgets/windows.ts";
import { gateKey } from "../../src/contract/operation.ts";
import { type Ceiling, isOverCeilings } from "../../src/domains/prove/ceilings.ts";
import type { Witness } from "../../src/domains/prove/contract.ts";
import { leastOf, placesOf, shortest } from "../../src/domains/prove/cheapest.ts";
import { holds } from "../../src/domains/prove/decide.ts";
import { samplesOf } from "../../src/domains/prove/reach.ts";
import { callOf, pointOf } from "../../src/domains/prove/space.ts";
import { isCounted, runs } from "../kit/runs.ts";
import { valuesOf } from "../story/schema-values.ts";
import { call, nowMs, operations, space } from "./kit.ts";

test("no input costs less than the least", () => {
  const paid = operations.filter(({ cost, isPublic }) => cost !== undefined && !isPublic);
  assert.ok(paid.length >= 6);
  for (const operation of paid) {
    const least = leastOf(operation);
    fc.assert(
      fc.property(valuesOf(operation.input), (input) => {
        const cost = operation.cost?.(input as never) ?? {};
        const { tokens = { input: 0, output: 0 }, bytesOut = 0, bytesWritten = 0 } = cost;
        for (const place of placesOf(operation.scope?.(input as never) ?? {})) {
          const floor = least.get(place) ?? assert.fail(`${operation.id} reaches ${place}`);
          const about = `${operation.id} at ${place}: ${JSON.stringify(input)}`;
          assert.ok(tokens.input >= floor.input && tokens.output >= floor.output, about);
          assert.ok(bytesOut >= floor.bytesOut && bytesWritten >= floor.bytesWritten, about);
          if (floor.microUsd !== null && typeof cost.microUsd === "number")
            assert.ok(cost.microUsd >= floor.microUsd, about);
        }
      }),
      runs(40),
    );
  }
});

const priced = [
  { model: "gpt", inputUsdPerMillion: 2, outputUsdPerMillion: 8, sinceMs: 0, place: "prices.toml:1" },
  {
    model: "a*",
    host: "api.example.org",
    inputUsdPerMillion: 0,
    outputUsdPerMillion: 0,
    sinceMs: 0,
    place: "prices.toml:2",
  },
];
const quiet = { info: () => undefined, error: () => undefined };
const reading = () => Promise.reject(new TypeError("nobody reads"));
const book = createPriceBook({ first: priced, read: reading, folder: "", template: "" }, quiet);

const text = fc
  .record({
    amount: fc.constantFrom("0", "0", "0", "1", "17", "1000", "20000", "24100", "1000000"),
    unit: fc.constantFrom("calls", "tokens", "USD", "B out", "B written", "minutes"),
    window: fc.constantFrom("minute", "day"),
    tool: fc.constantFrom("", "", "", "", " fs:*", " web:fetch", " models:chat"),
    whose: fc.constantFrom(
      "",
      "",
      "",
      "",
      " for agent:scout",
      " for host:example.org",
      " for host:api.example.org",
      " for project:garden",
      " for person:ada",
    ),
  })
  .map(({ amount, unit, window, tool, whose }) => `${amount} ${unit}/${window}${tool}${whose}`);

test("a ceiling refuses a kind of calls where it refuses the cheapest of them, and nothing else", () => {
  // The name of a role is no model that a call reaches.
  const isProgram = ({ caller, reached: { type, id } }: Witness): boolean =>
    !caller.startsWith("person") && (type !== "Model" || id.includes("/"));
  const programs = call.filter(isProgram);
  let asked = 0;
  let over = 0;
  fc.assert(
    fc.property(
      text,
      fc.record({
        used: fc.constantFrom(0, 1, 20_000),
        over: fc.constantFrom("ask" as const, undefined),
        unknown: fc.constantFrom("allow" as const, undefined),
        laterMs: fc.constantFrom(0, 40_000, 90_000_000),
      }),
      fc.array(programs, { minLength: 20, maxLength: 20 }),
      (written, { used, over: way, unknown, laterMs }, calls) => {
        const terms = parseAllowance(written);
        assert.ok(!("fault" in terms), written);
        const allowance = {
          allowanceId: "a",
          text: written,
          ...terms,
          ...(way === undefined ? {} : { over: way }),
          ...(unknown === undefined || terms.unit !== "microUsd" ? {} : { unknown }),
          createdAtMs: 0,
          createdBy: "person:admin",
        };
        const uses = createUses(() => undefined);
        const window = windowAt(terms.window, nowMs);
        if (window !== null) uses.add({ allowanceId: "a" }, window.window, used);
        const stage = explainBudget({ all: () => [{ ...allowance }], uses, book });
        const ceiling: Ceiling = {
          ...allowance,
          used: window === null ? 0 : used,
          resetsAtMs: window?.endsAtMs ?? null,
        };
        const formula = isOverCeilings([ceiling], { prices: book.rows(nowMs), space });
        for (const each of calls) {
          const operation = space.operations.get(each.operation) ?? assert.fail(each.operation);
          const { caller, scope } = callOf(each);
          const atMs = nowMs + laterMs;
          const question = { key: gateKey(operation), operation, caller, scope, tags: [], atMs };
          const [place] = placesOf(scope);
          const inputs = samplesOf(operation, shortest).filter((made) => placesOf(made.scope).includes(place as never));
          const isRefused = inputs.every(({ input }) =>
            [stage.explain({ ...question, input })].flat().some((said) => "verdict" in said && said.verdict !== "pass"),
          );
          if (inputs.length === 0) continue;
          asked += 1;
          const said = holds(formula, pointOf({ ...each, atMs }));
          over += said ? 1 : 0;
          assert.equal(said, isRefused, `${JSON.stringify(allowance)} ${JSON.stringify(each)}`);
        }
      },
    ),
    runs(100),
  );
  if (isCounted) assert.ok(over > 20 && asked > 500, `${over} of ${asked} are refused`);
});
