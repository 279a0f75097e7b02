import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import { createFailingStore, type JournalKit, nextVersions, openJournal, storedRows } from "../../test/kit/journal.ts";
import { createMemoryStore } from "../adapters/memory/store.ts";
import { type Envelope, event } from "../contract/event.ts";
import { closed, Type } from "../contract/schema.ts";
import { type Fold, on, type View, view } from "../contract/view.ts";
import type { Store } from "./ports.ts";
import { verifyChain } from "./verify.ts";

const Key = Type.String();
const Put = event({ kind: "things.put", about: "x", data: closed({ key: Key, value: Type.Integer() }) });
const Dropped = event({ kind: "things.dropped", about: "x", data: closed({ key: Key }) });
const Seen = event({ kind: "things.seen", about: "x", data: closed({ key: Key }) });
const Thing = closed({ key: Key, value: Type.Integer(), changes: Type.Integer() });
interface Thing {
  readonly key: string;
  readonly value: number;
  readonly changes: number;
}

const thing = on<Thing>();
const thingFolds: readonly Fold<Thing>[] = [
  thing(
    Put,
    (e) => e.data.key,
    (row, e) => ({ ...e.data, changes: (row?.changes ?? 0) + 1 }),
  ),
  thing(
    Dropped,
    (e) => e.data.key,
    () => null,
  ),
  // Seeing changes nothing, and must cost nothing.
  thing(
    Seen,
    (e) => e.data.key,
    (row) => row ?? null,
  ),
];
const thingView = (
  name: string,
  options: Partial<Pick<View<Thing>, "rowsMax" | "order" | "overflow" | "folds">>,
): View => view(Thing)({ name, version: 1, about: "x", rowsMax: 1000, folds: thingFolds, ...options });

const count = (row: unknown): number => (typeof row === "number" ? row : 0) + 1;
/** One view of each kind that a domain can write. */
const kinds: readonly View[] = [
  thingView("whole", {}),
  thingView("capped", { rowsMax: 3 }),
  thingView("ascending", { rowsMax: 2, order: "asc" }),
  thingView("guarded", { overflow: "guarded", order: "asc" }),
  thingView("picky", {
    folds: thingFolds.map((fold) => ({ ...fold, key: (e) => (fold.key(e) === "b" ? null : fold.key(e)) })),
  }),
  view(Type.Integer())({
    name: "wild",
    version: 1,
    about: "x",
    rowsMax: 2,
    folds: [{ kind: "*", key: (e) => e.corrId, apply: count }],
  }),
  view(Type.Integer())({
    name: "twice",
    version: 1,
    about: "x",
    rowsMax: 50,
    folds: [
      { kind: Put.kind, key: (e) => e.corrId, apply: count },
      {
        kind: "*",
        key: (e) => (e.data as { key: string }).key,
        apply: (row) => (count(row) % 4 === 0 ? null : count(row)),
      },
    ],
  }),
];

/** The contract of a view in its plainest form: a map, every fold in turn, and the smallest key goes when one is too many. */
function foldPlainly({ folds, rowsMax, overflow }: View, events: readonly Envelope[]): [string, unknown][] {
  const rows = new Map<string, unknown>();
  for (const envelope of events) {
    for (const fold of folds) {
      const key = fold.kind === "*" || fold.kind === envelope.kind ? fold.key(envelope) : null;
      if (key === null) continue;
      const row = fold.apply(rows.get(key), envelope);
      if (row === null) rows.delete(key);
      else rows.set(key, row);
      const oldest = [...rows.keys()].toSorted()[0];
      if (overflow === "oldestKey" && rows.size > rowsMax && oldest !== undefined) rows.delete(oldest);
    }
  }
  return [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

const expected = (events: readonly Envelope[]) =>
  Object.fromEntries(kinds.map((each) => [each.name, foldPlainly(each, events)]));
const listed = (kit: JournalKit) =>
  Object.fromEntries(
    kinds.map((each) => {
      const { rows } = kit.views.list(each, { limit: 1000 });
      const pairs = rows.map(({ key, row }): [string, unknown] => [key, row]);
      return [each.name, each.order === "desc" ? pairs.toReversed() : pairs];
    }),
  );

const key = fc.constantFrom("a", "b", "c", "d", "e", "f");
const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant(Put), data: fc.record({ key, value: fc.nat(3) }), corrId: key }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant(Dropped), data: fc.record({ key }), corrId: key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant(Seen), data: fc.record({ key }), corrId: key }) },
);
/** Groups that are committed together; some of them meet a disk that fails. */
const history = fc.array(
  fc.record({ changes: fc.array(change, { minLength: 1, maxLength: 6 }), fails: fc.boolean() }),
  { maxLength: 8 },
);

