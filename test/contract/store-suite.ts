/** What every store must do. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "vitest";
import { type EventQuery, type RowWrite, type Store, type StoredEvent, StoreFault } from "../../src/kernel/ports.ts";

export interface StoreFixture extends AsyncDisposable {
  readonly store: Store;
}

/** A row of the journal as the kernel would write it; the store looks at `seq` alone. */
export function storedEvent(seq: number, over: Partial<StoredEvent> = {}): StoredEvent {
  const hex = (digit: number): string => (digit % 16).toString(16).repeat(64);
  return {
    seq,
    format: 1,
    id: `id-${seq}`,
    timeMs: 1_700_000_000_000 + seq,
    kind: "notes.written",
    version: 1,
    corrId: "corr-1",
    causeId: null,
    node: "node-1",
    caller: "person:admin",
    data: `{"seq":${seq},"text":"ä\\n\\u0000"}`,
    dataHash: hex(seq),
    prevHash: hex(seq + 1),
    hash: hex(seq + 2),
    ...over,
  };
}

/** Everything the port can tell about a store: two stores that tell the same are the same. */
export const contentOf = (store: Store, views: readonly string[]) => ({
  head: store.head(),
  events: store.events({ limit: 10_000 }).map((event) => ({ ...event })),
  states: new Map([...store.viewStates()].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  rows: views.map((view) => store.rows({ view, limit: 10_000, order: "asc" }).map((row) => ({ ...row }))),
});

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const seqs = (events: readonly StoredEvent[]) => events.map((event) => event.seq);
const write = (view: string, key: string, json: string | null): RowWrite => ({ view, key, json });
const isFault = (error: unknown) => error instanceof StoreFault;

export function storeContract(name: string, make: () => Promise<StoreFixture>): void {
  describe(`store: ${name}`, () => {
    test("an empty store has a head of zeros, and nothing else", async () => {
      await using fixture = await make();
      assert.deepEqual(contentOf(fixture.store, ["a"]), {
        head: { seq: 0, hash: "0".repeat(64) },
        events: [],
        states: new Map(),
        rows: [[]],
      });
    });

    test("a commit keeps events column by column, writes and deletes rows, and moves the known views", async () => {
      await using fixture = await make();
      const { store } = fixture;
      const events = [
        storedEvent(1),
        storedEvent(2, { data: null, causeId: "id-1" }),
        storedEvent(3, { corrId: "c.2" }),
      ];
      store.rebuild("a", { version: 4, seq: 0 }, [{ key: "gone", json: "1" }]);
      store.commit({
        events,
        rows: [write("a", "k", "{}"), write("a", "gone", null), write("b", "k", "[]")],
        views: ["a", "b"],
      });
      assert.deepEqual(contentOf(store, ["a", "b"]), {
        head: { seq: 3, hash: events[2]?.hash },
        events,
        states: new Map([["a", { version: 4, seq: 3 }]]),
        rows: [[{ key: "k", json: "{}" }], [{ key: "k", json: "[]" }]],
      });
      assert.deepEqual(
        [store.row("a", "k"), store.row("a", "gone"), store.row("c", "k")],
        ["{}", undefined, undefined],
      );
    });

    test("a commit that fails leaves the store as it was", async () => {
      await using fixture = await make();
      const { store } = fixture;
      store.rebuild("a", { version: 1, seq: 0 }, []);
      store.commit({ events: range(1, 3).map((seq) => storedEvent(seq)), rows: [write("a", "k", "1")], views: ["a"] });
      const before = contentOf(store, ["a"]);
      for (const wrong of [[4, 4], [3], [4, 2], [1]]) {
        const events = wrong.map((seq) => storedEvent(seq, { id: `again-${seq}` }));
        assert.throws(
          () => store.commit({ events, rows: [write("a", "k", "2"), write("a", "n", "3")], views: ["a"] }),
          isFault,
        );
        assert.deepEqual(contentOf(store, ["a"]), before);
      }
      store.commit({ events: [storedEvent(4)], rows: [write("a", "k", null)], views: ["a"] });
      assert.deepEqual([store.head().seq, store.row("a", "k")], [4, undefined]);
    });

    test("a rebuild replaces one view as a whole, or not at all", async () => {
      await using fixture = await make();
      const { store } = fixture;
      store.rebuild("a", { version: 1, seq: 0 }, [{ key: "old", json: "1" }]);
      store.rebuild("b", { version: 1, seq: 0 }, [{ key: "other", json: "1" }]);
      store.rebuild("a", { version: 2, seq: 7 }, [
        { key: "new", json: "2" },
        { key: "newer", json: "3" },
      ]);
      const after = contentOf(store, ["a", "b"]);
      assert.deepEqual(after.rows, [
        [
          { key: "new", json: "2" },
          { key: "newer", json: "3" },
        ],
        [{ key: "other", json: "1" }],
      ]);
      assert.deepEqual(
        [...after.states],
        [
          ["a", { version: 2, seq: 7 }],
          ["b", { version: 1, seq: 0 }],
        ],
      );
      const broken = function* () {
        yield { key: "half", json: "4" };
        throw new RangeError("the source of the rows failed");
      };
      assert.throws(() => store.rebuild("a", { version: 3, seq: 9 }, broken()));
      assert.deepEqual(contentOf(store, ["a", "b"]), after);
    });

    test("what is written together is there as a whole, or not at all", async () => {
      await using fixture = await make();
      const { store } = fixture;
      store.together(() => {
        for (const view of ["a", "b"]) store.rebuild(view, { version: 1, seq: 0 }, [{ key: "k", json: "1" }]);
      });
      const before = contentOf(store, ["a", "b"]);
      assert.equal(before.states.size, 2);
      assert.throws(() =>
        store.together(() => {
          store.rebuild("a", { version: 2, seq: 7 }, []);
          store.commit({ events: [storedEvent(1)], rows: [write("b", "k", "2")], views: ["b"] });
          throw new RangeError("half of it was written");
        }),
      );
      assert.deepEqual(contentOf(store, ["a", "b"]), before);
      assert.equal(store.head().seq, 0);
    });

    test("what was answered does not change when the store does", async () => {
      await using fixture = await make();
      const { store } = fixture;
      store.rebuild("a", { version: 1, seq: 0 }, []);
      store.commit({ events: [storedEvent(1)], rows: [write("a", "k", "1")], views: ["a"] });
      const answers = [
        store.events({ limit: 9 }),
        store.viewStates(),
        store.rows({ view: "a", limit: 9, order: "asc" }),
      ];
      const copy = structuredClone(answers.map((each) => (each instanceof Map ? [...each] : each)));
      store.commit({ events: [storedEvent(2)], rows: [write("a", "l", "2")], views: ["a"] });
      assert.deepEqual(structuredClone(answers.map((each) => (each instanceof Map ? [...each] : each))), copy);
    });

    test("events are found by position, episode and kind, in both orders, up to a limit", async () => {
      const kinds = ["a.b", "a.bc", "b"] as const;
      const some = fc.array(fc.record({ kind: fc.constantFrom(...kinds), corrId: fc.constantFrom("x", "y") }), {
        maxLength: 30,
      });
      const query = fc.record(
        {
          afterSeq: fc.integer({ min: 0, max: 32 }),
          toSeq: fc.integer({ min: 0, max: 32 }),
          limit: fc.integer({ min: 1, max: 40 }),
          order: fc.constantFrom("asc" as const, "desc" as const),
          corrId: fc.constantFrom("x", "y", "z"),
          kinds: fc.subarray<string>([...kinds, "none"]),
        },
        { requiredKeys: ["limit"] },
      );
      await fc.assert(
        fc.asyncProperty(some, fc.array(query, { minLength: 5, maxLength: 10 }), async (given, queries) => {
          await using fixture = await make();
          const events = given.map((over, index) => storedEvent(index + 1, over));
          fixture.store.commit({ events, rows: [], views: [] });
          for (const each of queries)
            assert.deepEqual(seqs(fixture.store.events(each)), seqs(expectedEvents(events, each)));
        }),
        { numRuns: 15 },
      );
    });

    test("who asks for envelopes gets everything of an event but the hashes, which may be empty", async () => {
      await using fixture = await make();
      const events = [storedEvent(1), storedEvent(2, { data: null, causeId: "id-1" })];
      fixture.store.commit({ events, rows: [], views: [] });
      const bare = (event: StoredEvent) => ({ ...event, dataHash: "", prevHash: "", hash: "" });
      assert.deepEqual(fixture.store.events({ limit: 9, parts: "envelope" }).map(bare), events.map(bare));
      assert.deepEqual(fixture.store.events({ limit: 9, parts: "all" }), events);
    });

    test("rows are listed in order of their keys, from behind a key, up to a limit", async () => {
      const key = fc.string({ unit: fc.constantFrom("a", "B", "0", "-", "~", "%", "_"), minLength: 1, maxLength: 3 });
      const page = fc.record({
        limit: fc.integer({ min: 1, max: 8 }),
        order: fc.constantFrom("asc" as const, "desc" as const),
        afterKey: key,
      });
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(key, { maxLength: 12 }),
          fc.array(page, { maxLength: 6 }),
          async (keys, pages) => {
            await using fixture = await make();
            const { store } = fixture;
            store.commit({ events: [], rows: keys.map((each, index) => write("a", each, String(index))), views: [] });
            for (const { limit, order, afterKey } of pages) {
              const sorted = keys
                .toSorted((a, b) => (a < b ? -1 : 1))
                .filter((each) => (order === "asc" ? each > afterKey : each < afterKey));
              const expected = (order === "asc" ? sorted : sorted.toReversed()).slice(0, limit);
              assert.deepEqual(
                store.rows({ view: "a", limit, order, afterKey }).map((row) => row.key),
                expected,
              );
            }
            const all = store.rows({ view: "a", limit: 100, order: "desc" });
            assert.deepEqual(
              all.map((row) => row.json),
              keys.toSorted((a, b) => (a < b ? 1 : -1)).map((each) => String(keys.indexOf(each))),
            );
          },
        ),
        { numRuns: 15 },
      );
    });

    test("a view that the store does not know is not marked by commits", async () => {
      await using fixture = await make();
      fixture.store.commit({ events: [storedEvent(1)], rows: [], views: ["never-built"] });
      assert.equal(fixture.store.viewStates().size, 0);
    });

    test("rows that are folded later are written with where they are folded up to", async () => {
      await using fixture = await make();
      const { store } = fixture;
      store.commit({ events: [storedEvent(1), storedEvent(2)], rows: [], views: [] });
      for (const view of ["a", "b"]) store.rebuild(view, { version: 3, seq: 1 }, [{ key: "k", json: "1" }]);
      store.commit({ events: [], rows: [write("a", "k", "2")], views: ["a"], foldedSeq: 2 });
      assert.deepEqual(
        [...store.viewStates()].toSorted(([a], [b]) => (a < b ? -1 : 1)),
        [
          ["a", { version: 3, seq: 2 }],
          ["b", { version: 3, seq: 1 }],
        ],
      );
      assert.deepEqual([store.row("a", "k"), store.row("b", "k"), store.head().seq], ["2", "1", 2]);
    });

    test("dropped data is gone and everything else of the event is there", async () => {
      await using fixture = await make();
      const { store } = fixture;
      const events = range(1, 4).map((seq) => storedEvent(seq));
      store.rebuild("a", { version: 1, seq: 0 }, []);
      store.commit({ events, rows: [write("a", "old", "1")], views: ["a"] });
      store.drop({ seqs: [2, 3, 99], rows: [write("a", "old", null), write("b", "mark", "2")] });
      assert.deepEqual(contentOf(store, ["a", "b"]), {
        head: { seq: 4, hash: events[3]?.hash },
        events: events.map((event) => (event.seq === 2 || event.seq === 3 ? { ...event, data: null } : event)),
        states: new Map([["a", { version: 1, seq: 4 }]]),
        rows: [[], [{ key: "mark", json: "2" }]],
      });
    });

    test("what drops leave free can be given back, until nothing is left", async () => {
      await using fixture = await make();
      const { store } = fixture;
      const data = JSON.stringify("x".repeat(20_000));
      store.commit({ events: range(1, 50).map((seq) => storedEvent(seq, { data })), rows: [], views: [] });
      store.drop({ seqs: range(1, 49), rows: [] });
      while (store.reclaim(20) > 0);
      assert.equal(store.reclaim(1000), 0);
      assert.equal(store.events({ limit: 100 }).length, 50);
    });

    test("a commit that leaves its sync for later is seen at once, and a sync says when it ended", async () => {
      await using fixture = await make();
      const { store } = fixture;
      store.commit({ events: [storedEvent(1)], rows: [write("a", "k", "1")], views: [], sync: "later" });
      assert.deepEqual([store.head().seq, store.row("a", "k")], [1, "1"]);
      const synced = () => new Promise((resolve) => store.sync(resolve));
      assert.deepEqual(await Promise.all([synced(), synced()]), [null, null]);
      assert.throws(() => store.commit({ events: [storedEvent(1)], rows: [], views: [], sync: "later" }), isFault);
      store.commit({ events: [storedEvent(2)], rows: [], views: [] });
      assert.equal(store.head().seq, 2);
    });

    test("closing twice harms nothing", async () => {
      await using fixture = await make();
      fixture.store[Symbol.dispose]();
      fixture.store[Symbol.dispose]();
    });
  });
}

function expectedEvents(
  events: readonly StoredEvent[],
  { afterSeq = 0, toSeq = 1e9, limit, order, corrId, kinds }: EventQuery,
) {
  const found = events.filter(
    (event) =>
      event.seq > afterSeq &&
      event.seq <= toSeq &&
      (corrId === undefined || event.corrId === corrId) &&
      (kinds === undefined || kinds.includes(event.kind)),
  );
  return (order === "desc" ? found.toReversed() : found).slice(0, limit);
}
