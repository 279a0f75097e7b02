/** P9: views folded anew from the journal, and the start that does not have to. */
import { strict as assert } from "node:assert";
import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { alternate, type Contestant, type Lap } from "../harness/alternate.ts";
import { amount, type Bench, type BenchOptions } from "../harness/bench.ts";
import { fillJournal, sampleCounts, sampleViews, sampleViewsOf } from "../harness/subject.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { envelopeJson } from "../../src/contract/event.ts";
import { fromStored } from "../../src/kernel/envelope.ts";
import { createViews, type OwnedViews } from "../../src/kernel/views.ts";

const pageRows = 5000;
/** Of a journal, what came after the stored rows: a hub that ended a moment before its last commit. */
const tailShare = 0.01;

const openViews = (store: ReturnType<typeof openSqliteStore>, views = sampleViews): OwnedViews =>
  createViews({ views, store, pause: () => Promise.resolve() });

/** The same journal as lines of text. */
async function exportLines(path: string, store: ReturnType<typeof openSqliteStore>): Promise<void> {
  const file = createWriteStream(path);
  const head = store.head().seq;
  for (let afterSeq = 0; afterSeq < head; afterSeq += pageRows) {
    const page = store.events({ afterSeq, limit: pageRows });
    const lines = page.map((row) => `${envelopeJson(fromStored(row))}\n`).join("");
    if (!file.write(lines)) await once(file, "drain");
  }
  file.end();
  await once(file, "finish");
}

function lineReader(path: string, events: number): Contestant {
  const run = async (): Promise<Lap> => {
    const startedMs = performance.now();
    let lines = 0;
    let last = 0;
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      last = (JSON.parse(line) as { seq: number }).seq;
      lines += 1;
    }
    const durationMs = performance.now() - startedMs;
    assert.equal(lines, events);
    assert.equal(last, events);
    return { ops: events, durationMs };
  };
  return { name: "line reader and JSON.parse", run };
}

function checkCounts(views: OwnedViews, events: number): void {
  const { rows } = views.list(sampleCounts, { limit: 100 });
  assert.equal(
    rows.reduce((sum, { row }) => sum + row.count, 0),
    events,
  );
}

/** Every view at a version it was not stored with: folded from the first event. */
function rebuild(path: string, events: number): Contestant {
  let version = 1;
  const run = (): Lap => {
    version += 1;
    const store = openSqliteStore(path);
    const views = openViews(store, sampleViewsOf(version));
    const startedMs = performance.now();
    views.open(() => undefined);
    const durationMs = performance.now() - startedMs;
    checkCounts(views, events);
    store[Symbol.dispose]();
    return { ops: events, durationMs };
  };
  return { name: "rebuild", run };
}

/** Rows as of the beginning of the tail, as a snapshot holds them; only the tail is folded. */
function startFromRows(path: string, events: number): Contestant {
  const from = Math.floor(events * (1 - tailShare));
  const run = async (): Promise<Lap> => {
    const store = openSqliteStore(path);
    const views = openViews(store);
    for (const view of sampleViews) {
      const rows = await views.at(view, from);
      const stored = [...rows].map(([key, row]) => ({ key, json: JSON.stringify(row) }));
      store.rebuild(view.name, { version: view.version, seq: from }, stored);
    }
    const startedMs = performance.now();
    views.open(() => undefined);
    const durationMs = performance.now() - startedMs;
    checkCounts(views, events);
    store[Symbol.dispose]();
    return { ops: events, durationMs };
  };
  return { name: "start from rows and a tail of 1 %", run };
}

async function prepare(
  options: BenchOptions,
  events: number,
): Promise<{ journal: string; copy: string; lines: string }> {
  const journal = join(options.scratch, "views.db");
  const copy = join(options.scratch, "views-tail.db");
  const lines = join(options.scratch, "views.jsonl");
  await fillJournal(journal, events);
  await fillJournal(copy, events);
  const store = openSqliteStore(journal);
  await exportLines(lines, store);
  store[Symbol.dispose]();
  return { journal, copy, lines };
}

export const benchViews: Bench = async (options) => {
  const events = amount(options, 100_000, 4_000);
  const { journal, copy, lines } = await prepare(options, events);
  const contestants = [lineReader(lines, events), rebuild(journal, events), startFromRows(copy, events)];
  const tail = "start from rows and a tail of 1 %";
  const comparisons = [
    { ours: "rebuild", peer: "line reader and JSON.parse", target: { atLeast: 0.4 } },
    { ours: tail, peer: "rebuild", target: { atLeast: 15 } },
  ];
  return alternate({ path: "P9", what: `3 views, ${events} events`, contestants, comparisons, rounds: options.rounds });
};