async function play(
  groups: readonly {
    readonly changes: readonly { kind: typeof Put | typeof Dropped | typeof Seen; data: unknown; corrId: string }[];
    readonly fails: boolean;
  }[],
) {
  const store = createFailingStore();
  const kit = openJournal(kinds, store);
  for (const { changes, fails } of groups) {
    store.failWith(fails ? "full" : null);
    await Promise.allSettled(changes.map(({ kind, data, corrId }) => kit.emit(kind, data, { corrId })));
  }
  store.failWith(null);
  return { kit, store };
}

test("rows in memory, rows on disk, rows rebuilt and the plain fold agree, whatever happened and whatever failed", async () => {
  await fc.assert(
    fc.asyncProperty(history, async (groups) => {
      const { kit, store } = await play(groups);
      const events = kit.journal.read({ limit: 1000 });
      const wanted = expected(events);
      assert.deepEqual(listed(kit), wanted);
      assert.deepEqual(storedRows(store, kinds), wanted);
      for (const each of kinds)
        for (const [name, row] of wanted[each.name] ?? []) assert.deepEqual(kit.views.get(each, name), row);
      assert.equal(verifyChain(store).fault, null);
      openJournal(nextVersions(kinds), store);
      assert.deepEqual(storedRows(store, kinds), wanted);
      assert.equal(
        events.length,
        groups.filter((group) => !group.fails).reduce((sum, group) => sum + group.changes.length, 0),
      );
    }),
    runs(60),
  );
});

test("a restart in the middle, and a view that slept for a while, change nothing", async () => {
  await fc.assert(
    fc.asyncProperty(history, history, history, async (first, second, third) => {
      const store = createMemoryStore();
      const sleepers = new Set(["capped", "wild", "twice"]);
      for (const [groups, views] of [
        [first, kinds],
        [second, kinds.filter((each) => !sleepers.has(each.name))],
        [third, kinds],
      ] as const) {
        const kit = openJournal(views, store);
        for (const { changes } of groups)
          await Promise.all(changes.map(({ kind, data, corrId }) => kit.emit(kind, data, { corrId })));
      }
      const kit = openJournal(kinds, store);
      assert.deepEqual(storedRows(store, kinds), expected(kit.journal.read({ limit: 1000 })));
      assert.deepEqual(listed(kit), storedRows(store, kinds));
    }),
    runs(40),
  );
});

test("a start folds what a view lacks, and writes what that changed, however many rows there are", async () => {
  const inner = createMemoryStore();
  const all = [kinds[0] as View, kinds[3] as View];
  const awake = openJournal(all, inner);
  await Promise.all(Array.from({ length: 200 }, (_, index) => awake.emit(Put, { key: `k${index}`, value: 1 })));
  const without = openJournal([], inner);
  await Promise.all([without.emit(Put, { key: "k7", value: 2 }), without.emit(Dropped, { key: "k8" })]);
  await without.emit(Put, { key: "new", value: 1 });
  const seen = { read: 0, written: 0, rebuilt: 0 };
  const store: Store = {
    ...inner,
    events: (query) => {
      const page = inner.events(query);
      seen.read += page.length;
      return page;
    },
    commit: (batch) => {
      seen.written += batch.rows.length;
      inner.commit(batch);
    },
    rebuild: (...given) => {
      seen.rebuilt += 1;
      inner.rebuild(...given);
    },
  };
  const kit = openJournal(all, store);
  assert.deepEqual(seen, { read: 3, written: 6, rebuilt: 0 });
  assert.deepEqual(kit.views.get(all[0] as View, "k7"), { key: "k7", value: 2, changes: 2 });
  assert.deepEqual(
    [...inner.viewStates().values()].map(({ seq }) => seq),
    [203, 203],
  );
});

