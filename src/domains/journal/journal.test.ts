import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { test, vi } from "vitest";
import { makeKernel, type Kit } from "../../../test/kit/kernel.ts";
import { nextVersions, openJournal, storedRows } from "../../../test/kit/journal.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import { journalFiles } from "../../adapters/tee/journal-files.ts";
import type { View } from "../../contract/view.ts";
import { isProblem } from "../../contract/problem.ts";
import { RunFinished, RunInterrupted, RunStarted } from "../agents/contract.ts";
import { BeliefHeld } from "../episodes/contract.ts";
import type { Store } from "../../kernel/ports.ts";
import { BadFile, Broken, LacksData, NotEmpty } from "./contract.ts";
import type { JournalFiles, RetentionRule } from "./port.ts";
import { createJournalKeeper } from "./service.ts";

const dayMs = 24 * 60 * 60_000;

const linesOf = (lines: readonly string[]): JournalFiles => ({
  async *lines() {
    yield* lines;
  },
});

interface HubOptions {
  readonly store?: Store;
  readonly files?: JournalFiles;
  readonly rules?: readonly RetentionRule[];
  readonly frontier?: () => number;
  readonly onImported?: () => void;
}

const hub = ({
  store,
  files = linesOf([]),
  rules = [],
  onImported = () => {},
  frontier = () => Number.MAX_SAFE_INTEGER,
}: HubOptions = {}) =>
  makeKernel({
    ...(store === undefined ? {} : { store }),
    domains: (parts) => [
      createJournalKeeper({
        parts,
        files,
        rules,
        frontier,
        onImported,
        clock: { soon: (run) => void setImmediate(run) },
      }),
    ],
  });

async function stream(kit: Kit, operation: string, input: object = {}): Promise<Record<string, unknown>[]> {
  const { outcome } = await kit.call(operation, input);
  assert.ok(outcome.kind === "stream");
  const items: Record<string, unknown>[] = [];
  for await (const item of outcome.items) items.push(item as Record<string, unknown>);
  return items;
}

interface Life {
  readonly beliefs: readonly string[];
  readonly isEnded?: boolean;
}

async function live(kit: Kit, corrId: string, { beliefs, isEnded = true }: Life): Promise<void> {
  const context = kit.kernel.parts.act({ caller: { kind: "agent", id: "scout" }, corrId });
  const agent = "scout";
  await context.emit(RunStarted, { agent, title: corrId, model: "none", input: null, grants: [] });
  for (const statement of beliefs) await context.emit(BeliefHeld, { agent, statement, sources: [], topic: "t" });
  if (isEnded) await context.emit(RunFinished, { agent, outcome: "done", notDone: [] });
}

const exported = async (kit: Kit, input: object = {}) =>
  (await stream(kit, "journal.export", input)).map((row) => JSON.stringify(row));
const viewsOf = (kit: Kit): readonly View[] => [...kit.kernel.table.views.values()];
const rowsOf = (kit: Kit) => storedRows(kit.store, viewsOf(kit));

