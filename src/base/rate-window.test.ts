import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createRateWindow } from "./rate-window.ts";

test("never more than the limit in any window, and the promised moment is kept to the millisecond", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.nat(30)),
      (limit, windowMs, gaps) => {
        const rate = createRateWindow({ limit, windowMs, keysMax: 4 });
        const grantedMs: number[] = [];
        let nowMs = 0;
        for (const gapMs of gaps) {
          nowMs += gapMs;
          const recent = grantedMs.filter((timeMs) => timeMs > nowMs - windowMs);
          const peeked = rate.peek("k", nowMs);
          const answer = rate.take("k", nowMs);
          assert.deepEqual(answer, peeked);
          assert.equal(answer.ok, recent.length < limit);
          if (answer.ok) grantedMs.push(nowMs);
          else {
            assert.equal(rate.peek("k", nowMs + answer.retryAfterMs - 1).ok, false);
            assert.equal(answer.retryAfterMs, (recent[0] ?? 0) + windowMs - nowMs);
            nowMs += answer.retryAfterMs - 1;
          }
        }
      },
    ),
  );
});

test("keys do not share their limit", () => {
  const rate = createRateWindow({ limit: 1, windowMs: 1_000, keysMax: 4 });
  assert.deepEqual(rate.take("a", 0), { ok: true });
  assert.deepEqual(rate.take("b", 0), { ok: true });
  assert.deepEqual(rate.take("a", 400), { ok: false, retryAfterMs: 600 });
  assert.deepEqual(rate.take("a", 1_000), { ok: true });
});

test("a flood of unknown keys stays within the bound and frees nobody", () => {
  const rate = createRateWindow({ limit: 2, windowMs: 1_000, keysMax: 100 });
  rate.take("attacker", 0);
  rate.take("attacker", 0);
  for (let index = 0; index < 10_000; index += 1) assert.equal(rate.take(`flood${index}`, 1).ok, true);
  assert.equal(rate.size, 100);
  assert.deepEqual(rate.take("attacker", 999), { ok: false, retryAfterMs: 1 });
});

test("when every key is at its limit the bound still holds, and idle keys go first", () => {
  const rate = createRateWindow({ limit: 1, windowMs: 1_000, keysMax: 3 });
  rate.take("old", 0);
  for (const key of ["a", "b"]) rate.take(key, 900);
  rate.take("c", 1_000);
  assert.equal(rate.size, 3);
  for (const key of ["a", "b", "c"]) assert.equal(rate.peek(key, 1_000).ok, false);
  rate.take("d", 1_001);
  assert.equal(rate.size, 3);
});

test("a clock set back neither frees a key nor holds it for longer than its window", () => {
  const rate = createRateWindow({ limit: 1, windowMs: 1_000, keysMax: 3 });
  rate.take("a", 1_000_000);
  assert.deepEqual(rate.take("a", 500), { ok: false, retryAfterMs: 1_000 });
  assert.deepEqual(rate.take("a", 1_499), { ok: false, retryAfterMs: 1 });
  assert.deepEqual(rate.take("a", 1_500), { ok: true });
});

test("options that make no sense are refused", () => {
  for (const limit of [0, 1.5, 100_001])
    assert.throws(() => createRateWindow({ limit, windowMs: 1, keysMax: 1 }), RangeError);
});
