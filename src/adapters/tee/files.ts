/** What the tee needs of a disk, small enough that a test can let any of it fail; and the disk itself. */
import { constants, createReadStream } from "node:fs";
import { type FileHandle, readdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { errnoOf, unlessMissing } from "../files/faults.ts";
import { type FileCalls, fileCalls, writeNewFile } from "../files/file-calls.ts";
import { makeFolder } from "../files/make-folder.ts";
import { syncFolderAt } from "../files/replace-file.ts";
import { readLines } from "./lines.ts";

export interface TeeFile {
  sizeBytes(): Promise<number>;
  /** Whether the path still names this very file; somebody may have moved or removed it. */
  isAt(path: string): Promise<boolean>;
  /** May read less than asked for at the end. */
  read(position: number, lengthBytes: number): Promise<Uint8Array>;
  /** May write less than it was given; answers how much. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface TeeFiles {
  /** Opens or makes the file, for its owner alone; its name is durable. */
  open(path: string): Promise<TeeFile>;
  /** When the file was written last; null when it is not there. */
  modifiedMs(path: string): Promise<number | null>;
  /** Names in the folder of `path`. */
  namesBeside(path: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Writes `to` whole and durable or not at all, then removes `from`. */
  compress(from: string, to: string): Promise<void>;
  lines(path: string): AsyncIterable<string>;
}

const { O_RDWR, O_CREAT } = constants;

export const createTeeFiles = (calls: FileCalls): TeeFiles => ({
  async open(path) {
    await makeFolder(dirname(path), { mode: 0o700, calls });
    const handle = await calls.open(path, O_RDWR | O_CREAT, 0o600);
    try {
      await syncFolderAt(dirname(path), calls);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return fileOf(handle);
  },
  modifiedMs: async (path) => (await unlessMissing(stat(path)))?.mtimeMs ?? null,
  namesBeside: async (path) => readdir(dirname(path)),
  async rename(from, to) {
    await calls.rename(from, to);
    await syncFolderAt(dirname(to), calls);
  },
  async remove(path) {
    await unlessMissing(calls.unlink(path));
  },
  async compress(from, to) {
    const half = `${to}.tmp`;
    // What an earlier try left, before it could finish.
    await unlessMissing(calls.unlink(half));
    await pipeline(createReadStream(from), createGzip(), (zipped) => writeNewFile(calls, half, zipped));
    await calls.rename(half, to);
    await syncFolderAt(dirname(to), calls);
    await unlessMissing(calls.unlink(from));
  },
  lines: readLines,
});

export const diskTeeFiles: TeeFiles = createTeeFiles(fileCalls);

export const fileOf = (handle: FileHandle): TeeFile => ({
  sizeBytes: async () => (await handle.stat()).size,
  async isAt(path) {
    const [mine, there] = await Promise.all([handle.stat(), unlessMissing(stat(path))]);
    return there !== null && there.ino === mine.ino && there.dev === mine.dev;
  },
  async read(position, lengthBytes) {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(lengthBytes), 0, lengthBytes, position);
    return buffer.subarray(0, bytesRead);
  },
  write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
  truncate: (sizeBytes) => handle.truncate(sizeBytes),
  async sync() {
    await handle.datasync();
  },
  close: () => handle.close(),
});

/** For a reader: the name of what failed, as the system calls it. */
export const failureText = (error: unknown): string =>
  errnoOf(error) === "ENOSPC" ? "the disk is full" : error instanceof Error ? error.message : String(error);
