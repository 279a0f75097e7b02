/**
 * The audit log on disk: `audit.log`, and three older files of the same size, the chain of hashes running across all of
 * them. Rows are handed to the operating system at once, and to the disk right behind, without the caller waiting for it.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { AuditEntry, AuditTrail, AuditVerdict } from "../../domains/audit/port.ts";
import { errnoOf, isMissing } from "../files/faults.ts";
import { type FileCallsNow, fileCallsNow, writeAllNow } from "../files/file-calls.ts";
import { unsyncable } from "../files/place.ts";
import { type AuditLines, type ChainHead, chained, firstHead, plainLines } from "./chain.ts";
import { Guard } from "./guard.ts";
import { listRows, verifyFiles } from "./read-log.ts";
import { messageOf, Segment } from "./segment.ts";

export interface AuditLogOptions {
  readonly folder: string;
  /** Above it the file becomes an older one. */
  readonly sizeBytesMax: number;
  readonly nowMs: () => number;
  /** The last row that an earlier hub is known to have written. */
  readonly known?: ChainHead | null;
  /** Told of each row that was written. */
  readonly onRow?: () => void;
  /** Plain ones, unless the state is encrypted. */
  readonly lines?: AuditLines;
  /** The disk's own unless a test stands in. */
  readonly calls?: FileCallsNow;
}

export interface AuditLog extends AuditTrail, Disposable {
  /** The last row; null before the log could be opened. */
  head(): ChainHead | null;
}

const olderFiles = 3;
const fileMode = 0o600;
/** Far above the longest row: paths and reasons are bounded. */
const tailBytes = 256 * 1024;
/** Rows that wait for a disk that takes nothing; beyond it they are counted, and the count becomes a row. */
const waitingMax = 1000;

/** Newest first. */
export const auditPaths = (folder: string): readonly string[] => [
  join(folder, "audit.log"),
  ...Array.from({ length: olderFiles }, (_none, index) => join(folder, `audit.${index + 1}.log`)),
];

interface Open {
  segment: Segment;
  head: ChainHead;
  /** The names of the files are durable. */
  isNamed: boolean;
  readonly mended: string | null;
}

/**
 * Opens or makes the log and mends a tail that a power cut tore; what is cut off is kept as `.corrupt-<time>`. A log that
 * cannot be opened does not stop the hub: rows wait, the health check says why, and each row tries again.
 */
export function openAuditLog(options: AuditLogOptions): AuditLog {
  const paths = auditPaths(options.folder);
  const { calls = fileCallsNow, nowMs } = options;
  const guard = new Guard(options.known ?? null);
  const { sizeBytesMax, onRow = () => {}, lines = plainLines } = options;
  const file = createWriter(paths, { guard, calls, nowMs, sizeBytesMax, onRow, lines });
  const waiting: AuditEntry[] = [];
  let isClosed = false;
  let lost = 0;
  let fault: string | null = null;

  const drain = (): void => {
    if (isClosed) return;
    try {
      file.ready();
      if (lost > 0) {
        file.write(lostEntry(lost, nowMs()));
        lost = 0;
      }
      for (let entry = waiting[0]; entry !== undefined; entry = waiting[0]) {
        file.write(entry);
        waiting.shift();
      }
      file.nameDurably();
      fault = null;
    } catch (error) {
      fault = messageOf(error);
    }
    // Rows before the one that failed are in the file all the same.
    file.log()?.segment.syncSoon();
  };
  drain();
  return {
    append(entry) {
      if (waiting.length < waitingMax) waiting.push(entry);
      else lost += 1;
      drain();
    },
    head: () => file.log()?.head ?? null,
    list: (query) => listRows(paths, query, lines),
    verify() {
      drain();
      return verifyTwice(paths.toReversed(), guard.known, lines);
    },
    health() {
      // A file that is gone is noticed also while nothing is written.
      drain();
      const log = file.log();
      const waits = `${waiting.length} wait, ${lost} are lost`;
      const problem = (isClosed ? "the log is closed" : fault) ?? log?.segment.fault ?? null;
      if (problem !== null) return { ok: false, detail: `rows cannot be written (${problem}); ${waits}` };
      const seq = log?.head.seq ?? 0;
      const mended = guard.problem ?? log?.mended ?? null;
      return { ok: mended === null, detail: mended ?? `${seq} ${seq === 1 ? "row" : "rows"}` };
    },
    [Symbol.dispose]() {
      if (isClosed) return;
      drain();
      isClosed = true;
      closeSegment(file.log()?.segment);
    },
  };
}

