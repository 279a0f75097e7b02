/**
 * The small files that the hub keeps for itself. A write replaces the whole file and keeps the one before as `.bak`. A file
 * that cannot be understood is kept as `.corrupt-<time>` for whoever looks into it, and the last good one takes its place.
 */
import { chmod, readFile } from "node:fs/promises";
import { createKeyedMutex } from "../../base/async.ts";
import { errnoOf, faulting } from "./faults.ts";
import { type FileCalls, fileCalls, putAside } from "./file-calls.ts";
import { type FileLockOptions, withFileLock } from "./file-lock.ts";
import { replaceFile } from "./replace-file.ts";

/** How bytes become a value. `parse` answers null for bytes that say nothing it understands. */
export interface Codec<T> {
  parse(bytes: Uint8Array): T | null;
  format(value: T): Uint8Array;
}

export interface Damage {
  readonly path: string;
  /** Where the damaged file is kept. */
  readonly keptAs: string;
  /** What is used instead. */
  readonly instead: "backup" | "nothing";
}

export interface StateFile<T> {
  /** Null when there is no file, and when neither it nor its backup can be understood. */
  read(): Promise<T | null>;
  /**
   * Durable when it returns. Throws a `FolderFault`; the file is then whole, and as it was unless the new name alone could
   * not be made durable.
   */
  write(value: T): Promise<void>;
  /** Reads, changes and writes as one turn: no other writer of this path comes in between. */
  update(change: (before: T | null) => T): Promise<T>;
}

export interface StateFileOptions<T> {
  readonly path: string;
  readonly codec: Codec<T>;
  /** False for what must not come back, such as rights that were taken away; true unless said. */
  readonly keepsBackup?: boolean;
  /** Set where other processes write the file, too. */
  readonly lock?: FileLockOptions;
}

export interface StateFiles {
  open<T>(options: StateFileOptions<T>): StateFile<T>;
  /** Files found damaged since the start. */
  readonly damages: readonly Damage[];
  /** Adds one that somebody else found. */
  report(damage: Damage): void;
  /** Paths that somebody reads or writes now. */
  readonly busy: number;
}

/** These files hold tokens, hashes and places: for their owner alone. */
const fileMode = 0o600;
/** A hub has a handful of files; more damage than this tells nothing new. */
const damagesMax = 100;

export interface StateFilesOptions {
  readonly nowMs: () => number;
  /** The disk's own unless a test stands in. */
  readonly calls?: FileCalls;
}

/** One set per process: it is what makes turns by path. */
export function createStateFiles(options: StateFilesOptions): StateFiles {
  const { nowMs, calls = fileCalls } = options;
  const turns = createKeyedMutex();
  const damages: Damage[] = [];
  const report = (damage: Damage): void => {
    if (damages.length < damagesMax) damages.push(damage);
  };
  return {
    damages,
    report,
    get busy() {
      return turns.size;
    },
    open(file) {
      const { path, lock } = file;
      const inTurn = <R>(use: () => Promise<R>): Promise<R> =>
        turns.run(path, () => (lock === undefined ? use() : withFileLock(path, { calls, ...lock }, use)));
      const means = { nowMs, report, calls };
      const read = () => readChecked(file, means);
      return {
        read: () => turns.run(path, read),
        write: (value) => inTurn(() => writeKeeping(file, value, calls)),
        update: (change) =>
          inTurn(async () => {
            const value = change(await read());
            await writeKeeping(file, value, calls);
            return value;
          }),
      };
    },
  };
}

/** JSON of a shape that `check` recognises. */
export const jsonCodec = <T>(check: (value: unknown) => T | null): Codec<T> => ({
  parse(bytes) {
    try {
      return check(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
    } catch {
      return null;
    }
  },
  format: (value) => new TextEncoder().encode(`${JSON.stringify(value)}\n`),
});

const backupOf = (path: string): string => `${path}.bak`;

interface Means {
  readonly calls: FileCalls;
  readonly nowMs: () => number;
  readonly report: (damage: Damage) => void;
}

async function readChecked<T>(file: StateFileOptions<T>, { nowMs, report, calls }: Means): Promise<T | null> {
  const { path, codec, keepsBackup = true } = file;
  const bytes = await bytesAt(path);
  // A missing file is no damage: a person may have removed it to begin anew, and a backup must not undo that.
  if (bytes === null) return null;
  const value = codec.parse(bytes);
  if (value !== null) return value;
  const backup = keepsBackup ? await bytesAt(backupOf(path)) : null;
  const good = backup === null ? null : codec.parse(backup);
  const keptAs = await faulting(path, () => putAside(calls, path, { nowMs: nowMs(), isKept: good !== null }));
  if (backup !== null && good !== null) await replaceFile(path, backup, { mode: fileMode, calls });
  report({ path, keptAs, instead: good === null ? "nothing" : "backup" });
  return good;
}

/** The backup is the last content that was understood, so damage never spreads to it. */
async function writeKeeping<T>(file: StateFileOptions<T>, value: T, calls: FileCalls): Promise<void> {
  const { path, codec, keepsBackup = true } = file;
  const before = keepsBackup ? await bytesAt(path) : null;
  if (before !== null && codec.parse(before) !== null)
    await replaceFile(backupOf(path), before, { mode: fileMode, calls });
  await replaceFile(path, codec.format(value), { mode: fileMode, calls });
}

/** Bits that others got by accident are taken away. */
async function bytesAt(path: string): Promise<Uint8Array | null> {
  try {
    const bytes = await readFile(path);
    await chmod(path, fileMode);
    return bytes;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    return faulting(path, () => Promise.reject(error));
  }
}
