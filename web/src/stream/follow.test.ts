import assert from "node:assert/strict";
import { test } from "vitest";
import { follow, type FollowState, shownEnd, waitingCount } from "./follow.ts";

const following: FollowState = { mode: "follow" };

test("following shows everything and nothing waits", () => {
  assert.deepEqual([shownEnd(following, 40), waitingCount(following, 40)], [40, 0]);
});

test("scrolling back freezes the end and counts what comes after", () => {
  const browsing = follow(following, { type: "leave", end: 40 });
  assert.deepEqual([shownEnd(browsing, 224), waitingCount(browsing, 224)], [40, 184]);
  assert.deepEqual(follow(browsing, { type: "leave", end: 224 }), browsing);
  assert.deepEqual(follow(browsing, { type: "follow" }), following);
});

test("pause freezes the view where it is, and pressing it again follows", () => {
  const paused = follow(following, { type: "togglePause", end: 7 });
  assert.deepEqual(paused, { mode: "paused", end: 7 });
  assert.deepEqual(follow(paused, { type: "leave", end: 9 }), paused);
  assert.deepEqual(follow(paused, { type: "togglePause", end: 9 }), following);
  const browsing = follow(following, { type: "leave", end: 3 });
  assert.deepEqual(follow(browsing, { type: "togglePause", end: 9 }), { mode: "paused", end: 3 });
});

test("a list that shrank, as after a reload, never shows beyond its end", () => {
  assert.deepEqual([shownEnd({ mode: "paused", end: 50 }, 10), waitingCount({ mode: "paused", end: 50 }, 10)], [10, 0]);
});
