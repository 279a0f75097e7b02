/** Sums of what models took: whole, or said to be unknown. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import type { Episode } from "./contract.ts";
import { meterAtStart, metersWith } from "./model-meter.ts";

const count = fc.option(fc.nat(1_000_000), { nil: null });
const asked = fc.record({
  code: fc.constantFrom("ok", "models.busy"),
  inputTokens: count,
  outputTokens: count,
  cachedTokens: count,
  microUsd: fc.option(fc.nat(1_000_000), { nil: undefined }),
  durationMs: fc.nat(10_000),
});
const folded = (answers: readonly object[], model = "none") => {
  const row = meterAtStart(model);
  for (const data of answers) Object.assign(row, metersWith(row as Episode, "models.asked", data as never));
  return row;
};

test("a sum is that of all its parts, or unknown where one of them is", () => {
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 8 }), (answers) => {
      const { models, tokens, costUsd } = folded(answers);
      const total = (name: "inputTokens" | "outputTokens" | "microUsd"): number | "unknown" =>
        answers.some((each) => typeof each[name] !== "number")
          ? "unknown"
          : answers.reduce((sum, each) => sum + (each[name] ?? 0), 0);
      assert.deepEqual(
        [models.inputTokens, models.outputTokens, models.microUsd],
        [total("inputTokens"), total("outputTokens"), total("microUsd")],
      );
      assert.equal(models.asked, answers.length);
      assert.equal(models.failed, answers.filter(({ code }) => code !== "ok").length);
      assert.equal(tokens === "unknown", models.inputTokens === "unknown" || models.outputTokens === "unknown");
      assert.equal(costUsd, models.microUsd === "unknown" ? "unknown" : models.microUsd / 1e6);
    }),
    { numRuns: 100 },
  );
});

test("of a program whose model answers elsewhere nothing is known, and other events change nothing", () => {
  const known = { code: "ok", inputTokens: 1, outputTokens: 2, cachedTokens: 0, microUsd: 3, durationMs: 4 };
  assert.deepEqual([folded([known]).tokens, folded([known]).costUsd], [3, 0.000003]);
  assert.deepEqual([folded([known], "unknown").tokens, folded([], "unknown").costUsd], ["unknown", "unknown"]);
  assert.deepEqual(metersWith(folded([]) as Episode, "models.said", known), {});
});
