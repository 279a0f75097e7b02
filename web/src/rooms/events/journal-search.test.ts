import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { eventsSearch } from "../../filters.ts";
import { draftOf, faultsOf, filtersOf, isNarrowed, localTime, searchOf } from "./journal-search.ts";

const blank = draftOf({});

test("an empty form asks for everything, and names nothing in the address", () => {
  assert.deepEqual(searchOf(blank), { view: "journal" });
  assert.deepEqual([faultsOf(blank), isNarrowed({ view: "journal" })], [{}, false]);
});

test("the ends of a range belong to it", () => {
  const search = searchOf({
    ...blank,
    fromSeq: "5",
    toSeq: " 9 ",
    since: "2026-05-12T09:30",
    until: "2026-05-12T09:30:01",
  });
  const { afterSeq, toSeq, sinceMs, untilMs } = filtersOf(search);
  assert.deepEqual([afterSeq, toSeq], [4, 9]);
  assert.deepEqual([localTime(sinceMs ?? 0), (untilMs ?? 0) - (sinceMs ?? 0)], ["2026-05-12T09:30:00", 1999]);
  assert.equal(filtersOf({ fromSeq: 0 }).afterSeq, 0);
});

test("what cannot be asked is said at its field", () => {
  assert.deepEqual(faultsOf({ ...blank, fromSeq: "-1", toSeq: "x", corr: "../a" }), {
    fromSeq: "journal.fault.number",
    toSeq: "journal.fault.number",
    corr: "journal.fault.id",
  });
  assert.deepEqual(faultsOf({ ...blank, fromSeq: "9", toSeq: "5" }), { toSeq: "journal.fault.order" });
  assert.deepEqual(faultsOf({ ...blank, since: "2026-05-12T09:30", until: "2026-05-11T09:30" }), {
    until: "journal.fault.order",
  });
});

test("a link fills the form, and the form makes the same link", () => {
  const searches = fc.record(
    {
      prefix: fc.constantFrom("a.", "models.,agents."),
      corr: fc.constantFrom("ep-1", "01a2"),
      fromSeq: fc.nat(),
      toSeq: fc.nat(),
      sinceMs: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
      untilMs: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000 + 999),
    },
    { requiredKeys: [] },
  );
  // In the night that ends summer time an hour comes twice, and a field cannot tell which is meant.
  const isOnce = (ms: number | undefined): boolean =>
    ms === undefined || new Date(localTime(ms)).getTime() === ms - (ms % 1000);
  fc.assert(
    fc.property(searches, (raw) => {
      fc.pre(isOnce(raw.sinceMs) && isOnce(raw.untilMs));
      const search = eventsSearch({ ...raw, view: "journal" });
      assert.deepEqual(searchOf(draftOf(search)), search);
    }),
    { numRuns: 100 },
  );
});
