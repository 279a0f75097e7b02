import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import { until } from "../../test/kit/kernel.ts";
import { createFailingStore, openJournal, storedRows } from "../../test/kit/journal.ts";
import { event, jsonText } from "../contract/event.ts";
import { isProblem } from "../contract/problem.ts";
import { closed, Type } from "../contract/schema.ts";
import { StoreFailed, StoreFull, TooLarge } from "../contract/standard-problems.ts";
import { on, view } from "../contract/view.ts";
import { eventBytesMax } from "./journal.ts";
import { type Store, type StoredEvent, StoreFault } from "./ports.ts";
import { verifyChain } from "./verify.ts";

const Noted = event({ kind: "notes.noted", about: "x", data: closed({ key: Type.String(), count: Type.Integer() }) });
const Ticked = event({ kind: "notes.ticked", isDurable: false, about: "x", data: closed({ count: Type.Integer() }) });
const Row = closed({ key: Type.String(), total: Type.Integer() });
const note = on<{ key: string; total: number }>();
const notes = view(Row)({
  name: "notes",
  version: 1,
  about: "x",
  rowsMax: 100,
  folds: [
    note(
      Noted,
      (e) => e.data.key,
      (row, e) => {
        if (e.data.count === 13) throw new RangeError("thirteen");
        return { key: e.data.key, total: (row?.total ?? 0) + e.data.count };
      },
    ),
  ],
});
const every = view(Type.Integer())({
  name: "every",
  version: 1,
  about: "x",
  rowsMax: 100,
  folds: [{ kind: "*", key: () => "all", apply: (row) => (row ?? 0) + 1 }],
});

const settled = async (emits: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(emits)).map((each) => (each.status === "fulfilled" ? "ok" : codeOf(each.reason)));
const codeOf = (error: unknown) => (isProblem(error) ? error.definition.code : String(error));

test("when an emit returns, the event is stored, the views agree and everybody was told", async () => {
  const kit = openJournal([notes, every]);
  const envelope = await kit.emit(Noted, { key: "a", count: 2 });
  assert.equal(envelope.seq, 1);
  assert.deepEqual(kit.published, [envelope]);
  assert.deepEqual(storedRows(kit.store, [notes, every]), {
    notes: [["a", { key: "a", total: 2 }]],
    every: [["all", 1]],
  });
  assert.deepEqual(kit.views.get(notes, "a"), { key: "a", total: 2 });
  assert.equal(kit.journal.headSeq(), 1);
  const [read] = kit.journal.read({ limit: 9 });
  assert.equal(JSON.stringify(read), JSON.stringify(envelope));
});

test("emits that wait together share one commit, in the order of asking", async () => {
  const store = createFailingStore();
  const kit = openJournal([notes], store);
  const together = await Promise.all(
    Array.from({ length: 50 }, (_, count) => kit.emit(Noted, { key: "a", count: count === 13 ? 0 : count })),
  );
  assert.equal(store.commits, 1);
  assert.deepEqual(
    together.map((each) => each.seq),
    Array.from({ length: 50 }, (_, index) => index + 1),
  );
  await kit.emit(Noted, { key: "a", count: 1 });
  assert.equal(store.commits, 2);
});

test("what is told a moment later bears the time at which it happened", async () => {
  const kit = openJournal([notes]);
  const { timeMs } = await kit.emit(Noted, { key: "a", count: 1 }, { atMs: 7 });
  assert.equal(timeMs, 7);
});

test("a live event passes by: no position, no commit, no row", async () => {
  const store = createFailingStore();
  const kit = openJournal([every], store);
  const live = await kit.emit(Ticked, { count: 1 });
  assert.equal(live.seq, 0);
  assert.equal("seq" in JSON.parse((live as unknown as Record<symbol, string>)[jsonText] ?? ""), false);
  assert.deepEqual([store.commits, kit.journal.headSeq(), kit.published.length], [0, 0, 1]);
});

