/** Capsule files at places that a person names: read once their size is known, and written without replacing anything. */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, sep } from "node:path";
import { CapsuleFileFault, type CapsuleFiles } from "../../domains/capsules/port.ts";
import { errnoOf } from "../files/faults.ts";
import { type FileCalls, fileCalls } from "../files/file-calls.ts";
import { makeWholeFile } from "../files/new-file.ts";
import { syncFolderAt } from "../files/replace-file.ts";

export interface CapsuleFilesOptions {
  /** Nothing is written into the hub's own folder by this door. */
  readonly stateDir: string;
  /** The disk's own unless a test stands in. */
  readonly calls?: FileCalls;
}

/** A named pipe would be waited for, and Windows has no such flag. */
const readFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

export function createCapsuleFiles({ stateDir, calls = fileCalls }: CapsuleFilesOptions): CapsuleFiles {
  return {
    async read(path, sizeBytesMax) {
      refuseRelative(path);
      const handle = await opened(path);
      try {
        const info = await handle.stat();
        if (!info.isFile()) throw refused(path, "it is no file");
        if (info.size > sizeBytesMax)
          throw new CapsuleFileFault("too-large", `${path} has ${info.size} bytes; the limit is ${sizeBytesMax}`);
        return await readWhole(handle, info.size);
      } finally {
        await handle.close();
      }
    },
    async write(path, bytes) {
      refuseRelative(path);
      const folder = await stat(dirname(path)).catch(() => null);
      if (folder?.isDirectory() !== true) throw refused(path, "its folder does not exist");
      // Also by a link that leads there.
      if (isWithin(await whole(stateDir), await realpath(dirname(path))))
        throw refused(path, "it lies in the hub's own folder");
      try {
        await makeWholeFile(calls, path, once(bytes));
      } catch (error) {
        const code = errnoOf(error);
        // Whoever wrote it may have been cut off before its name was durable.
        if (code === "EEXIST" && (await holds(path, bytes))) return await syncFolderAt(dirname(path), calls);
        if (code === "EEXIST") throw refused(path, "it exists already, and no file is replaced");
        const reason = fullCodes.has(code) ? "disk-full" : "refused";
        throw new CapsuleFileFault(reason, `${path} cannot be written: ${wordsOf(code)}`, { cause: error });
      }
    },
  };
}

const fullCodes: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const words: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "no more room is allowed there",
  EFBIG: "the disk takes no file of this size",
  EACCES: "the hub may not write there",
  EPERM: "the hub may not write there",
  EROFS: "the disk can only be read",
  ENAMETOOLONG: "the name is too long",
};
const wordsOf = (code: string): string => words[code] ?? code;

const refused = (path: string, why: string): CapsuleFileFault => new CapsuleFileFault("refused", `${path}: ${why}`);

function refuseRelative(path: string): void {
  if (!isAbsolute(path)) throw refused(path, "the path must be absolute");
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, readFlags);
  } catch (error) {
    const code = errnoOf(error);
    throw refused(
      path,
      code === "ENOENT"
        ? "there is no such file"
        : `it cannot be read: ${code === "EACCES" ? "the hub may not read it" : code}`,
    );
  }
}

/** As many bytes as it had when it was looked at; one that grows meanwhile is cut there, and is then no capsule. */
async function readWhole(handle: FileHandle, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const { bytesRead } = await handle.read(bytes, filled, sizeBytes - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
  const info = await lstat(path);
  if (!info.isFile() || info.size !== bytes.length) return false;
  const handle = await opened(path);
  try {
    return Buffer.compare(await readWhole(handle, bytes.length), bytes) === 0;
  } finally {
    await handle.close();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A hub that keeps nothing yet has no folder. */
const whole = (path: string): Promise<string> => realpath(path).catch(() => path);

function isWithin(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside === "" || (inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside));
}
