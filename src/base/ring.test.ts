import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createRing } from "./ring.ts";

test("a ring is the tail of everything pushed", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.nat(), { maxLength: 90 }),
      fc.nat(40),
      (capacity, values, count) => {
        const ring = createRing<number>(capacity);
        for (const value of values) ring.push(value);
        assert.ok(ring.capacity >= capacity && ring.capacity < 2 * capacity);
        const held = values.slice(-ring.capacity);
        assert.equal(ring.size, held.length);
        assert.deepEqual(ring.last(count), count === 0 ? [] : held.slice(-count));
      },
    ),
  );
});

test("clear empties, and the ring goes on", () => {
  const ring = createRing<number>(3);
  for (const value of [1, 2, 3, 4, 5]) ring.push(value);
  ring.clear();
  assert.deepEqual([ring.size, ring.last(9)], [0, []]);
  ring.push(6);
  assert.deepEqual(ring.last(9), [6]);
});

test("a capacity that makes no sense is refused", () => {
  for (const capacity of [0, -1, 1.5, Number.NaN, 2 ** 25]) assert.throws(() => createRing(capacity), RangeError);
});
