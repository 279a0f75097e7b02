/** P16: what a long life costs. The same work on a young journal and on an old one. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { lapInFlight } from "../harness/alternate.ts";
import { amount, type Bench, type BenchOptions } from "../harness/bench.ts";
import { figure, type Row } from "../harness/rows.ts";
import {
  emitSample,
  fillJournal,
  openSubject,
  sampleCounts,
  sampleEpisodes,
  type Subject,
} from "../harness/subject.ts";

const tailRows = 50;
const inFlight = 256;

/** Each answers the milliseconds of its work, after it has looked at what came out. */
const works = {
  emit: async ({ kernel }: Subject, turns: number): Promise<number> => {
    const before = kernel.journal.headSeq();
    const done = await lapInFlight(turns * 10, inFlight, (index) => emitSample(kernel, before + index));
    assert.equal(kernel.journal.headSeq(), before + turns * 10);
    return done.durationMs;
  },
  "tail of 50": async ({ kernel }: Subject, turns: number): Promise<number> => {
    const startedMs = performance.now();
    for (let turn = 0; turn < turns; turn += 1) {
      const found = kernel.journal.read({ limit: tailRows, order: "desc" });
      assert.equal(found[0]?.seq, kernel.journal.headSeq());
      assert.equal(found.length, tailRows);
    }
    return performance.now() - startedMs;
  },
  "state reads": async ({ kernel }: Subject, turns: number): Promise<number> => {
    const startedMs = performance.now();
    for (let turn = 0; turn < turns; turn += 1) {
      const { rows } = kernel.views.list(sampleEpisodes, { limit: tailRows });
      assert.equal(rows.length, tailRows);
      assert.ok(kernel.views.get(sampleEpisodes, rows[turn % tailRows]?.key ?? "") !== undefined);
    }
    return performance.now() - startedMs;
  },
};

async function startMs(path: string, eventsMin: number): Promise<number> {
  globalThis.gc?.();
  const startedMs = performance.now();
  const subject = await openSubject({ path });
  const durationMs = performance.now() - startedMs;
  const counted = subject.kernel.views
    .list(sampleCounts, { limit: 100 })
    .rows.reduce((sum, { row }) => sum + row.count, 0);
  assert.ok(counted >= eventsMin);
  await subject[Symbol.asyncDispose]();
  return durationMs;
}

const name = (events: number): string => (events >= 1e6 ? `${events / 1e6} M` : `${events / 1e3} k`);

async function growth(options: BenchOptions, sizes: { readonly young: number; readonly old: number }): Promise<Row[]> {
  const paths = { young: join(options.scratch, "young.db"), old: join(options.scratch, "old.db") };
  await fillJournal(paths.young, sizes.young);
  await fillJournal(paths.old, sizes.old);
  const row = (what: string, values: readonly number[], note?: string): Row =>
    figure({
      path: "P16",
      what: `${what}, time at ${name(sizes.old)} events against ${name(sizes.young)}`,
      peer: "itself",
      values,
      unit: "x",
      target: { atMost: 1.5 },
      ...(note === undefined ? {} : { note }),
    });
  const starts: number[][] = [];
  for (let round = 0; round <= options.rounds; round += 1) {
    const young = await startMs(paths.young, sizes.young);
    const old = await startMs(paths.old, sizes.old);
    if (round > 0) starts.push([young, old]);
  }
  const last = starts.at(-1) ?? [];
  const startNote = `${(last[0] ?? 0).toFixed(0)} ms and ${(last[1] ?? 0).toFixed(0)} ms`;
  const rows = [
    row(
      "start",
      starts.map(([young = 1, old = 1]) => old / young),
      startNote,
    ),
  ];
  const young = await openSubject({ path: paths.young });
  const old = await openSubject({ path: paths.old });
  const turns = amount(options, 400, 20);
  for (const [what, work] of Object.entries(works)) {
    const ratios: number[] = [];
    for (let round = 0; round <= options.rounds; round += 1) {
      const first = round % 2 === 0 ? young : old;
      const one = await work(first, turns);
      const other = await work(first === young ? old : young, turns);
      if (round > 0) ratios.push(first === young ? other / one : one / other);
    }
    rows.push(row(what, ratios));
  }
  await young[Symbol.asyncDispose]();
  await old[Symbol.asyncDispose]();
  return rows;
}

export const benchGrowth: Bench = (options) =>
  growth(options, {
    young: amount(options, 10_000, 2_000),
    old: options.isLong ? 10_000_000 : amount(options, 1_000_000, 8_000),
  });
