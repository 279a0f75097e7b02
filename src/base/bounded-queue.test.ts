import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createBoundedQueue } from "./bounded-queue.ts";

async function read<T>(source: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of source) values.push(value);
  return values;
}

test("a full queue keeps the newest when it drops and the first when it refuses", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.nat()),
      fc.boolean(),
      async (capacity, values, isDropping) => {
        const queue = createBoundedQueue<number>({ capacity, overflow: isDropping ? "dropOldest" : "refuse" });
        const taken = values.filter((value) => queue.push(value));
        queue.close();
        assert.equal(queue.dropped, Math.max(0, values.length - capacity));
        assert.deepEqual(taken, isDropping ? values : values.slice(0, capacity));
        assert.deepEqual(await read(queue), isDropping ? values.slice(-capacity) : values.slice(0, capacity));
      },
    ),
  );
});

test("order holds over many values and a reader that comes and goes", async () => {
  const queue = createBoundedQueue<number>({ capacity: 5_000, overflow: "refuse" });
  const iterator = queue[Symbol.asyncIterator]();
  let pushed = 0;
  let taken = 0;
  for (let round = 0; round < 40; round += 1) {
    for (let index = 0; index < 200; index += 1) queue.push(pushed++);
    for (let index = 0; index < 150; index += 1) assert.equal((await iterator.next()).value, taken++);
  }
  assert.deepEqual([queue.size, queue.dropped], [2_000, 0]);
});

test("a waiting reader gets the value straight away, and the end when the queue closes", async () => {
  const queue = createBoundedQueue<string>({ capacity: 1, overflow: "refuse" });
  const iterator = queue[Symbol.asyncIterator]();
  const first = iterator.next();
  assert.equal(queue.push("a"), true);
  assert.deepEqual(await first, { done: false, value: "a" });
  const second = iterator.next();
  await assert.rejects(iterator.next(), TypeError);
  queue.close();
  queue.close();
  assert.deepEqual(await second, { done: true, value: undefined });
  assert.equal(queue.push("b"), false);
});

test("leaving the loop closes the queue and forgets what it holds", async () => {
  const queue = createBoundedQueue<number>({ capacity: 9, overflow: "refuse" });
  for (const value of [1, 2, 3]) queue.push(value);
  for await (const value of queue) if (value === 2) break;
  assert.deepEqual([queue.size, queue.isClosed, queue.push(4)], [0, true, false]);
  assert.throws(() => queue[Symbol.asyncIterator](), TypeError);
});

test("an abort reaches a reader that waits, one that comes later, and the producer", async () => {
  const reason = new RangeError("enough");
  const controller = new AbortController();
  const queue = createBoundedQueue<number>({ capacity: 9, overflow: "refuse", signal: controller.signal });
  const iterator = queue[Symbol.asyncIterator]();
  const waiting = iterator.next();
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  await assert.rejects(iterator.next(), reason);
  assert.equal(queue.push(1), false);
  const born = createBoundedQueue<number>({ capacity: 9, overflow: "refuse", signal: AbortSignal.abort(reason) });
  assert.equal(born.push(1), false);
  await assert.rejects(read(born), reason);
});
