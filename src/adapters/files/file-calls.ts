/**
 * The calls of the operating system that make, change and name files: the one door between the hub's own files and a disk,
 * so that a test can let any of them fail. Reading goes past it; what was read is checked by whoever reads.
 */
import { randomBytes } from "node:crypto";
import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, openSync, renameSync, writeSync } from "node:fs";
import { type FileHandle, link, mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";

export interface FileCalls {
  open(path: string, flags: string | number, mode?: number): Promise<FileHandle>;
  rename(from: string, to: string): Promise<void>;
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** The first folder that was made; undefined when all were there. */
  mkdir(path: string, options: { readonly recursive: boolean; readonly mode: number }): Promise<string | undefined>;
}

/** The same for a caller that must not wait. */
export interface FileCallsNow {
  open(path: string, flags: string, mode: number): number;
  close(file: number): void;
  write(file: number, bytes: Uint8Array, position: number): number;
  sync(file: number): void;
  /** On another thread. */
  syncSoon(file: number, done: (error: Error | null) => void): void;
  truncate(file: number, sizeBytes: number): void;
  rename(from: string, to: string): void;
}

export const fileCalls: FileCalls = { open, rename, link, unlink, mkdir };

export const fileCallsNow: FileCallsNow = {
  open: openSync,
  close: closeSync,
  write: (file, bytes, position) => writeSync(file, bytes, 0, bytes.length, position),
  sync: fdatasyncSync,
  syncSoon: fdatasync,
  truncate: ftruncateSync,
  rename: renameSync,
};

/** A disk that takes no byte and gives no reason would be asked for ever. */
class NothingWritten extends Error {
  readonly code = "EIO";
  readonly syscall = "write";
  constructor() {
    super("EIO: the file takes no more bytes, write");
    this.name = "NothingWritten";
  }
}

/** All of it from where the file stands: a disk may take less than it was given, and is given the rest. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done);
    if (bytesWritten <= 0) throw new NothingWritten();
    done += bytesWritten;
  }
}

/** The same at a position. */
export function writeAllNow(calls: FileCallsNow, file: number, { bytes, position }: Placed): void {
  for (let done = 0; done < bytes.length; ) {
    const written = calls.write(file, bytes.subarray(done), position + done);
    if (written <= 0) throw new NothingWritten();
    done += written;
  }
}

interface Placed {
  readonly bytes: Uint8Array;
  readonly position: number;
}

/**
 * Writes a new file and syncs it. On any failure the name is free again: a file whose sync failed may be anything on the
 * disk, and a second sync that succeeds proves nothing of what the first one dropped.
 */
export async function writeNewFile(
  calls: FileCalls,
  path: string,
  content: AsyncIterable<Uint8Array>,
): Promise<{ readonly sizeBytes: number }> {
  const handle = await calls.open(path, "wx", 0o600);
  let sizeBytes = 0;
  try {
    try {
      for await (const chunk of content) {
        await writeAll(handle, chunk);
        sizeBytes += chunk.length;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await calls.unlink(path).catch(() => undefined);
    throw error;
  }
  return { sizeBytes };
}

// The name tells a walk to look away and a person whose it is.
const temporaryPattern = /^\.arw-[0-9a-f]{24}\.tmp$/;

export const isTemporaryName = (name: string): boolean => temporaryPattern.test(name);

export const temporaryName = (): string => `.arw-${randomBytes(12).toString("hex")}.tmp`;

/** What writes that were cut off left in a folder which nobody else writes to now. A folder that is missing holds none. */
export async function sweepTemporaries(folder: string, calls: FileCalls = fileCalls): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (isTemporaryName(name)) await calls.unlink(join(folder, name)).catch(() => undefined);
}

/**
 * Moves a file that cannot be understood to a name of its own, which says when. Linked, not moved, when `isKept`: until
 * something better replaces it the damaged file keeps its name, so that a crash in between leaves damage and not absence.
 */
export async function putAside(
  calls: FileCalls,
  path: string,
  { nowMs, isKept }: { readonly nowMs: number; readonly isKept: boolean },
): Promise<string> {
  const keptAs = `${path}.corrupt-${nowMs}`;
  if (!isKept) {
    await calls.rename(path, keptAs);
    return keptAs;
  }
  try {
    await calls.link(path, keptAs);
  } catch (error) {
    const errno = error instanceof Error && "code" in error ? error.code : "";
    // Set aside already, by a start that got no further. Any other refusal: the file system has no links, or no room.
    if (errno !== "EEXIST") await calls.rename(path, keptAs);
  }
  return keptAs;
}
