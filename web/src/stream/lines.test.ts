import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import type { HubEvent } from "../shapes.ts";
import { createEventRing } from "./event-ring.ts";
import { createFilteredEvents, gapKind } from "./filtered-events.ts";
import { createLines } from "./lines.ts";

/** A ring of events and gaps, and what was read into each gap. */
const streams = fc.record({
  parts: fc.array(fc.option(fc.integer({ min: 0, max: 4 }), { freq: 3 }), { maxLength: 40 }),
  capacity: fc.integer({ min: 1, max: 50 }),
  from: fc.integer({ min: 0, max: 10 }),
  cut: fc.integer({ min: 0, max: 10 }),
});

test("what was read into a gap stands right after it, and nothing else moves", () => {
  fc.assert(
    fc.property(streams, ({ parts, capacity, from, cut }) => {
      const ring = createEventRing(capacity);
      const fills = new Map<string, HubEvent[]>();
      const events = createFilteredEvents(ring, () => true);
      for (const [index, part] of parts.entries()) {
        const kind = part === null ? "a.b" : gapKind;
        ring.push({ id: `e${index}`, kind } as HubEvent);
        const filled = Array.from({ length: part ?? 0 }, (_, each) => ({ id: `e${index}.${each}`, kind: "a.b" }));
        fills.set(`e${index}`, filled as HubEvent[]);
        if (index % 7 === 0) events.sync();
      }
      events.sync();
      const first = Math.min(events.end, events.start + from);
      const end = Math.max(first, events.end - cut);
      const lines = createLines({ events, from: first, end, filled: (gap) => fills.get(gap.id) ?? [] });
      const expected = events.slice(first, end).flatMap((event) => [event, ...(fills.get(event.id) ?? [])]);
      assert.deepEqual(
        Array.from({ length: lines.count }, (_, index) => lines.at(index)?.id),
        expected.map((event) => event.id),
      );
      assert.equal(lines.eventCount, expected.filter((event) => event.kind !== gapKind).length);
    }),
    { numRuns: 100 },
  );
});