test("the JSON of an event is made once, however many streams ask for it, and says what the envelope says", async () => {
  const kit = openJournal([]);
  let serialisations = 0;
  class Counted {
    readonly key = 'ä\n"\u2028';
    readonly count = 1;
    toJSON() {
      serialisations += 1;
      return { key: this.key, count: this.count };
    }
  }
  const counted = new Counted();
  const envelope = await kit.emit(Noted, counted);
  const texts = Array.from({ length: 20 }, () => (envelope as unknown as Record<symbol, string>)[jsonText]);
  assert.equal(serialisations, 1);
  assert.equal(new Set(texts).size, 1);
  assert.deepEqual(
    JSON.parse(texts[0] ?? ""),
    JSON.parse(JSON.stringify({ ...envelope, data: { key: counted.key, count: 1 } })),
  );
  const [read] = kit.journal.read({ limit: 1 });
  assert.equal((read as unknown as Record<symbol, string>)[jsonText], texts[0]);
});

test("a fold that throws refuses its own event alone", async () => {
  const store = createFailingStore();
  const kit = openJournal([every, notes], store);
  const counts = [1, 13, 2, 13, 3];
  assert.deepEqual(await settled(counts.map((count) => kit.emit(Noted, { key: "a", count }))), [
    "ok",
    "arw.internal",
    "ok",
    "arw.internal",
    "ok",
  ]);
  assert.deepEqual(storedRows(store, [notes, every]), { notes: [["a", { key: "a", total: 6 }]], every: [["all", 3]] });
  assert.deepEqual(
    kit.journal.read({ limit: 9 }).map((each) => each.seq),
    [1, 2, 3],
  );
  assert.deepEqual(kit.defects, ["notes.noted: RangeError: thirteen", "notes.noted: RangeError: thirteen"]);
  assert.equal(kit.published.length, 3);
  assert.equal(verifyChain(store).fault, null);
});

test("a watcher of a view that throws refuses nothing: the event is stored", async () => {
  const kit = openJournal([notes, every]);
  let told = 0;
  kit.views.onChange("notes", () => {
    throw new RangeError("a watcher of ours");
  });
  kit.views.onChange("every", () => {
    told += 1;
  });
  const both = await settled([kit.emit(Noted, { key: "a", count: 1 }), kit.emit(Noted, { key: "b", count: 1 })]);
  assert.deepEqual(both, ["ok", "ok"]);
  await kit.emit(Noted, { key: "a", count: 1 });
  assert.deepEqual([told, kit.published.length, kit.defects.length], [2, 3, 2]);
  assert.deepEqual(storedRows(kit.store, [every]), { every: [["all", 3]] });
});

test("a store that fails rejects what it did not take, and the journal goes on where the disk is", async () => {
  const store = createFailingStore();
  const kit = openJournal([notes, every], store);
  await kit.emit(Noted, { key: "a", count: 1 });
  for (const [reason, code] of [
    ["full", StoreFull.code],
    ["failed", StoreFailed.code],
    ["corrupt", StoreFailed.code],
  ] as const) {
    store.failWith(reason);
    assert.deepEqual(
      await settled([kit.emit(Noted, { key: "a", count: 5 }), kit.emit(Noted, { key: "b", count: 5 })]),
      [code, code],
    );
  }
  assert.deepEqual([kit.journal.headSeq(), kit.published.length, kit.views.get(notes, "b")], [1, 1, undefined]);
  assert.deepEqual(kit.views.get(notes, "a"), { key: "a", total: 1 });
  store.failWith(null);
  assert.equal((await kit.emit(Noted, { key: "a", count: 2 })).seq, 2);
  assert.deepEqual(storedRows(store, [notes, every]), { notes: [["a", { key: "a", total: 3 }]], every: [["all", 2]] });
  assert.equal(verifyChain(store).fault, null);
});

test("a group larger than one commit loses only what was not written", async () => {
  const store = createFailingStore();
  const kit = openJournal([every], store);
  store.failAfter(1);
  const outcomes = await settled(Array.from({ length: 5000 }, () => kit.emit(Noted, { key: "a", count: 1 })));
  const taken = outcomes.filter((each) => each === "ok").length;
  assert.equal(taken, 2048);
  assert.ok(outcomes.slice(taken).every((each) => each === StoreFailed.code));
  assert.deepEqual([kit.journal.headSeq(), kit.published.length, kit.views.get(every, "all")], [taken, taken, taken]);
});

