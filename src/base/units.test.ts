import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { etaMs, formatBytes, formatDurationMs } from "./units.ts";

test("bytes take the unit that leaves at most three digits", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [640, "640 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [1_234, "1.2 kB"],
    [9_960, "10 kB"],
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [4_370_000_000, "4.4 GB"],
    [5e18, "5000 PB"],
    [-1, "unknown"],
    [Number.NaN, "unknown"],
  ];
  assert.deepEqual(
    cases.map(([size]) => formatBytes(size)),
    cases.map(([, text]) => text),
  );
});

test("durations take their two largest units and never show sixty of one", () => {
  const cases: [number, string][] = [
    [0, "0 ms"],
    [640.4, "640 ms"],
    [999.9, "1 s"],
    [3_240, "3.2 s"],
    [38_000, "38 s"],
    [59_600, "1 min"],
    [252_000, "4 min 12 s"],
    [3_599_900, "1 h"],
    [7_500_000, "2 h 5 min"],
    [86_399_999, "1 d"],
    [273_600_000, "3 d 4 h"],
    [-1, "unknown"],
  ];
  assert.deepEqual(
    cases.map(([duration]) => formatDurationMs(duration)),
    cases.map(([, text]) => text),
  );
  fc.assert(
    fc.property(fc.nat(1e9), (ms) => assert.doesNotMatch(formatDurationMs(ms), /\b(?:60 (?:s|min)|24 h|1000 ms)\b/)),
  );
});

test("the time left follows the pace so far", () => {
  assert.equal(etaMs({ done: 25, total: 100, elapsedMs: 1_000 }), 3_000);
  assert.equal(etaMs({ done: 120, total: 100, elapsedMs: 1_000 }), 0);
  for (const done of [0, -1, Number.NaN]) assert.equal(etaMs({ done, total: 100, elapsedMs: 1_000 }), undefined);
  assert.equal(etaMs({ done: 5, total: undefined, elapsedMs: 1_000 }), undefined);
  assert.equal(etaMs({ done: 5, total: 10, elapsedMs: 0 }), undefined);
});
