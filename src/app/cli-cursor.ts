/** Where a reader of the events stands, kept in a file of the reader's own, by one process at a time. */
import { setTimeout as pause } from "node:timers/promises";
import { type FileLockOptions, withFileLock } from "../adapters/files/file-lock.ts";
import { createStateFiles, type Damage, jsonCodec } from "../adapters/files/state-file.ts";

export interface Position {
  /** The hub whose journal is meant: a position says nothing to another one. */
  readonly node: string;
  readonly seq: number;
}

export interface Cursor {
  /** Where the last reader stood; null for the first one. */
  readonly start: Position | null;
  readonly damages: readonly Damage[];
  /** Notes how far everything was printed; it is on the disk a moment later. */
  moved(position: Position): void;
}

/** Each save waits for the disk twice, so a burst of events shares one. */
const saveEveryMs = 200;

/**
 * Runs `use` as the only reader of this file, and saves where it stood however it ends. Throws `FileLocked` when another
 * process reads, and a `FolderFault` when the position cannot be kept.
 */
export async function withCursor(path: string, use: (cursor: Cursor) => Promise<void>): Promise<void> {
  const lock: FileLockOptions = {
    pid: process.pid,
    nowMs: Date.now,
    wait: (delayMs) => pause(delayMs),
    // Held for as long as somebody follows the events, and stale once that process is gone.
    ageMsMax: Number.POSITIVE_INFINITY,
  };
  await withFileLock(path, lock, async () => {
    const files = createStateFiles({ nowMs: Date.now });
    const file = files.open({ path, codec: jsonCodec(positionOf) });
    const start = await file.read();
    const saver = createSaver(file.write);
    try {
      await use({ start, damages: files.damages, moved: saver.moved });
    } finally {
      await saver.end();
    }
  });
}

function positionOf(value: unknown): Position | null {
  if (typeof value !== "object" || value === null) return null;
  const { node, seq } = value as Partial<Position>;
  const isPosition = typeof node === "string" && Number.isSafeInteger(seq) && Number(seq) >= 0;
  return isPosition ? { node, seq: Number(seq) } : null;
}

/** Saves the newest position a moment after it moved, one save at a time; what failed is thrown at the end. */
function createSaver(save: (position: Position) => Promise<void>) {
  let newest: Position | null = null;
  let timer: NodeJS.Timeout | null = null;
  let saved: Promise<void> = Promise.resolve();
  let failure: { readonly reason: unknown } | null = null;
  const write = (): void => {
    timer = null;
    saved = saveAfter(saved);
  };
  const saveAfter = async (former: Promise<void>): Promise<void> => {
    await former;
    const position = newest;
    newest = null;
    if (position === null || failure !== null) return;
    try {
      await save(position);
    } catch (reason) {
      failure = { reason };
    }
  };
  return {
    moved(position: Position): void {
      // Whoever prints on without a position would print the same again next time.
      if (failure !== null) throw failure.reason;
      newest = position;
      timer ??= setTimeout(write, saveEveryMs);
    },
    async end(): Promise<void> {
      if (timer !== null) clearTimeout(timer);
      write();
      await saved;
      if (failure !== null) throw failure.reason;
    },
  };
}
