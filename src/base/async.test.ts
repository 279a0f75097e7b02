import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import fc from "fast-check";
import { test } from "vitest";
import { abortable, createKeyedMutex, createLimiter, deferred } from "./async.ts";

const reason = new RangeError("enough");

test("a deferred promise is settled from outside", async () => {
  const answer = deferred<number>();
  answer.resolve(42);
  assert.equal(await answer.promise, 42);
});

test("abortable passes results on, rejects with the reason, and leaves no listener", async () => {
  const controller = new AbortController();
  assert.equal(await abortable(Promise.resolve(1), undefined), 1);
  assert.equal(await abortable(Promise.resolve(2), controller.signal), 2);
  await assert.rejects(abortable(Promise.reject(reason), controller.signal), reason);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  const late = deferred<number>();
  const waiting = abortable(late.promise, controller.signal);
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  late.reject(new TypeError("too late"));
  await assert.rejects(abortable(deferred().promise, controller.signal), reason);
});

test("runs of one key never overlap, keep their order, and leave no entry behind", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ key: fc.constantFrom("a", "b"), isFailing: fc.boolean() })), async (jobs) => {
      const mutex = createKeyedMutex();
      const inside = new Set<string>();
      const order = new Map<string, number[]>([
        ["a", []],
        ["b", []],
      ]);
      const runs = jobs.map(({ key, isFailing }, index) =>
        mutex.run(key, async () => {
          assert.ok(!inside.has(key));
          inside.add(key);
          order.get(key)?.push(index);
          await Promise.resolve();
          inside.delete(key);
          if (isFailing) throw reason;
          return index;
        }),
      );
      const results = await Promise.allSettled(runs);
      results.forEach((result, index) =>
        assert.equal(result.status, jobs[index]?.isFailing ? "rejected" : "fulfilled"),
      );
      for (const indices of order.values())
        assert.deepEqual(
          indices,
          indices.toSorted((a, b) => a - b),
        );
      assert.equal(mutex.size, 0);
    }),
  );
});

test("one who gives up waiting does not let the next one in early", async () => {
  const mutex = createKeyedMutex();
  const gate = deferred();
  const controller = new AbortController();
  const steps: string[] = [];
  const first = mutex.run("k", () => gate.promise.then(() => steps.push("first")));
  const second = mutex.run("k", () => steps.push("second"), { signal: controller.signal });
  const third = mutex.run("k", () => steps.push("third"));
  controller.abort(reason);
  await assert.rejects(second, reason);
  assert.deepEqual(steps, []);
  gate.resolve();
  await Promise.all([first, third]);
  assert.deepEqual([steps, mutex.size], [["first", "third"], 0]);
});

test("a limiter runs at most its number, in order, and survives failures", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(fc.boolean()), async (runningMax, jobs) => {
      const limiter = createLimiter(runningMax);
      const started: number[] = [];
      let running = 0;
      const runs = jobs.map((isFailing, index) =>
        limiter.run(async () => {
          running += 1;
          started.push(index);
          assert.ok(running <= runningMax);
          await Promise.resolve();
          running -= 1;
          if (isFailing) throw reason;
        }),
      );
      await Promise.allSettled(runs);
      assert.deepEqual(started, [...jobs.keys()]);
      assert.deepEqual([limiter.running, limiter.waiting], [0, 0]);
    }),
  );
});

test("a caller that leaves the line of a limiter gives its place to the next", async () => {
  const limiter = createLimiter(1);
  const gate = deferred();
  const controller = new AbortController();
  const first = limiter.run(() => gate.promise);
  const second = limiter.run(() => "second", { signal: controller.signal });
  const third = limiter.run(() => "third");
  assert.deepEqual([limiter.running, limiter.waiting], [1, 2]);
  controller.abort(reason);
  await assert.rejects(second, reason);
  gate.resolve();
  await first;
  assert.equal(await third, "third");
  assert.deepEqual([limiter.running, limiter.waiting], [0, 0]);
  assert.throws(() => createLimiter(0), RangeError);
});

test("a place given to a caller at the moment it leaves is handed on", async () => {
  const limiter = createLimiter(1);
  const gate = deferred();
  const controller = new AbortController();
  const first = limiter.run(() => gate.promise);
  const second = limiter.run(() => "second", { signal: controller.signal });
  const settled = Promise.allSettled([first, second]);
  gate.resolve();
  await first;
  controller.abort(reason);
  await settled;
  assert.equal(await limiter.run(() => "third"), "third");
});
