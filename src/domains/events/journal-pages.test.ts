import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import type { Envelope } from "../../contract/event.ts";
import type { Journal } from "../../kernel/kernel.ts";
import { readPage } from "./journal-pages.ts";

const kinds = ["models.added", "agents.run.started", "agents.run.finished"];

function journalOf(events: readonly Envelope[]): Journal & { readonly reads: number } {
  let reads = 0;
  return {
    get reads() {
      return reads;
    },
    headSeq: () => events.length,
    reached: () => Promise.resolve(),
    emit: () => Promise.reject(new TypeError("read only")),
    read({ afterSeq = 0, toSeq = Number.MAX_SAFE_INTEGER, limit, order, corrId }) {
      reads += 1;
      const found = events.filter(
        (e) => e.seq > afterSeq && e.seq <= toSeq && (corrId === undefined || e.corrId === corrId),
      );
      return (order === "desc" ? found.toReversed() : found).slice(0, limit);
    },
  };
}

const history = fc
  .array(fc.record({ kind: fc.constantFrom(...kinds), corr: fc.constantFrom("a", "b") }), { maxLength: 60 })
  .map((rows) =>
    rows.map(
      ({ kind, corr }, index): Envelope => ({
        seq: index + 1,
        id: String(index),
        timeMs: 1000 * (index + 1),
        kind,
        version: 1,
        corrId: corr,
        causeId: null,
        node: "n",
        caller: "system:hub",
        data: {},
      }),
    ),
  );

test("pages hold each matching event once, newest first, and end", () => {
  fc.assert(
    fc.property(
      history,
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom([], ["Agents."], ["models.", "agents.run.f"]),
      (events, limit, prefix) => {
        const journal = journalOf(events);
        const seen: number[] = [];
        let cursor: number | null = null;
        for (let pages = 0; pages <= events.length + 1; pages += 1) {
          const page: ReturnType<typeof readPage> = readPage(journal, {
            limit,
            prefix: [...prefix],
            ...(cursor === null ? {} : { cursor }),
          });
          assert.ok(page.events.length <= limit);
          seen.push(...page.events.map((each) => each.seq));
          cursor = page.nextCursor;
          if (cursor === null) break;
        }
        const wanted = events.filter(
          ({ kind }) => prefix.length === 0 || prefix.some((each) => kind.startsWith(each.toLowerCase())),
        );
        assert.equal(cursor, null);
        assert.deepEqual(seen, wanted.map((each) => each.seq).toReversed());
      },
    ),
  );
});

test("ranges of position, time and episode hold together", () => {
  fc.assert(
    fc.property(history, fc.nat(60), fc.nat(60), (events, afterSeq, toSeq) => {
      const query = { afterSeq, toSeq, corr: "a", sinceMs: 5000, untilMs: 40_000, limit: 1000 };
      const wanted = events.filter(
        (e) => e.seq > afterSeq && e.seq <= toSeq && e.corrId === "a" && e.timeMs >= 5000 && e.timeMs <= 40_000,
      );
      assert.deepEqual(readPage(journalOf(events), query).events, wanted.toReversed());
    }),
  );
});
