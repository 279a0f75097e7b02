import assert from "node:assert/strict";
import { test } from "vitest";
import type { HubEvent } from "../../shapes.ts";
import { createEventRing } from "../../stream/event-ring.ts";
import { progressIn } from "./replay-progress.ts";

test("the newest word of this capsule counts, and none of a time before", () => {
  const ring = createEventRing(10);
  const tell = (capsule: string, done: number) =>
    ring.push({
      kind: "capsules.progress",
      data: { capsule, phase: "reading", done, total: 9 },
    } as unknown as HubEvent);
  tell("mine", 1);
  assert.equal(progressIn(ring, "mine", 0)?.done, 1);
  const from = ring.end;
  tell("another", 2);
  assert.equal(progressIn(ring, "mine", from), null);
  tell("mine", 3);
  tell("mine", 4);
  ring.push({ kind: "capsules.exported", data: { capsule: "mine" } } as unknown as HubEvent);
  assert.equal(progressIn(ring, "mine", from)?.done, 4);
});
