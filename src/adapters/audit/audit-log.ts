/**
 * The audit log on disk: `audit.log`, and three older files of the same size, the chain of hashes running across all of
 * them. Rows are handed to the operating system at once, and to the disk right behind, without the caller waiting for it.
 */
import {
  closeSync,
  copyFileSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import type { AuditEntry, AuditTrail } from "../../domains/audit/port.ts";
import { syncFolderAt } from "../files/replace-file.ts";
import { type ChainHead, chained, firstHead, lineOf, rowOf } from "./chain.ts";
import { listRows, verifyFiles } from "./read-log.ts";

export interface AuditLogOptions {
  readonly folder: string;
  /** Above it the file becomes an older one. */
  readonly sizeBytesMax: number;
  readonly nowMs: () => number;
}

export interface AuditLog extends AuditTrail, Disposable {}

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
  file: number;
  sizeBytes: number;
  head: ChainHead;
}

/** Opens or makes the log and mends a tail that a power cut tore; what is cut off is kept as `.corrupt-<time>`. */
export function openAuditLog(options: AuditLogOptions): AuditLog {
  const paths = auditPaths(options.folder);
  const opened = openTail(paths, options.nowMs);
  const { log } = opened;
  const syncing = createSyncing();
  const waiting: AuditEntry[] = [];
  let lost = 0;
  let fault: string | null = null;

  const write = (entry: AuditEntry): void => {
    const row = chained(entry, log.head);
    const bytes = Buffer.from(lineOf(row));
    if (log.sizeBytes > 0 && log.sizeBytes + bytes.length > options.sizeBytesMax) rotate(log, paths);
    writeWhole(log, bytes);
    log.sizeBytes += bytes.length;
    log.head = row;
  };
  const drain = (): void => {
    try {
      if (lost > 0) {
        write(lostEntry(lost, options.nowMs()));
        lost = 0;
      }
      for (let entry = waiting[0]; entry !== undefined; entry = waiting[0]) {
        write(entry);
        waiting.shift();
      }
      fault = null;
      syncing.soon(log.file);
    } catch (error) {
      fault = error instanceof Error ? error.message : String(error);
    }
  };
  return {
    append(entry) {
      if (waiting.length < waitingMax) waiting.push(entry);
      else lost += 1;
      drain();
    },
    list: (query) => listRows(paths, query),
    async verify() {
      const verdict = await verifyFiles(paths.toReversed());
      // The log may have rotated under the walk; a real fault is there the second time, too.
      return verdict.ok ? verdict : verifyFiles(paths.toReversed());
    },
    health() {
      const problem = fault ?? syncing.fault();
      if (problem !== null)
        return { ok: false, detail: `rows cannot be written (${problem}); ${waiting.length + lost} wait or are lost` };
      return {
        ok: opened.mended === null,
        detail: opened.mended ?? `${log.head.seq} ${log.head.seq === 1 ? "row" : "rows"}`,
      };
    },
    [Symbol.dispose]() {
      if (log.file === -1) return;
      drain();
      fdatasyncSync(log.file);
      closeSync(log.file);
      log.file = -1;
    },
  };
}

const lostEntry = (count: number, timeMs: number): AuditEntry => ({
  timeMs,
  caller: "system:hub",
  operation: "audit.append",
  outcome: "lost",
  why: `${count} rows could not be written and are not here`,
});

/** A row is whole in the file or not at all. */
function writeWhole(log: Open, bytes: Uint8Array): void {
  let written = 0;
  try {
    while (written < bytes.length)
      written += writeSync(log.file, bytes, written, bytes.length - written, log.sizeBytes + written);
  } catch (error) {
    ftruncateSync(log.file, log.sizeBytes);
    throw error;
  }
}

function rotate(log: Open, paths: readonly string[]): void {
  fdatasyncSync(log.file);
  for (let index = paths.length - 2; index >= 0; index -= 1) {
    const [from = "", to = ""] = [paths[index], paths[index + 1]];
    try {
      renameSync(from, to);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  const file = openSync(paths[0] ?? "", "wx+", fileMode);
  closeSync(log.file);
  log.file = file;
  log.sizeBytes = 0;
  // The names follow when they can: a crash before leaves names that say less, never rows that are gone.
  void syncFolderAt(join(paths[0] ?? "", "..")).catch(() => undefined);
}

/** One sync at a time; rows that come meanwhile share the next. */
function createSyncing(): { soon(file: number): void; fault(): string | null } {
  let isRunning = false;
  let isWanted = false;
  let fault: string | null = null;
  const run = (file: number): void => {
    isRunning = true;
    isWanted = false;
    fdatasync(file, (error) => {
      isRunning = false;
      // The file was rotated or closed, which synced it.
      fault = error === null || error.code === "EBADF" ? null : error.message;
      if (isWanted && fault === null && error === null) run(file);
    });
  };
  return {
    soon(file) {
      if (isRunning) isWanted = true;
      else run(file);
    },
    fault: () => fault,
  };
}

function openTail(paths: readonly string[], nowMs: () => number): { log: Open; mended: string | null } {
  const [path = "", ...older] = paths;
  const file = openSync(path, openFlags(path), fileMode);
  const sizeBytes = fstatSync(file).size;
  const tail = lastRow(file, sizeBytes);
  const log: Open = { file, sizeBytes: tail.endBytes, head: tail.head ?? headOf(older) };
  if (tail.endBytes === sizeBytes) return { log, mended: null };
  const keptAs = `${path}.corrupt-${nowMs()}`;
  copyFileSync(path, keptAs);
  ftruncateSync(file, tail.endBytes);
  return {
    log,
    mended: `the end of ${basename(path)} was damaged and cut off; the damaged file is ${basename(keptAs)}`,
  };
}

/** Never appends by itself: rows go to the place that was counted, also after a short write. */
function openFlags(path: string): string {
  try {
    closeSync(openSync(path, "r+"));
    return "r+";
  } catch (error) {
    if (!isMissing(error)) throw error;
    return "w+";
  }
}

function lastRow(file: number, sizeBytes: number): { readonly head: ChainHead | null; readonly endBytes: number } {
  const startBytes = Math.max(0, sizeBytes - tailBytes);
  const bytes = Buffer.alloc(sizeBytes - startBytes);
  readSync(file, bytes, 0, bytes.length, startBytes);
  for (let end = bytes.lastIndexOf(0x0a); end >= 0; ) {
    const start = end === 0 ? 0 : bytes.lastIndexOf(0x0a, end - 1) + 1;
    const row = rowOf(bytes.toString("utf8", start, end));
    if (row !== null) return { head: row, endBytes: startBytes + end + 1 };
    if (start === 0) break;
    end = start - 1;
  }
  return { head: null, endBytes: 0 };
}

function headOf(older: readonly string[]): ChainHead {
  for (const path of older) {
    let file: number;
    try {
      file = openSync(path, "r");
    } catch (error) {
      if (isMissing(error)) continue;
      throw error;
    }
    try {
      const { head } = lastRow(file, fstatSync(file).size);
      if (head !== null) return head;
    } finally {
      closeSync(file);
    }
  }
  return firstHead;
}

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";
