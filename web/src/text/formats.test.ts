import assert from "node:assert/strict";
import { test } from "vitest";
import { formatDuration, shortId } from "./formats.ts";

const plainSpaces = (text: string): string => text.replaceAll("\u00a0", " ");

test("durations grow through their units without a jump", () => {
  const shown = [0, 640, 999, 1000, 9_949, 9_950, 38_000, 59_499, 59_500, 252_000, 7_500_000].map((ms) =>
    plainSpaces(formatDuration(ms)),
  );
  assert.deepEqual(shown, [
    "0 ms",
    "640 ms",
    "999 ms",
    "1 s",
    "9.9 s",
    "10 s",
    "38 s",
    "59 s",
    "1 min 0 s",
    "4 min 12 s",
    "2 h 5 min",
  ]);
});

test("an id is shortened in the middle, and only when it is long", () => {
  assert.equal(shortId("ep-1042"), "ep-1042");
  assert.equal(shortId("0193628e-8c41-7b1e-9d52-aa01"), "019362\u20262-aa01");
});
