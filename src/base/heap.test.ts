import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createHeap } from "./heap.ts";

test("values leave in order, whatever the order they came in", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (values) => {
      const heap = createHeap<number>((a, b) => a < b);
      for (const value of values) heap.push(value);
      assert.equal(heap.size, values.length);
      const left = values.map(() => heap.pop());
      assert.deepEqual(
        left,
        values.toSorted((a, b) => a - b),
      );
      assert.equal(heap.pop(), undefined);
    }),
  );
});

test("pushes and pops in any mix agree with a sorted list", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(50))), (steps) => {
      const heap = createHeap<number>((a, b) => a < b);
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) assert.equal(heap.pop(), model.shift());
        else {
          heap.push(step);
          model.push(step);
          model.sort((a, b) => a - b);
        }
        assert.equal(heap.peek(), model[0]);
      }
    }),
  );
});

test("a change costs a logarithmic number of comparisons", () => {
  let comparisons = 0;
  const heap = createHeap<number>((a, b) => {
    comparisons += 1;
    return a < b;
  });
  for (let value = 4_096; value > 0; value -= 1) heap.push(value);
  comparisons = 0;
  heap.push(0);
  assert.ok(comparisons <= 13);
  comparisons = 0;
  heap.pop();
  assert.ok(comparisons <= 26);
});

test("clear leaves nothing", () => {
  const heap = createHeap<number>((a, b) => a < b);
  heap.push(1);
  heap.clear();
  assert.deepEqual([heap.size, heap.peek()], [0, undefined]);
});
