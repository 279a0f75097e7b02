import assert from "node:assert/strict";
import { test } from "vitest";
import { createNotifier } from "./notifier.ts";

/** A clock that runs what is due when it is moved on. */
function fakeTime() {
  let nowMs = 0;
  let isHidden = false;
  const due: { readonly atMs: number; readonly run: () => void }[] = [];
  return {
    options: {
      now: () => nowMs,
      after: (delayMs: number, run: () => void) => void due.push({ atMs: nowMs + delayMs, run }),
      isHidden: () => isHidden,
    },
    hide: (hidden: boolean) => (isHidden = hidden),
    pass(ms: number) {
      nowMs += ms;
      for (const entry of due.splice(0)) {
        if (entry.atMs <= nowMs) entry.run();
        else due.push(entry);
      }
    },
  };
}

test("a thousand changes a second are told ten times a second", () => {
  const time = fakeTime();
  const notifier = createNotifier(time.options);
  let told = 0;
  notifier.subscribe(() => (told += 1));
  for (let ms = 0; ms < 1000; ms += 1) {
    notifier.mark();
    time.pass(1);
  }
  assert.ok(told >= 9 && told <= 11, `${told} notifications`);
});

test("a hidden page is told nothing, and once when it is seen again", () => {
  const time = fakeTime();
  const notifier = createNotifier(time.options);
  let told = 0;
  notifier.subscribe(() => (told += 1));
  time.hide(true);
  for (let count = 0; count < 50; count += 1) {
    notifier.mark();
    time.pass(100);
  }
  assert.equal(told, 0);
  time.hide(false);
  notifier.wake();
  time.pass(0);
  assert.equal(told, 1);
});

test("the version changes only with a notification", () => {
  const time = fakeTime();
  const notifier = createNotifier(time.options);
  notifier.mark();
  assert.equal(notifier.version(), 0);
  time.pass(0);
  assert.equal(notifier.version(), 1);
  time.pass(500);
  assert.equal(notifier.version(), 1);
});
