import assert from "node:assert/strict";
import { test } from "vitest";
import { closed, Type } from "../contract/schema.ts";
import { event } from "../contract/event.ts";
import { isProblem } from "../contract/problem.ts";
import { StoreFailed } from "../contract/standard-problems.ts";
import { on, type View, view } from "../contract/view.ts";
import { createMemoryStore } from "../adapters/memory/store.ts";
import { createFailingStore, nextVersions, openJournal, storedRows } from "../../test/kit/journal.ts";
import { createArchive, DataDropped } from "./archive.ts";
import { verifyChain, walkChain } from "./verify.ts";

const Noted = event({
  kind: "notes.noted",
  about: "A note.",
  data: closed({ key: Type.String(), text: Type.String() }),
});
const Struck = event({ kind: "notes.struck", about: "A note is gone.", data: closed({ key: Type.String() }) });

const Row = closed({ texts: Type.Array(Type.String()), folds: Type.Integer() });
const notes = view(Row)({
  name: "notes",
  version: 1,
  about: "Notes.",
  rowsMax: 4,
  folds: [
    on<{ texts: string[]; folds: number }>()(
      Noted,
      (e) => e.data.key,
      (row, e) => ({
        texts: [...(row?.texts ?? []), e.data.text],
        folds: 1,
      }),
    ),
    on<{ texts: string[]; folds: number }>()(
      Struck,
      (e) => e.data.key,
      () => null,
    ),
  ],
});
const views: readonly View[] = [notes];

async function filled(store = createMemoryStore()) {
  const kit = openJournal(views, store);
  for (const [key, text] of [
    ["a", "1"],
    ["b", "2"],
    ["a", "3"],
    ["c", "4"],
    ["gone", "5"],
  ] as const)
    await kit.emit(Noted, { key, text });
  await kit.emit(Struck, { key: "gone" });
  return { ...kit, archive: createArchive({ store, journal: kit.journal, views, seam: null }) };
}

test("a rebuild keeps the rows that rest on dropped data, and folds the others anew", async () => {
  const { store, archive } = await filled();
  const before = storedRows(store, views);
  archive.drop(archive.rows({ limit: 2 }));
  assert.deepEqual(storedRows(store, views), before);
  const refolded = views.map((each) => ({
    ...each,
    version: 2,
    folds: each.folds.map((fold) => ({
      ...fold,
      apply: (row: unknown, e: never) => {
        const next = fold.apply(row, e) as { folds: number } | null;
        return next === null ? null : { ...next, folds: 2 };
      },
    })),
  }));
  openJournal(refolded, store);
  assert.deepEqual(storedRows(store, views), {
    notes: [
      ["a", { texts: ["1", "3"], folds: 1 }],
      ["b", { texts: ["2"], folds: 1 }],
      ["c", { texts: ["4"], folds: 2 }],
    ],
  });
});

test("a kept row that does not fit the new schema gives way to what can still be folded", async () => {
  const { store, archive } = await filled();
  archive.drop(archive.rows({ limit: 1 }));
  const schema = closed({ texts: Type.Array(Type.String(), { maxItems: 1 }), folds: Type.Integer() });
  openJournal(
    nextVersions(views).map((each) => ({ ...each, row: schema })),
    store,
  );
  assert.deepEqual(storedRows(store, views)["notes"]?.[0], ["a", { texts: ["3"], folds: 1 }]);
});

test("marks of rows that are gone go with the next drop", async () => {
  const { store, archive, emit } = await filled();
  archive.drop(archive.rows({ limit: 2 }));
  assert.equal(store.rows({ view: "arw.worn", limit: 9, order: "asc" }).length, 2);
  await emit(Struck, { key: "a" });
  archive.drop([]);
  assert.deepEqual(
    store.rows({ view: "arw.worn", limit: 9, order: "asc" }).map((row) => row.key),
    ["notes/b"],
  );
});