test("a view at a position is the fold of the journal up to there", async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.nat(1000), async (groups, where) => {
      const { kit } = await play(groups);
      const events = kit.journal.read({ limit: 1000 });
      const seq = where % (events.length + 2);
      const prefix = expected(events.slice(0, seq));
      for (const each of kinds) {
        const rows = [...(await kit.views.at(each, seq))].toSorted(([a], [b]) => (a < b ? -1 : 1));
        assert.deepEqual(rows, prefix[each.name]);
      }
    }),
    runs(40),
  );
});

test("watchers are told each change once, from what the row was to what it is, and only of commits", async () => {
  await fc.assert(
    fc.asyncProperty(history, async (groups) => {
      const store = createFailingStore();
      const kit = openJournal(kinds, store);
      const watched = new Map(kinds.map((each) => [each.name, new Map<string, unknown>()]));
      for (const { name } of kinds) {
        kit.views.onChange(name, (changes) => {
          const rows = watched.get(name) ?? new Map();
          for (const { key, before, after } of changes) {
            assert.deepEqual(before, rows.get(key));
            if (after === undefined) rows.delete(key);
            else rows.set(key, after);
          }
          assert.equal(kit.views.changedSeq(name), changes[0]?.seq);
        });
      }
      for (const { changes, fails } of groups) {
        store.failWith(fails ? "full" : null);
        await Promise.allSettled(changes.map(({ kind, data, corrId }) => kit.emit(kind, data, { corrId })));
      }
      const told = Object.fromEntries(
        [...watched].map(([name, rows]) => [name, [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1))]),
      );
      assert.deepEqual(kit.defects, []);
      assert.deepEqual(told, expected(kit.journal.read({ limit: 1000 })));
    }),
    runs(40),
  );
});

test("lists go page by page in the view's order, filtered or not, and each row comes once", async () => {
  const [whole, , ascending] = kinds as [View, View, View];
  const kit = openJournal([whole, ascending]);
  await Promise.all(
    Array.from({ length: 25 }, (_, index) =>
      kit.emit(Put, { key: `k${String(index).padStart(2, "0")}`, value: index % 3 }),
    ),
  );
  const pages = (where?: (row: unknown) => boolean): string[][] => {
    const found: string[][] = [];
    let afterKey: string | null = "~";
    while (afterKey !== null) {
      const page: ReturnType<typeof kit.views.list> = kit.views.list(whole, {
        limit: 4,
        afterKey,
        ...(where ? { where } : {}),
      });
      found.push(page.rows.map((each) => each.key));
      afterKey = page.nextKey;
    }
    return found;
  };
  const all = Array.from({ length: 25 }, (_, index) => `k${String(24 - index).padStart(2, "0")}`);
  assert.deepEqual(pages().flat(), all);
  assert.deepEqual(
    pages().map((page) => page.length),
    [4, 4, 4, 4, 4, 4, 1],
  );
  const some = pages((row) => (row as Thing).value === 1);
  assert.deepEqual(
    some.flat(),
    all.filter((name) => Number(name.slice(1)) % 3 === 1),
  );
  assert.deepEqual(
    some.map((page) => page.length),
    [4, 4],
  );
});

test("a row that an event leaves as it was is not written again", async () => {
  const writes: number[] = [];
  const inner = createMemoryStore();
  const store = {
    ...inner,
    commit: (batch: Parameters<typeof inner.commit>[0]) => (writes.push(batch.rows.length), inner.commit(batch)),
  };
  const kit = openJournal([kinds[0] as View], store);
  await Promise.all(Array.from({ length: 20 }, () => kit.emit(Put, { key: "a", value: 1 })));
  await kit.emit(Seen, { key: "a" });
  await kit.emit(Seen, { key: "never" });
  await Promise.all([kit.emit(Put, { key: "new", value: 1 }), kit.emit(Dropped, { key: "new" })]);
  assert.deepEqual(writes, [1, 0, 0, 0]);
});
