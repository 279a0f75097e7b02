import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createLogHistogram } from "./log-histogram.ts";

const exact = (samples: readonly number[], q: number): number => {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? Number.NaN;
};

test("quantiles are within two percent of an exact window over the same samples", () => {
  const sample = fc.double({ min: -4, max: 12, noNaN: true }).map((exponent) => Math.exp(exponent));
  fc.assert(
    fc.property(
      fc.array(sample, { minLength: 50, maxLength: 700 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (samples, q) => {
        const histogram = createLogHistogram({ min: 0.01, max: 600_000 });
        for (const each of samples) histogram.observe(each);
        assert.ok(histogram.count >= Math.min(samples.length, 150) && histogram.count <= 300);
        const truth = exact(samples.slice(-histogram.count), q);
        assert.ok(Math.abs((histogram.quantile(q) ?? Number.NaN) / truth - 1) <= 0.02);
      },
    ),
  );
});

test("a tenfold step shows within 300 samples, wherever in the epoch it falls", () => {
  for (let before = 0; before <= 300; before += 25) {
    const histogram = createLogHistogram({ min: 0.1, max: 100_000 });
    for (let index = 0; index < 300 + before; index += 1) histogram.observe(20);
    for (let index = 0; index < 300; index += 1) histogram.observe(200);
    for (const q of [0.01, 0.5, 0.95]) assert.ok((histogram.quantile(q) ?? 0) > 190);
  }
});

test("samples out of range count as the nearest bound, and what is no number counts not at all", () => {
  const histogram = createLogHistogram({ min: 1, max: 1_000 });
  assert.equal(histogram.quantile(0.5), undefined);
  for (const sample of [-5, 0, 1e9, Number.POSITIVE_INFINITY, Number.NaN]) histogram.observe(sample);
  assert.deepEqual([histogram.count, histogram.quantile(0)], [4, 1]);
  assert.ok(Math.abs((histogram.quantile(1) ?? 0) - 1_000) <= 10);
  histogram.reset();
  assert.deepEqual([histogram.count, histogram.quantile(0)], [0, undefined]);
});

test("a range that does not fit into 8 KB is refused, as are options that make no sense", () => {
  createLogHistogram({ min: 0.001, max: 86_400_000 });
  assert.throws(() => createLogHistogram({ min: 1e-9, max: 1e9, relativeError: 0.005 }), RangeError);
  assert.throws(() => createLogHistogram({ min: 0, max: 1 }), RangeError);
  assert.throws(() => createLogHistogram({ min: 1, max: 2, epochSize: 70_000 }), RangeError);
  assert.throws(() => createLogHistogram({ min: 1, max: 2 }).quantile(1.1), RangeError);
});