interface WriterOptions extends Means {
  readonly guard: Guard;
  readonly sizeBytesMax: number;
  readonly onRow: () => void;
}

/** The file that rows go to: opened on need, and anew when somebody took it away. */
function createWriter(paths: readonly string[], { guard, sizeBytesMax, onRow, nowMs, calls, lines }: WriterOptions) {
  const [path = ""] = paths;
  let log: Open | null = null;
  const opened = (): Open => {
    if (log !== null) return log;
    log = openTail(paths, { nowMs, calls, lines });
    log.head = guard.goOnFrom(log.head);
    return log;
  };
  const write = (entry: AuditEntry): void => {
    const open = opened();
    const row = chained(entry, open.head);
    const bytes = Buffer.from(lines.lineOf(row));
    const { sizeBytes } = open.segment;
    if (sizeBytes > 0 && sizeBytes + bytes.length > sizeBytesMax) rotate(open, paths, calls);
    open.segment.write(bytes);
    open.head = row;
    guard.learn({ seq: row.seq, hash: row.hash });
    onRow();
  };
  return {
    write,
    log: () => log,
    ready() {
      if (log !== null && !log.segment.isWholeAt(path)) {
        const { segment } = log;
        log = null;
        segment.retire();
      }
      opened();
      const entry = guard.entry(nowMs());
      if (entry === null) return;
      write(entry);
      guard.told();
    },
    nameDurably() {
      const open = opened();
      if (!open.isNamed) syncNames(open, dirname(path), calls);
    },
  };
}

/** The log may have rotated under the walk; a real fault is there the second time, too. */
async function verifyTwice(
  oldestFirst: readonly string[],
  known: ChainHead | null,
  lines: AuditLines,
): Promise<AuditVerdict> {
  const verdict = await verifyFiles(oldestFirst, known, lines);
  return verdict.ok ? verdict : verifyFiles(oldestFirst, known, lines);
}

/** The rows are with the operating system whatever the sync says, and nobody is left to be told. */
function closeSegment(segment: Segment | undefined): void {
  try {
    segment?.syncNow();
  } catch {
    // The next start looks at what is there.
  }
  segment?.retire();
}

const lostEntry = (count: number, timeMs: number): AuditEntry => ({
  timeMs,
  caller: "system:hub",
  operation: "audit.append",
  outcome: "lost",
  why: `${count} rows could not be written and are not here`,
});

function rotate(open: Open, paths: readonly string[], calls: FileCallsNow): void {
  const [path = ""] = paths;
  open.segment.syncNow();
  for (let index = firstGap(paths) - 1; index >= 0; index -= 1) {
    calls.rename(paths[index] ?? "", paths[index + 1] ?? "");
  }
  const file = calls.open(path, "wx+", fileMode);
  open.segment.retire();
  open.segment = new Segment(file, 0, calls);
  open.isNamed = false;
}

/**
 * Only what stands before the first free name moves, the oldest being free to be replaced. A rotation that failed half way
 * left a gap, and another full round of moves would push out files that are to be kept.
 */
function firstGap(paths: readonly string[]): number {
  const last = paths.length - 1;
  const gap = paths.findIndex((path) => !exists(path));
  return gap < 0 ? last : Math.min(gap, last);
}

