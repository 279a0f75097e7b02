import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import type { HubEvent } from "../shapes.ts";
import { createEventRing } from "./event-ring.ts";
import { createFilteredEvents } from "./filtered-events.ts";

const event = (seq: number | undefined, kind = "actions.applied"): HubEvent => ({
  ...(seq === undefined ? {} : { seq }),
  id: `e-${seq ?? "live"}`,
  timeMs: 0,
  kind,
  version: 1,
  corrId: "c",
  causeId: null,
  node: "n",
  caller: "agent:scout",
  data: {},
});

test("the ring keeps the newest events and forgets the oldest", () => {
  const ring = createEventRing(3);
  for (let seq = 1; seq <= 5; seq += 1) ring.push(event(seq));
  assert.deepEqual([ring.start, ring.end, ring.lastSeq], [2, 5, 5]);
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((position) => ring.at(position)?.seq),
    [undefined, undefined, 3, 4, 5, undefined],
  );
});

test("an event that came before is not taken twice, and live ones always are", () => {
  const ring = createEventRing(10);
  const taken = [event(1), event(2), event(2), event(1), event(undefined), event(undefined), event(3)].map((each) =>
    ring.push(each),
  );
  assert.deepEqual(taken, [true, true, false, false, true, true, true]);
});

test("a cleared ring begins a new epoch and takes low positions again", () => {
  const ring = createEventRing(3);
  ring.push(event(9));
  ring.clear();
  assert.deepEqual([ring.end, ring.epoch, ring.push(event(1))], [0, 1, true]);
});

test("what a filter keeps is what a fresh look at the ring would find", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom("push", "sync", "clear"), fc.boolean()), { maxLength: 120 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 12 }), (script, capacity) => {
      const ring = createEventRing(capacity);
      const filtered = createFilteredEvents(ring, (each) => each.kind === "kept");
      for (const [step, isKept] of script) {
        if (step === "push") ring.push(event(undefined, isKept ? "kept" : "other"));
        else if (step === "clear" && isKept) ring.clear();
        else filtered.sync();
      }
      filtered.sync();
      const expected: HubEvent[] = [];
      for (let position = ring.start; position < ring.end; position += 1) {
        const each = ring.at(position);
        if (each?.kind === "kept") expected.push(each);
      }
      assert.equal(filtered.end - filtered.start, expected.length);
      assert.deepEqual(filtered.slice(filtered.start, filtered.end), expected);
    }),
    { numRuns: 60 },
  );
});

test("an index of a match stays the same while older matches fall away", () => {
  const ring = createEventRing(4);
  const filtered = createFilteredEvents(ring, () => true);
  for (let seq = 1; seq <= 3; seq += 1) ring.push(event(seq));
  filtered.sync();
  const third = filtered.at(2);
  for (let seq = 4; seq <= 6; seq += 1) ring.push(event(seq));
  filtered.sync();
  assert.equal(filtered.at(2), third);
  assert.deepEqual([filtered.start, filtered.end, filtered.at(0)], [2, 6, undefined]);
});