test("an export read into an empty hub gives the same rows, chain and next event", async () => {
  const runs = fc.array(
    fc.record({ beliefs: fc.array(fc.string({ maxLength: 20 }), { maxLength: 4 }), isEnded: fc.boolean() }),
    { maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(runs, fc.boolean(), async (given, isTee) => {
      await using source = await hub();
      for (const [index, { beliefs, isEnded }] of given.entries())
        await live(source, `run-${index}`, { beliefs, isEnded });
      const { archive } = source.kernel.parts;
      const lines = isTee ? archive.lines({ limit: 1000 }).map(({ text }) => text) : await exported(source);
      await using target = await hub({ files: linesOf(lines) });
      const said = await stream(target, "journal.import", { file: "/x" });
      assert.deepEqual(said.at(-1), {
        stage: "done",
        events: archive.head().seq,
        tombstones: 0,
        isChainProven: !isTee && lines.length > 0,
      });
      assert.deepEqual(target.store.head(), source.store.head());
      assert.deepEqual(rowsOf(target), rowsOf(source));
      assert.deepEqual(await exported(target), await exported(source));
      await live(target, "next", { beliefs: [] });
      assert.equal((await stream(target, "journal.verify")).at(-1)?.["isDone"], true);
    }),
    { numRuns: 20 },
  );
});

test("a file with its rotated ones is read oldest first, gzipped or plain, and lines that come twice count once", async () => {
  await using source = await hub();
  await live(source, "run", { beliefs: ["\u2028a", "b", "c"] });
  const lines = await exported(source);
  const folder = mkdtempSync(join(tmpdir(), "arw-journal-"));
  const text = (from: number, to: number) =>
    lines
      .slice(from, to)
      .map((line) => `${line}\n`)
      .join("");
  writeFileSync(join(folder, "events.2.jsonl.gz"), gzipSync(text(0, 2)));
  writeFileSync(join(folder, "events.1.jsonl"), text(1, 4));
  writeFileSync(join(folder, "events.jsonl"), `${text(3, 5)}{"seq":6,"cut`);
  writeFileSync(join(folder, "broken.jsonl"), gzipSync(text(0, 5)).subarray(0, 60));
  await using target = await hub({ files: journalFiles });
  for (const file of ["missing.jsonl", "broken.jsonl", join("missing", "events.jsonl")]) {
    const path = join(folder, file);
    await assert.rejects(stream(target, "journal.import", { file: path }), (error) => isProblem(error, BadFile), file);
  }
  // The hub's own folder is not where whoever asks stands.
  await assert.rejects(
    stream(target, "journal.import", { file: "events.jsonl" }),
    /"events.jsonl" is not an absolute/u,
  );
  await stream(target, "journal.import", { file: join(folder, "events.jsonl") });
  assert.deepEqual(await exported(target), lines.slice(0, 5));
  rmSync(folder, { recursive: true });
});

test("rules and a role that come with an import hold at once", async () => {
  await using source = await hub();
  await source.call("gating.contracts.put", { id: "shut", patterns: ["episodes:show"] });
  await source.call("hierarchy.role", { role: "observer" });
  const late: { target?: Kit } = {};
  const lines = await exported(source);
  await using target = await hub({ files: linesOf(lines), onImported: () => late.target?.gating.refresh() });
  late.target = target;
  await stream(target, "journal.import", { file: "/x" });
  for (const key of ["episodes:show", "tasks:enqueue"]) assert.ok(target.gating.gate.check(key, null), key);
});

test("what is not one whole journal is refused, and nothing of it is taken", async () => {
  await using source = await hub();
  await live(source, "run", { beliefs: ["a", "b"] });
  const lines = await exported(source);
  const changed = (at: number, change: object) =>
    lines.map((line, index) => (index === at ? JSON.stringify({ ...(JSON.parse(line) as object), ...change }) : line));
  const wrong: Record<string, readonly string[]> = {
    beginning: lines.slice(1),
    gap: lines.toSpliced(1, 1),
    "no JSON": ["nonsense"],
    "no event": ['{"seq":1}'],
    changed: changed(1, { caller: "person:eve" }),
    "other data": changed(1, { data: {} }),
    "newer format": changed(0, { format: 99 }),
  };
  for (const [name, each] of Object.entries(wrong)) {
    await using target = await hub({ files: linesOf(each) });
    await assert.rejects(stream(target, "journal.import", { file: "/x" }), (error) => isProblem(error, BadFile), name);
    assert.equal(target.kernel.journal.headSeq(), 0, name);
  }
  await using full = await hub({ files: linesOf(lines) });
  await live(full, "own", { beliefs: [] });
  await assert.rejects(stream(full, "journal.import", { file: "/x" }), (error) => isProblem(error, NotEmpty));
});

test("verify names what was changed, and takes no emptied row for a dropped one", async () => {
  const store = createMemoryStore();
  await using kit = await hub({ store });
  await live(kit, "run", { beliefs: ["a", "b"] });
  const [last] = (await stream(kit, "journal.verify")).slice(-1);
  assert.deepEqual(last, { events: 4, ofEvents: 4, tombstones: 0, faults: [], isDone: true, hash: store.head().hash });
  store.drop({ seqs: [2], rows: [] });
  await assert.rejects(stream(kit, "journal.verify"), (error) => {
    assert.ok(isProblem(error, Broken));
    assert.match(error.message, /^1 rows .*: 2 emptied$/);
    return true;
  });
});

async function compacted(kit: Kit): Promise<void> {
  const ended = kit.next("task.finished");
  await kit.call("journal.compact", {});
  await ended;
}
const emptied = (kit: Kit) => kit.store.events({ limit: 1000 }).flatMap((row) => (row.data === null ? [row.seq] : []));

test("retention drops by age and by count what nobody needs, says so first, and the chain holds", async () => {
  await using kit = await hub({ rules: [{ prefix: "beliefs.", ageMsMax: 10 * dayMs, countMax: 2 }] });
  await live(kit, "old", { beliefs: ["1", "2"] });
  kit.clock.advance(11 * dayMs);
  await live(kit, "new", { beliefs: ["3", "4", "5"] });
  await live(kit, "open", { beliefs: [], isEnded: false });
  await live(kit, "later", { beliefs: ["6", "7", "8"] });
  const before = rowsOf(kit)["beliefs"];
  await compacted(kit);
  // Of the last five, two are kept by count and the rest lies behind an open episode.
  assert.deepEqual(emptied(kit), [2, 3, 6, 7, 8]);
  assert.deepEqual(rowsOf(kit)["beliefs"], before);
  const said = await stream(kit, "journal.verify");
  assert.deepEqual([said.at(-1)?.["isDone"], said.at(-1)?.["tombstones"]], [true, 5]);
  const count = kit.kinds().filter((kind) => kind === "journal.dropped").length;
  await compacted(kit);
  assert.equal(kit.kinds().filter((kind) => kind === "journal.dropped").length, count);
  openJournal(nextVersions(viewsOf(kit)), kit.store);
  assert.deepEqual(rowsOf(kit)["beliefs"], before);
});

test("an interrupted run keeps its record for a month, and no limit out of force for longer", async () => {
  const store = createMemoryStore();
  const rules = [{ prefix: "beliefs.", countMax: 1 }];
  const first = await hub({ store, rules });
  await live(first, "left", { beliefs: ["1", "2"], isEnded: false });
  await first[Symbol.asyncDispose]();
  await using kit = await hub({ store, rules });
  await kit.kernel.parts
    .act({ caller: { kind: "agent", id: "scout" }, corrId: "left" })
    .emit(RunInterrupted, { agent: "scout", reason: "x" });
  await live(kit, "later", { beliefs: ["3"] });
  await compacted(kit);
  assert.deepEqual(emptied(kit), []);
  kit.clock.advance(31 * dayMs);
  await settled();
  await compacted(kit);
  assert.deepEqual(emptied(kit), [2, 3]);
});

/** The keeper pauses a turn between its pages; it has few here. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("above a ceiling the oldest are emptied, looked at every few minutes, and only what came since is counted anew", async () => {
  const sizeBytesMax = 600;
  await using kit = await hub({ rules: [{ prefix: "beliefs.", sizeBytesMax }] });
  const sizeBytes = (): number =>
    kit.store
      .events({ kinds: [BeliefHeld.kind], limit: 1000 })
      .reduce((sum, { data }) => sum + Buffer.byteLength(data ?? ""), 0);
  const rows = vi.spyOn(kit.kernel.parts.archive, "rows");
  const looked = async (afterMs: number): Promise<number> => {
    rows.mockClear();
    kit.clock.advance(afterMs);
    await settled();
    return rows.mock.calls.length;
  };
  await live(kit, "first", { beliefs: Array.from("abcdef", (each) => each.repeat(100)) });
  assert.ok(sizeBytes() > sizeBytesMax);
  await looked(15 * 60_000);
  const [kept, gone] = [sizeBytes(), emptied(kit)];
  assert.ok(kept <= sizeBytesMax && kept > sizeBytesMax / 2, `${kept}`);
  assert.ok(gone.length > 0 && gone.length < 6);
  // Nothing new: one look behind the head, and nothing goes.
  assert.ok((await looked(5 * 60_000)) <= 1);
  assert.deepEqual(emptied(kit), gone);
  await live(kit, "open", { beliefs: ["g".repeat(700)], isEnded: false });
  await looked(5 * 60_000);
  assert.ok(sizeBytes() > sizeBytesMax, "a run that has not ended keeps its record");
  const said = await stream(kit, "journal.verify");
  assert.equal(said.at(-1)?.["tombstones"], emptied(kit).length);
});

test("age counts from the oldest on, whatever the clock did meanwhile", async () => {
  await using kit = await hub({ rules: [{ prefix: "beliefs.", ageMsMax: 10 * dayMs }] });
  const { clock } = kit;
  const nowMs = clock.nowMs();
  const at = async (ms: number, corrId: string): Promise<void> => {
    clock.setWall(ms);
    await live(kit, corrId, { beliefs: ["x"] });
  };
  await at(nowMs - 40 * dayMs, "old");
  await at(nowMs + 400 * dayMs, "ahead");
  await at(nowMs - 30 * dayMs, "old too");
  await at(nowMs, "young");
  await at(nowMs - 900 * dayMs, "behind");
  clock.setWall(nowMs);
  await compacted(kit);
  // What was stamped under a clock that ran behind waits for the young one before it.
  assert.deepEqual(emptied(kit), [2, 5, 8]);
});

test("an event without its data says so wherever it is read", async () => {
  await using kit = await hub({ rules: [{ prefix: "beliefs.", countMax: 1 }] });
  await live(kit, "run", { beliefs: ["1", "2"] });
  await compacted(kit);
  const marks = async (operation: string, input: object): Promise<unknown> => {
    const { outcome } = await kit.call(operation, input);
    return outcome.kind === "answer" ? outcome.output : null;
  };
  const page = (await marks("events.journal", { corr: "run" })) as { events: { data: unknown; dropped?: true }[] };
  assert.deepEqual(
    page.events.map(({ data, dropped }) => [data === null, dropped]),
    [
      [false, undefined],
      [false, undefined],
      [true, true],
      [false, undefined],
    ],
  );
  assert.equal(((await marks("events.get", { seq: 2 })) as { dropped?: true }).dropped, true);
  const [line] = kit.kernel.parts.archive.lines({ afterSeq: 1, limit: 1 });
  const { data, dropped } = JSON.parse(line?.text ?? "") as { data: unknown; dropped: unknown };
  assert.deepEqual([data, dropped], [null, true]);
});

test("what the tee has not written yet keeps its data, and so does everything that no family allows", async () => {
  await using kit = await hub({ rules: [{ prefix: "", countMax: 0 }], frontier: () => 2 });
  await live(kit, "run", { beliefs: ["1", "2"] });
  await compacted(kit);
  assert.deepEqual(emptied(kit), [2]);
});

test("dropped events are taken only when asked: their rows stay out, their chain goes on", async () => {
  await using source = await hub({ rules: [{ prefix: "beliefs.", countMax: 1 }] });
  await live(source, "run", { beliefs: ["1", "2", "3"] });
  await compacted(source);
  for (const lines of [
    await exported(source),
    source.kernel.parts.archive.lines({ limit: 100 }).map(({ text }) => text),
  ]) {
    await using target = await hub({ files: linesOf(lines) });
    await assert.rejects(stream(target, "journal.import", { file: "/x" }), (error) => isProblem(error, LacksData));
    assert.equal(target.kernel.journal.headSeq(), 0);
    const said = await stream(target, "journal.import", { file: "/x", mayLackRows: true });
    assert.equal(said.at(-1)?.["tombstones"], 2);
    assert.deepEqual(target.store.head(), source.store.head());
    assert.equal((await stream(target, "journal.verify")).at(-1)?.["tombstones"], 2);
  }
});