/** A disk that takes its time: a sync ends when the test says so. */
function slowDisk() {
  const asked: ((fault: StoreFault | null) => void)[] = [];
  const store: Store = { ...createFailingStore(), sync: (done) => void asked.push(done) };
  return { asked, store };
}

test("nobody is told of an event before the disk has it, and the next transaction does not wait", async () => {
  const { asked, store } = slowDisk();
  const kit = openJournal([notes], store);
  const told: number[] = [];
  const emit = (count: number) => kit.emit(Noted, { key: "a", count }).then(({ seq }) => told.push(seq));
  const first = emit(1);
  await until(() => asked.length === 1, "the first sync");
  const later = [emit(2), emit(3)];
  await until(() => store.head().seq === 3, "the second transaction");
  assert.deepEqual([asked.length, told, kit.published.length, kit.journal.headSeq()], [1, [], 0, 0]);
  assert.deepEqual(kit.journal.read({ limit: 9 }), []);
  asked.shift()?.(null);
  await first;
  // One sync covers all that came while the one before it was under way.
  assert.deepEqual([asked.length, told, kit.published.length, kit.journal.headSeq()], [1, [1], 1, 1]);
  asked.shift()?.(null);
  await Promise.all(later);
  assert.deepEqual(
    [asked.length, told, kit.journal.headSeq(), kit.journal.read({ limit: 9 }).length],
    [0, [1, 2, 3], 3, 3],
  );
});

test("who waits for a position waits for its sync alone, and not for a disk that refused", async () => {
  for (const fault of [null, new StoreFault("failed", "told to fail")]) {
    const { asked, store } = slowDisk();
    const kit = openJournal([notes], store);
    const emits = [kit.emit(Noted, { key: "a", count: 1 })];
    await until(() => asked.length === 1, "the first sync");
    emits.push(kit.emit(Noted, { key: "a", count: 2 }));
    await until(() => store.head().seq === 2, "the second transaction");
    await kit.journal.reached(0);
    const shown: number[] = [];
    const waits = [1, 2].map((seq) => kit.journal.reached(seq).then(() => shown.push(kit.journal.headSeq())));
    assert.deepEqual(shown, []);
    asked.shift()?.(fault);
    await waits[0];
    assert.equal(shown[0], fault === null ? 1 : 0);
    asked.shift()?.(null);
    await Promise.all(waits);
    assert.deepEqual(shown, fault === null ? [1, 2] : [0, 0]);
    await Promise.allSettled(emits);
  }
});

test("when the disk refuses a sync, everything since the last one is refused, and all that comes later", async () => {
  const { asked, store } = slowDisk();
  const kit = openJournal([notes], store);
  const first = kit.emit(Noted, { key: "a", count: 1 });
  await until(() => asked.length === 1, "the first sync");
  const second = kit.emit(Noted, { key: "a", count: 2 });
  await until(() => store.head().seq === 2, "the second transaction");
  asked.shift()?.(new StoreFault("failed", "told to fail"));
  assert.deepEqual(await settled([first, second]), ["arw.store-failed", "arw.store-failed"]);
  assert.deepEqual(await settled([kit.emit(Noted, { key: "a", count: 3 })]), ["arw.store-failed"]);
  assert.deepEqual([asked.length, kit.published.length, store.head().seq, kit.journal.headSeq()], [0, 0, 2, 0]);
  await kit.journal.close();
});

test("closing waits for the disk", async () => {
  const { asked, store } = slowDisk();
  const kit = openJournal([], store);
  const order: string[] = [];
  const waiting = kit.emit(Noted, { key: "a", count: 1 }).then(() => order.push("told"));
  const closed = kit.journal.close().then(() => order.push("closed"));
  await until(() => asked.length === 1, "the sync");
  assert.deepEqual(order, []);
  asked.shift()?.(null);
  await Promise.all([waiting, closed]);
  assert.deepEqual(order, ["told", "closed"]);
});

