import assert from "node:assert/strict";
import { test } from "vitest";
import type { HubEvent } from "../shapes.ts";
import { createEventRing } from "./event-ring.ts";
import { createGapFills, fillPageEvents, type ReadJournal } from "./gap-fills.ts";

const event = (seq: number): HubEvent => ({ seq, id: `e${seq}`, kind: "a.b" }) as HubEvent;
const gapOf = (fromSeq: number, toSeq: number, skipped = toSeq - fromSeq + 1): HubEvent =>
  ({ id: `gap ${fromSeq}`, kind: "bus.gap", data: { fromSeq, toSeq, skipped } }) as HubEvent;

/** A journal of `headSeq` events that answers as the hub does: newest first, before the cursor. */
function journalOf(headSeq: number) {
  const asked: Parameters<ReadJournal>[0][] = [];
  const read: ReadJournal = async (filters) => {
    asked.push(filters);
    const { afterSeq = 0, toSeq = headSeq, limit, cursor = Number.MAX_SAFE_INTEGER } = filters;
    const last = Math.min(toSeq, cursor - 1);
    const events: HubEvent[] = [];
    for (let seq = last; seq > afterSeq && events.length < limit; seq -= 1) events.push(event(seq));
    const lowest = events.at(-1)?.seq ?? 1;
    return { events, headSeq, nextCursor: events.length === limit && lowest > 1 ? lowest : null };
  };
  return { read, asked };
}

const seqs = (events: readonly HubEvent[] | undefined): readonly (number | undefined)[] =>
  (events ?? []).map(({ seq }) => seq);

test("a gap is filled with exactly what is missing, oldest first", async () => {
  const ring = createEventRing();
  const gap = gapOf(3, 6);
  for (const each of [event(1), event(2), gap, event(7)]) ring.push(each);
  const { read, asked } = journalOf(9);
  const fills = createGapFills(ring, read);
  let told = 0;
  fills.subscribe(() => (told += 1));
  const loading = fills.load(gap);
  assert.equal(fills.of(gap)?.phase, "loading");
  await Promise.all([loading, fills.load(gap)]);
  assert.deepEqual([fills.of(gap)?.phase, seqs(fills.of(gap)?.events)], ["whole", [3, 4, 5, 6]]);
  assert.deepEqual(asked, [{ afterSeq: 2, toSeq: 6, limit: fillPageEvents, cursor: undefined }]);
  assert.equal(fills.find("e4")?.seq, 4);
  assert.ok(told >= 2);
});

test("a large gap is filled from its newer end, press by press", async () => {
  const ring = createEventRing();
  const gap = gapOf(2, 2_101);
  for (const each of [event(1), gap, event(2_102)]) ring.push(each);
  const { read } = journalOf(2_102);
  const fills = createGapFills(ring, read);
  const phases: (string | undefined)[] = [];
  for (let press = 0; press < 4; press += 1) {
    await fills.load(gap);
    phases.push(fills.of(gap)?.phase);
  }
  assert.deepEqual(phases, ["partial", "partial", "whole", "whole"]);
  assert.deepEqual(
    seqs(fills.of(gap)?.events),
    Array.from({ length: 2_100 }, (_, index) => index + 2),
  );
});

test("a gap of passing events alone names a position that is here, and asks for nothing", async () => {
  const ring = createEventRing();
  const gap = gapOf(5, 5, 3);
  for (const each of [event(5), gap, event(6)]) ring.push(each);
  const { read, asked } = journalOf(9);
  const fills = createGapFills(ring, read);
  await fills.load(gap);
  assert.deepEqual([fills.of(gap)?.phase, seqs(fills.of(gap)?.events), asked], ["whole", [], []]);
});

test("a failure is told and can be tried again; a new stream forgets the old gaps", async () => {
  const ring = createEventRing();
  const gap = gapOf(1, 2);
  ring.push(gap);
  const { read } = journalOf(2);
  let isBroken = true;
  const fills = createGapFills(ring, (filters) => (isBroken ? Promise.reject(new TypeError("gone")) : read(filters)));
  await fills.load(gap);
  assert.equal(fills.of(gap)?.phase, "failed");
  isBroken = false;
  await fills.load(gap);
  assert.deepEqual(seqs(fills.of(gap)?.events), [1, 2]);
  ring.clear();
  assert.equal(fills.of(gap), undefined);
});
