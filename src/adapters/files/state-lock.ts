/**
 * One hub for each state directory. The lock is a lock of the kernel, held through SQLite, so it ends with the process
 * however that dies; a file that says "locked" would outlive a `kill -9`.
 *
 * `lock.db` must not be opened by anybody else in this process: POSIX drops the locks of a process on a file when it
 * closes any descriptor of it.
 */
import { chmod, lstat, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { faulting } from "./faults.ts";
import { sweepTemporaries } from "./file-calls.ts";
import { makeFolder } from "./make-folder.ts";
import { replaceFile } from "./replace-file.ts";

export interface LockHolder {
  readonly pid: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Where the hub answers, once it does. */
  readonly address: string | null;
}

export interface StateLock extends AsyncDisposable {
  /** Tells whoever finds the directory locked where the hub answers. */
  announce(address: string): Promise<void>;
}

/** The directory belongs to a running hub. `holder` is null while that hub is just starting. */
export class StateLocked extends Error {
  readonly holder: LockHolder | null;

  constructor(folder: string, holder: LockHolder | null) {
    const who = holder === null ? "another hub" : `the hub with process id ${holder.pid}`;
    super(`${folder} is in use by ${who}`);
    this.name = "StateLocked";
    this.holder = holder;
  }
}

// SQLITE_BUSY and SQLITE_LOCKED: somebody else, in another process or in this one.
const busyCodes = new Set([5, 6]);
// A few numbers and an address; more is not ours.
const holderBytesMax = 4_096;

/** Makes `folder`, for the owner alone, when it is missing. Throws `StateLocked`, or a `FolderFault` of the disk. */
export async function acquireStateLock(
  folder: string,
  options: { readonly pid: number; readonly nowMs: number; readonly address?: string },
): Promise<StateLock> {
  const { pid, nowMs, address = null } = options;
  await faulting(folder, () => makeFolder(folder, { mode: 0o700 }));
  const database = openLocked(join(folder, "lock.db"));
  const notePath = join(folder, "lock.json");
  if (database === null) throw new StateLocked(folder, await readHolder(notePath));
  const note = (holder: LockHolder) => replaceFile(notePath, Buffer.from(JSON.stringify(holder)), { mode: 0o600 });
  try {
    // What a killed hub left here must not speak for this one.
    await faulting(notePath, () => rm(notePath, { force: true }));
    await faulting(folder, () => chmod(join(folder, "lock.db"), 0o600));
    await sweepTemporaries(folder);
    await note({ pid, startedAt: nowMs, address });
  } catch (error) {
    database.close();
    throw error;
  }
  let isHeld = true;
  return {
    announce: (now) => note({ pid, startedAt: nowMs, address: now }),
    [Symbol.asyncDispose]: async () => {
      if (!isHeld) return;
      isHeld = false;
      // While the lock still holds; a note that cannot be removed is recognised as stale by the next hub.
      await rm(notePath, { force: true }).catch(() => {});
      database.close();
    },
  };
}

/** Who holds the directory now; null when nobody does. For other processes than the holder's, and leaves no trace. */
export async function stateHolder(folder: string): Promise<LockHolder | null> {
  const path = join(folder, "lock.db");
  if ((await lstat(path).catch(() => null)) === null) return null;
  const database = openLocked(path);
  if (database === null)
    return (await readHolder(join(folder, "lock.json"))) ?? { pid: 0, startedAt: 0, address: null };
  database.close();
  return null;
}

/** Null when somebody else holds it. The transaction stays open: it is the lock. */
function openLocked(path: string): DatabaseSync | null {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && busyCodes.has(Number(error.errcode) & 0xff)) return null;
    throw error;
  }
}

/** For the message only, so anything unexpected reads as "unknown". */
async function readHolder(path: string): Promise<LockHolder | null> {
  try {
    if ((await lstat(path)).size > holderBytesMax) return null;
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof value !== "object" || value === null || !("pid" in value) || !("startedAt" in value)) return null;
    const { pid, startedAt } = value;
    if (typeof pid !== "number" || typeof startedAt !== "number") return null;
    return { pid, startedAt, address: "address" in value && typeof value.address === "string" ? value.address : null };
  } catch {
    return null;
  }
}
