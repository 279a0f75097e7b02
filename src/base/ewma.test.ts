import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createEwma } from "./ewma.ts";

const sample = fc.double({ noNaN: true, min: -1e9, max: 1e9 });

test("the average stays between the smallest and the largest sample", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      fc.array(sample, { minLength: 1 }),
      (alpha, samples) => {
        const ewma = createEwma(alpha);
        for (const each of samples) ewma.observe(each);
        const slack = 1e-6;
        assert.ok((ewma.value ?? Number.NaN) >= Math.min(...samples) - slack);
        assert.ok((ewma.value ?? Number.NaN) <= Math.max(...samples) + slack);
        assert.equal(ewma.count, samples.length);
      },
    ),
  );
});

test("a step is followed by the weight of alpha", () => {
  const ewma = createEwma(0.5);
  assert.equal(ewma.value, undefined);
  for (const each of [0, 8, 8]) ewma.observe(each);
  assert.equal(ewma.value, 6);
  ewma.observe(Number.NaN);
  ewma.observe(Number.POSITIVE_INFINITY);
  assert.deepEqual([ewma.value, ewma.count], [6, 3]);
  ewma.reset();
  assert.deepEqual([ewma.value, ewma.count], [undefined, 0]);
});

test("a weight out of range is refused", () => {
  for (const alpha of [0, -1, 1.1, Number.NaN]) assert.throws(() => createEwma(alpha), RangeError);
});
