import assert from "node:assert/strict";
import { test } from "vitest";
import { createManualClock } from "../../src/adapters/memory/clock.ts";
import { clockContract } from "./clock-suite.ts";

clockContract("memory", () => {
  const clock = createManualClock(1_700_000_000_000);
  return { clock, pass: async (ms) => clock.advance(ms) };
});

test("a wall clock that is set moves no timer", () => {
  const clock = createManualClock(1_700_000_000_000);
  let runs = 0;
  clock.after(10, () => {
    runs += 1;
  });
  clock.setWall(1_800_000_000_000);
  assert.deepEqual([clock.nowMs(), clock.monotonicMs(), runs, clock.nextInMs()], [1_800_000_000_000, 0, 0, 10]);
  clock.advance(10);
  assert.deepEqual([clock.nowMs(), clock.monotonicMs(), runs, clock.nextInMs()], [1_800_000_000_010, 10, 1, null]);
});