/** Behind the rows that were written, so that they are in the file when this throws. */
function syncNames(open: Open, folder: string, calls: FileCallsNow): void {
  try {
    const file = calls.open(folder, "r", 0);
    try {
      calls.sync(file);
    } finally {
      calls.close(file);
    }
  } catch (error) {
    // Windows opens no folder, and some file systems sync none; there names are as durable as they get.
    if (process.platform !== "win32" && !unsyncable.has(errnoOf(error))) throw error;
  }
  open.isNamed = true;
}

interface Means {
  readonly nowMs: () => number;
  readonly calls: FileCallsNow;
  readonly lines: AuditLines;
}

function openTail(paths: readonly string[], { nowMs, calls, lines }: Means): Open {
  const [path = "", ...older] = paths;
  // Never appends by itself: rows go to the place that was counted, also after a short write.
  const file = calls.open(path, exists(path) ? "r+" : "w+", fileMode);
  try {
    const sizeBytes = fstatSync(file).size;
    const tail = lastRow(file, sizeBytes, lines);
    const mended = tail.endBytes === sizeBytes ? null : mend(path, file, { tail, nowMs, calls });
    return {
      segment: new Segment(file, tail.endBytes, calls),
      head: tail.head ?? headOf(older, lines),
      isNamed: false,
      mended,
    };
  } catch (error) {
    calls.close(file);
    throw error;
  }
}

function mend(
  path: string,
  file: number,
  means: Omit<Means, "lines"> & { readonly tail: { readonly endBytes: number } },
): string {
  const { tail, nowMs, calls } = means;
  const keptAs = `${path}.corrupt-${nowMs()}`;
  const copy = calls.open(keptAs, "w", fileMode);
  try {
    writeAllNow(calls, copy, { bytes: readFileSync(path), position: 0 });
    calls.sync(copy);
  } finally {
    calls.close(copy);
  }
  calls.truncate(file, tail.endBytes);
  return `the end of ${basename(path)} was damaged and cut off; the damaged file is ${basename(keptAs)}`;
}

/** Looks back from the end as far as it must: what follows the last whole row may be longer than any row. */
function lastRow(
  file: number,
  sizeBytes: number,
  lines: AuditLines,
): { readonly head: ChainHead | null; readonly endBytes: number } {
  for (let wantedBytes = tailBytes; ; wantedBytes *= 2) {
    const startBytes = Math.max(0, sizeBytes - wantedBytes);
    const bytes = Buffer.alloc(sizeBytes - startBytes);
    readSync(file, bytes, 0, bytes.length, startBytes);
    const found = lastRowIn(bytes, startBytes === 0, lines);
    if (found !== null) return { head: found.head, endBytes: startBytes + found.endBytes };
    if (startBytes === 0) return { head: null, endBytes: 0 };
  }
}

function lastRowIn(
  bytes: Buffer,
  isWhole: boolean,
  lines: AuditLines,
): { readonly head: ChainHead; readonly endBytes: number } | null {
  for (let end = bytes.lastIndexOf(0x0a); end >= 0; ) {
    const before = end === 0 ? -1 : bytes.lastIndexOf(0x0a, end - 1);
    // The first line may have begun before the part that was read.
    const row = before < 0 && !isWhole ? null : lines.rowOf(bytes.toString("utf8", before + 1, end));
    if (row !== null) return { head: row, endBytes: end + 1 };
    end = before;
  }
  return null;
}

function headOf(older: readonly string[], lines: AuditLines): ChainHead {
  for (const path of older) {
    let file: number;
    try {
      file = openSync(path, "r");
    } catch (error) {
      if (isMissing(error)) continue;
      throw error;
    }
    try {
      const { head } = lastRow(file, fstatSync(file).size, lines);
      if (head !== null) return head;
    } finally {
      closeSync(file);
    }
  }
  return firstHead;
}

function exists(path: string): boolean {
  try {
    closeSync(openSync(path, "r"));
    return true;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return false;
  }
}