test("the past is refused where its data is gone, and told where it is whole", async () => {
  const { archive, views: live } = await filled();
  archive.drop(archive.rows({ afterSeq: 3, limit: 1 }));
  assert.deepEqual([...(await live.at(notes, 3)).keys()].toSorted(), ["a", "b"]);
  await assert.rejects(live.at(notes, 4), (error) => isProblem(error, DataDropped));
});

test("adopted rows fold like their own, silently, and the journal goes on behind them", async () => {
  const source = await filled();
  const target = openJournal(views);
  const told: unknown[] = [];
  target.views.onChange("notes", (changes) => told.push(changes));
  target.journal.adopt(source.archive.rows({ limit: 4 }));
  target.journal.adopt(source.archive.rows({ afterSeq: 4, limit: 10 }));
  assert.deepEqual(storedRows(target.store, views), storedRows(source.store, views));
  assert.deepEqual([told, target.published], [[], []]);
  await target.emit(Noted, { key: "c", text: "6" });
  assert.deepEqual(target.views.get(notes, "c"), { texts: ["4", "6"], folds: 1 });
  assert.deepEqual(verifyChain(target.store), { events: 7, tombstones: 0, fault: null });
});

test("rows that do not follow are refused, and a failed commit leaves nothing", async () => {
  const source = await filled();
  const store = createFailingStore();
  const target = openJournal(views, store);
  const isRefused = (error: unknown) => isProblem(error, StoreFailed);
  assert.throws(() => target.journal.adopt(source.archive.rows({ afterSeq: 1, limit: 9 })), isRefused);
  store.failWith("failed");
  assert.throws(() => target.journal.adopt(source.archive.rows({ limit: 9 })), isRefused);
  store.failWith(null);
  assert.equal(target.views.get(notes, "a"), undefined);
  target.journal.adopt(source.archive.rows({ limit: 9 }));
  assert.equal(target.journal.headSeq(), 6);
});

test("the walk names every damaged row and goes on behind it", async () => {
  const { store } = await filled();
  const rows = store.events({ limit: 9 }).map((row) => ({ ...row }));
  const damaged = [
    rows[0],
    { ...rows[1], data: '{"key":"b","text":"x"}' },
    rows[3],
    { ...rows[4], caller: "person:eve" },
    rows[5],
  ];
  const source = {
    events: ({ afterSeq = 0 }) => damaged.filter((row) => (row?.seq ?? 0) > afterSeq) as typeof rows,
    viewStates: () => store.viewStates(),
    rows: () => [],
  };
  const faults = [...walkChain(source)].flatMap((page) => page.faults);
  assert.deepEqual(
    faults.map(({ seq, what }) => [seq, what]),
    [
      [2, "changed"],
      [3, "missing"],
      [5, "changed"],
    ],
  );
});

test("data that is gone counts as dropped only where retention may have done it", async () => {
  const { store, archive } = await filled();
  archive.drop(archive.rows({ limit: 2 }));
  const faults = [...walkChain(store, { mayBeEmpty: (row) => row.seq === 1 })].flatMap((page) => page.faults);
  assert.deepEqual(
    faults.map(({ seq, what }) => [seq, what]),
    [[2, "emptied"]],
  );
});

test("rows put on at the end or cut off there are found by the views", async () => {
  const { store } = await filled();
  const last = store.events({ limit: 9 }).at(-1);
  const cut = {
    events: ({ afterSeq = 0 }) => store.events({ afterSeq, limit: 9 }).filter(({ seq }) => seq !== last?.seq),
    viewStates: () => store.viewStates(),
    rows: () => [],
  };
  const lastFault = (walk: Parameters<typeof walkChain>[0]) => [...walkChain(walk)].at(-1)?.faults.at(-1);
  assert.deepEqual([lastFault(cut)?.what, lastFault(cut)?.seq], ["missing", last?.seq]);
  const put = {
    events: ({ afterSeq = 0 }) => store.events({ afterSeq, limit: 9 }),
    viewStates: () => new Map([["notes", { version: 1, seq: 5 }]]),
    rows: () => [],
  };
  assert.deepEqual([lastFault(put)?.what, lastFault(put)?.seq], ["inserted", 6]);
});
