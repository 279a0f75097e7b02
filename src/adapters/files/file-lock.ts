/**
 * A lock for one file between processes of one machine: `<file>.lock`, made exclusively, naming its holder. Advisory: it
 * keeps out whoever asks. A lock whose process is gone, or which is far older than any write takes, is taken over.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { errnoOf, faulting } from "./faults.ts";
import { type FileCalls, fileCalls, writeAll } from "./file-calls.ts";

export interface FileLockHolder {
  readonly pid: number;
  /** Epoch milliseconds. */
  readonly sinceMs: number;
  /** Tells two locks of one process and one moment apart. */
  readonly mark: string;
}

export interface FileLockOptions {
  readonly pid: number;
  readonly nowMs: () => number;
  readonly wait: (delayMs: number) => Promise<void>;
  /** Whether a process of this id lives; asks the system unless a test answers. */
  readonly isAlive?: (pid: number) => boolean;
  /** The disk's own unless a test stands in. */
  readonly calls?: FileCalls;
  /** Milliseconds after which a living holder counts as gone; infinite for a lock that is held for as long as a process runs. */
  readonly ageMsMax?: number;
}

/** Somebody else holds the lock, and did so for as long as was waited. */
export class FileLocked extends Error {
  readonly holder: FileLockHolder | null;

  constructor(path: string, holder: FileLockHolder | null) {
    super(`${path} is being written by ${holder === null ? "another process" : `process ${holder.pid}`}`);
    this.name = "FileLocked";
    this.holder = holder;
  }
}

/** A small file is written in milliseconds; a process id may be given anew after its owner died, so age counts too. */
const ageMsMaxDefault = 30_000;
const tries = 50;
const pauseMs = 20;

/** Runs `use` while holding the lock of `path`. Throws `FileLocked` after about a second of trying. */
export async function withFileLock<T>(path: string, options: FileLockOptions, use: () => Promise<T>): Promise<T> {
  const lockPath = `${path}.lock`;
  const mine: FileLockHolder = {
    pid: options.pid,
    sinceMs: options.nowMs(),
    mark: randomBytes(12).toString("hex"),
  };
  await faulting(lockPath, () => acquire(lockPath, mine, options));
  try {
    return await use();
  } finally {
    // Whoever took this lock over as stale has one of their own by now, and it stays.
    // One that cannot be removed is stale as soon as this process is gone, or in half a minute.
    const { calls = fileCalls } = options;
    if ((await holderOf(lockPath))?.mark === mine.mark) await calls.unlink(lockPath).catch(() => undefined);
  }
}

async function acquire(lockPath: string, mine: FileLockHolder, options: FileLockOptions): Promise<void> {
  const { calls = fileCalls } = options;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    if (await tryMake(lockPath, mine, calls)) return;
    const holder = await holderOf(lockPath);
    if (isStale(holder, options)) await moveStale(lockPath, holder, calls);
    else await options.wait(pauseMs);
  }
  throw new FileLocked(lockPath.slice(0, -".lock".length), await holderOf(lockPath));
}

/** Written whole under another name first: nobody ever reads half a holder. */
async function tryMake(lockPath: string, mine: FileLockHolder, calls: FileCalls): Promise<boolean> {
  const draft = `${lockPath}.${mine.mark}`;
  const handle = await calls.open(draft, "wx", 0o600);
  try {
    try {
      await writeAll(handle, new TextEncoder().encode(JSON.stringify(mine)));
    } finally {
      await handle.close();
    }
    await calls.link(draft, lockPath);
    return true;
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    return false;
  } finally {
    await calls.unlink(draft).catch(() => undefined);
  }
}

function isStale(holder: FileLockHolder | null, options: FileLockOptions): boolean {
  const { nowMs, isAlive = processLives, ageMsMax = ageMsMaxDefault } = options;
  if (holder === null) return false;
  const ageMs = nowMs() - holder.sinceMs;
  return !isAlive(holder.pid) || ageMs > ageMsMax || ageMs < -ageMsMax;
}

/** Of two who find the same stale lock one moves it; a fresh lock that was moved by mistake is put back. */
async function moveStale(lockPath: string, stale: FileLockHolder | null, calls: FileCalls): Promise<void> {
  const aside = `${lockPath}.stale-${randomBytes(12).toString("hex")}`;
  try {
    await calls.rename(lockPath, aside);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  if ((await holderOf(aside))?.mark !== stale?.mark) await calls.link(aside, lockPath).catch(() => undefined);
  await calls.unlink(aside).catch(() => undefined);
}

async function holderOf(lockPath: string): Promise<FileLockHolder | null> {
  try {
    const value: unknown = JSON.parse(await readFile(lockPath, "utf8"));
    if (typeof value !== "object" || value === null) return null;
    const { pid, sinceMs, mark } = value as Partial<FileLockHolder>;
    return typeof pid === "number" && typeof sinceMs === "number" && typeof mark === "string"
      ? { pid, sinceMs, mark }
      : { pid: -1, sinceMs: 0, mark: "" };
  } catch (error) {
    // A text that is no JSON was not written by this program; it counts as a lock that nobody holds.
    return errnoOf(error) === "" ? { pid: -1, sinceMs: 0, mark: "" } : null;
  }
}

function processLives(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}
