/** Keeps the journal: proves it, writes it out, reads it in, and lets go of old data. */
import { createKeyedMutex } from "../../base/async.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import type { Archive } from "../../kernel/archive.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, StoredEvent } from "../../kernel/ports.ts";
import type { ChainFault } from "../../kernel/verify.ts";
import {
  Altered,
  BadFile,
  Broken,
  Compact,
  Dropped,
  Erased,
  Export,
  faultsShownMax,
  Import,
  LacksData,
  NotEmpty,
  Verify,
} from "./contract.ts";
import type { Frontier, JournalFiles, RetentionRule } from "./port.ts";
import { allowedDrops, compact, finishErasing, isOverCeiling } from "./retention.ts";
import { createRowReader, exportedRow } from "./rows.ts";
import { createVolume } from "./volume.ts";

const pageEvents = 1000;
/** After the busy first minutes, then daily. */
const retentionFirstMs = 10 * 60_000;
const retentionIntervalMs = 24 * 60 * 60_000;
/** Often enough that a run that reads without end does not fill the disk between two looks. */
const ceilingIntervalMs = 5 * 60_000;

interface JournalDeps {
  readonly parts: KernelParts;
  readonly clock: Pick<Clock, "soon">;
  readonly files: JournalFiles;
  readonly rules: readonly RetentionRule[];
  readonly frontier: Frontier;
  /** Watchers of views are not told of an import; whoever keeps something beside a view is told here. */
  readonly onImported?: () => void;
}

type Progress = Static<typeof Import.output>;

export function createJournalKeeper({
  parts,
  clock,
  files,
  rules,
  frontier,
  onImported = () => {},
}: JournalDeps): Domain {
  const pause = (): Promise<void> => new Promise((resolve) => clock.soon(resolve));
  const retention = { parts, rules, frontier, pause, volume: createVolume({ parts, pause }) };
  const looks = createKeyedMutex();
  /** One at a time: what one empties, the other must not count. */
  const compacted = (ctx: Context) => looks.run("look", () => compact(retention, ctx));
  return {
    name: "journal",
    operations: [
      bind(Verify, (_input, ctx) => verify(parts, ctx, pause)),
      bind(Export, (input) => exportRows(parts, input, pause)),
      bind(Import, ({ file, mayLackRows = false }, ctx) =>
        told(importFile(parts, { lines: () => files.lines(file), mayLackRows }, ctx), onImported),
      ),
      bind(Compact, (_input, ctx) => compacted(ctx)),
    ],
    events: [Altered, Dropped, Erased],
    views: [],
    async start(ctx) {
      const { seam } = parts.archive;
      if (seam !== null) await ctx.emit(Altered, seam);
      finishErasing(parts);
      if (rules.length === 0) return;
      const run = async (signal: AbortSignal): Promise<void> => {
        await compacted(parts.act({ caller: ctx.caller, corrId: ctx.id(), signal }));
      };
      parts.scheduler.every({
        name: "journal.retention",
        firstMs: retentionFirstMs,
        intervalMs: retentionIntervalMs,
        run,
      });
      if (rules.every(({ sizeBytesMax }) => sizeBytesMax === undefined)) return;
      parts.scheduler.every({
        name: "journal.ceiling",
        firstMs: retentionFirstMs + ceilingIntervalMs,
        intervalMs: ceilingIntervalMs,
        run: async (signal) => {
          if (await looks.run("look", () => isOverCeiling(retention, signal))) await run(signal);
        },
      });
    },
  };
}