test("what does not fit its schema, or is too large, is refused before anything is written", async () => {
  const store = createFailingStore();
  const kit = openJournal([], store);
  await assert.rejects(kit.emit(Noted, { key: "a", count: "1" }), /notes\.noted/);
  await assert.rejects(kit.emit(Noted, { key: "x".repeat(eventBytesMax), count: 1 }), (error) =>
    isProblem(error, TooLarge),
  );
  assert.deepEqual([store.commits, kit.journal.headSeq()], [0, 0]);
});

test("closing writes what waits and takes nothing more", async () => {
  const kit = openJournal([]);
  const waiting = kit.emit(Noted, { key: "a", count: 1 });
  await kit.journal.close();
  assert.equal((await waiting).seq, 1);
  assert.deepEqual(await settled([kit.emit(Noted, { key: "a", count: 1 })]), ["arw.shutting-down"]);
});

type Damage = (rows: StoredEvent[], at: number) => unknown;
const columns = [
  "seq",
  "format",
  "id",
  "timeMs",
  "kind",
  "version",
  "corrId",
  "causeId",
  "node",
  "caller",
  "data",
  "dataHash",
  "prevHash",
  "hash",
] as const;
const other = (value: string | number | null) =>
  typeof value === "number"
    ? value + 1
    : value === null
      ? ""
      : value.startsWith("0")
        ? `1${value.slice(1)}`
        : `0${value.slice(1)}`;
const damages: Record<string, Damage> = {
  ...Object.fromEntries(
    columns.map((name): [string, Damage] => [
      `change ${name}`,
      (rows, at) => rows.splice(at, 1, { ...(rows[at] as StoredEvent), [name]: other(rows[at]?.[name] ?? null) }),
    ]),
  ),
  remove: (rows, at) => rows.splice(at, 1),
  "remove and close the gap": (rows, at) => {
    rows.splice(at, 1);
    for (let index = at; index < rows.length; index += 1)
      rows[index] = { ...(rows[index] as StoredEvent), seq: index + 1 };
  },
  insert: (rows, at) => {
    rows.splice(at, 0, { ...(rows[at] as StoredEvent), id: "stranger" });
    for (let index = at; index < rows.length; index += 1)
      rows[index] = { ...(rows[index] as StoredEvent), seq: index + 1 };
  },
};

test("the chain of an untouched journal holds, and any row that is changed, removed or inserted is found", async () => {
  const origin = fc.record({ corrId: fc.constantFrom("x", "y"), causeId: fc.constantFrom(null, "cause-1") });
  await fc.assert(
    fc.asyncProperty(
      fc.array(origin, { minLength: 1, maxLength: 8 }),
      fc.constantFrom(...Object.keys(damages)),
      fc.nat(100),
      async (origins, damage, where) => {
        const kit = openJournal([every]);
        await Promise.all(origins.map((over, count) => kit.emit(Noted, { key: "a", count }, over)));
        assert.deepEqual(verifyChain(kit.store), { events: origins.length, tombstones: 0, fault: null });
        const rows = kit.store.events({ limit: 100 });
        damages[damage]?.(rows, where % rows.length);
        const damaged = {
          events: ({ afterSeq = 0 }) => rows.filter((row) => row.seq > afterSeq),
          viewStates: () => kit.store.viewStates(),
          rows: () => [],
        };
        assert.notEqual(verifyChain(damaged).fault, null);
      },
    ),
    runs(100),
  );
});

test("the chain holds where retention dropped the data", async () => {
  const kit = openJournal([]);
  await Promise.all([1, 2, 3].map((count) => kit.emit(Noted, { key: "a", count })));
  const rows = kit.store.events({ limit: 9 }).map((row) => (row.seq === 2 ? { ...row, data: null } : row));
  const store = {
    events: ({ afterSeq = 0 }) => rows.filter((row) => row.seq > afterSeq),
    viewStates: () => new Map(),
    rows: () => [],
  };
  assert.deepEqual(verifyChain(store), { events: 3, tombstones: 1, fault: null });
});