async function* verify(
  parts: KernelParts,
  { signal }: Context,
  pause: () => Promise<void>,
): AsyncGenerator<Static<typeof Verify.output>> {
  const { hash, seq } = parts.archive.head();
  // The hub knows what it wrote; the store only knows what it still has.
  const headSeq = Math.max(seq, parts.kernel.journal.headSeq());
  const shown: ChainFault[] = [];
  let count = 0;
  let last = { events: 0, tombstones: 0 };
  for (const page of parts.archive.walk({ toSeq: headSeq, mayBeEmpty: allowedDrops(parts) })) {
    signal.throwIfAborted();
    count += page.faults.length;
    const faults = page.faults.slice(0, faultsShownMax - shown.length);
    shown.push(...faults);
    last = { events: page.events, tombstones: page.tombstones };
    yield { ...last, ofEvents: headSeq, faults, isDone: false };
    await pause();
  }
  if (count > 0) {
    const named = shown.map(({ seq, what }) => `${seq} ${what}`).join(", ");
    throw new Problem(Broken, `${count} rows are not what was written: ${named}`, { faults: shown, count });
  }
  yield { ...last, ofEvents: headSeq, faults: [], isDone: true, hash };
}

async function* exportRows(
  { archive }: KernelParts,
  { afterSeq = 0, toSeq }: Static<typeof Export.input>,
  pause: () => Promise<void>,
): AsyncGenerator<Static<typeof Export.output>> {
  const endSeq = Math.min(toSeq ?? Number.MAX_SAFE_INTEGER, archive.head().seq);
  for (let position = afterSeq; position < endSeq; ) {
    const page = archive.rows({ afterSeq: position, toSeq: endSeq, limit: pageEvents });
    const last = page.at(-1);
    if (last === undefined) return;
    for (const row of page) yield exportedRow(row);
    position = last.seq;
    await pause();
  }
}

/** Reads the file twice: once to see that all of it is right, and once to take it. */
async function* importFile(
  { archive }: KernelParts,
  { lines, mayLackRows }: { readonly lines: () => AsyncIterable<string>; readonly mayLackRows: boolean },
  { signal }: Context,
): AsyncGenerator<Progress> {
  const refuseFull = (): void => {
    const { seq } = archive.head();
    if (seq > 0)
      throw new Problem(
        NotEmpty,
        `this hub has ${seq} events already: stop it, and import with \`--local --state-dir NEWFOLDER\` into a new state directory`,
      );
  };
  refuseFull();
  let progress: Progress = { stage: "checked", events: 0, tombstones: 0, isChainProven: false };
  for await (const { reader } of batches(archive, lines(), signal)) progress = progressOf("checked", reader);
  yield progress;
  if (progress.tombstones > 0 && !mayLackRows)
    throw new Problem(LacksData, `${progress.tombstones} of ${progress.events} events come without their data`, {
      tombstones: progress.tombstones,
    });
  refuseFull();
  for await (const { rows, reader } of batches(archive, lines(), signal)) {
    archive.adopt(rows);
    progress = progressOf("written", reader);
    yield progress;
  }
  yield { ...progress, stage: "done" };
}

/** Also when an import breaks off: what it took until then is there. */
async function* told<T>(items: AsyncIterable<T>, onEnd: () => void): AsyncGenerator<T> {
  try {
    yield* items;
  } finally {
    onEnd();
  }
}

const progressOf = (stage: Progress["stage"], reader: ReturnType<typeof createRowReader>): Progress => ({
  stage,
  events: reader.events,
  tombstones: reader.tombstones,
  isChainProven: reader.isProven,
});

async function* batches(archive: Archive, lines: AsyncIterable<string>, signal: AbortSignal) {
  const reader = createRowReader(archive);
  let rows: StoredEvent[] = [];
  try {
    for await (const line of lines) {
      const row = reader.read(line);
      if (row !== null) rows.push(row);
      if (rows.length < pageEvents) continue;
      signal.throwIfAborted();
      yield { rows, reader };
      rows = [];
    }
  } catch (error) {
    throw isProblem(error) || !isFileFailure(error)
      ? error
      : new Problem(BadFile, `it cannot be read: ${error.message}`, { cause: error });
  }
  if (rows.length > 0) yield { rows, reader };
}

/** What the system or the decompressor says of a file. */
const isFileFailure = (error: unknown): error is Error => error instanceof Error && "code" in error;
