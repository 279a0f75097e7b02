/** The blob store on disk: one file for each content, named after its hash, below a folder of the name's first two digits. */
import { constants } from "node:fs";
import { chmod, lstat, open, opendir, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FolderFault } from "../../domains/fs/port.ts";
import type { BlobStore } from "../../kernel/ports.ts";
import { type BlobPacking, plainPacking } from "./blob-packing.ts";
import { faulting, unlessMissing } from "./faults.ts";
import { type FileCalls, fileCalls, isTemporaryName, putAside } from "./file-calls.ts";
import { replaceFile, syncFolderAt } from "./replace-file.ts";
import { digestOf } from "./safe-file.ts";
import type { Damage } from "./state-file.ts";

export interface FileBlobsOptions {
  /** Absolute. Made when the first blob is put; nothing else may write here. */
  readonly folder: string;
  readonly sizeBytesMaxEach: number;
  /** Told of a blob that is not what its name says. */
  readonly report?: (damage: Damage) => void;
  readonly nowMs?: () => number;
  /** As it is, unless the state is encrypted. */
  readonly packing?: BlobPacking;
  /** The disk's own unless a test stands in. */
  readonly calls?: FileCalls;
}

const refPattern = /^sha256:[0-9a-f]{64}$/;
const hexPattern = /^[0-9a-f]{64}$/;
const shardPattern = /^[0-9a-f]{2}$/;
/** Blobs, and what a write leaves that is cut off. */
const keptPattern = /^(?:[0-9a-f]{64}|\.arw-[0-9a-f]{24}\.tmp)$/;
const leftAgeMs = 86_400_000;
// Blobs hold what people and models wrote; they are for the owner alone.
const fileMode = 0o600;
const folderMode = 0o700;
const noFollow = constants.O_NOFOLLOW ?? 0; // Windows has none.

export function createFileBlobs(options: FileBlobsOptions): BlobStore {
  const { folder, sizeBytesMaxEach, calls = fileCalls, nowMs = Date.now, packing = plainPacking } = options;
  /** Null for a text that is no reference: such a blob does not exist, and such a path must not either. */
  const pathOf = (ref: string): string | null => {
    if (!refPattern.test(ref)) return null;
    const name = packing.nameOf(ref);
    return join(folder, name.slice(0, 2), name);
  };
  /** Folders whose names this process made durable, or found so; forgotten when anything fails. */
  const durable = new Set<string>();
  const ensureFolder = async (path: string): Promise<void> => {
    if (durable.has(path)) return;
    await makeFolder(path, calls);
    durable.add(path);
  };
  const putAt = async (path: string, bytes: Uint8Array): Promise<void> => {
    try {
      await ensureFolder(folder);
      await ensureFolder(dirname(path));
      // Whoever put it before may have been cut off before its name was durable, and this caller is told that it is.
      if (await touched(path, bytes.byteLength)) await syncFolderAt(dirname(path), calls);
      else await replaceFile(path, bytes, { mode: fileMode, calls });
    } catch (error) {
      durable.clear();
      throw error;
    }
  };
  return {
    put: async (bytes) => {
      assertSize(bytes.byteLength, sizeBytesMaxEach);
      const ref = digestOf(bytes);
      const path = pathOf(ref);
      if (path === null) throw new RangeError("A digest is a reference.");
      await faulting(ref, () => putAt(path, packing.pack(ref, bytes)));
      return ref;
    },
    get: async (ref) => {
      const path = pathOf(ref);
      if (path === null) return null;
      const file = await faulting(ref, () => readWhole(path, packing.fileBytes(sizeBytesMaxEach)));
      if (file === null) return null;
      const bytes = packing.unpack(ref, file);
      if (bytes !== null && digestOf(bytes) === ref) return bytes;
      // Kept for whoever looks into the damage; the name is free again, so that a `put` heals the store.
      const keptAs = await faulting(ref, () => unlessMissing(putAside(calls, path, { nowMs: nowMs(), isKept: false })));
      if (keptAs !== null) options.report?.({ path, keptAs, instead: "nothing" });
      return null;
    },
    has: async (ref) => {
      const path = pathOf(ref);
      return path !== null && (await faulting(ref, () => sizeOf(path))) !== null;
    },
    remove: async (ref) => {
      const path = pathOf(ref);
      if (path !== null) await faulting(ref, () => unlessMissing(calls.unlink(path)));
    },
    list: () => list(folder, { calls, nowMs, packing }),
  };
}

function assertSize(sizeBytes: number, sizeBytesMax: number): void {
  if (sizeBytes <= sizeBytesMax) return;
  throw new FolderFault("too-large", `a blob of ${sizeBytes} bytes; the limit is ${sizeBytesMax}`);
}

/** Whether the blob is there; if so it counts as used now, which keeps it from a sweep by age. */
async function touched(path: string, sizeBytes: number): Promise<boolean> {
  // A blob of another size was damaged, and is written anew.
  if ((await sizeOf(path)) !== sizeBytes) return false;
  const now = new Date();
  return (await unlessMissing(utimes(path, now, now).then(() => true))) ?? false;
}

async function sizeOf(path: string): Promise<number | null> {
  const info = await unlessMissing(lstat(path));
  return info?.isFile() === true ? info.size : null;
}

async function readWhole(path: string, sizeBytesMax: number): Promise<Uint8Array | null> {
  const handle = await unlessMissing(open(path, constants.O_RDONLY | noFollow));
  if (handle === null) return null;
  try {
    // A limit lowered since is not damage; the blob stays and the reader is told.
    assertSize((await handle.stat()).size, sizeBytesMax);
    const { buffer, byteOffset, byteLength } = await handle.readFile();
    return new Uint8Array(buffer, byteOffset, byteLength);
  } finally {
    await handle.close();
  }
}

async function makeFolder(path: string, calls: FileCalls): Promise<void> {
  const first = await calls.mkdir(path, { recursive: true, mode: folderMode });
  // The umask may only take away, but a default ACL may add.
  if (first !== undefined) await chmod(path, folderMode);
  await syncFolderAt(dirname(path), calls);
  if (first !== undefined && first !== path) await syncFolderAt(dirname(first), calls);
}

/** Also takes away what a write that was cut off left a day ago: no write takes so long. */
async function* list(folder: string, { calls, nowMs, packing }: Means): ReturnType<BlobStore["list"]> {
  for await (const shard of namesIn(folder, shardPattern)) {
    for await (const name of namesIn(join(folder, shard), keptPattern)) {
      const path = join(folder, shard, name);
      const info = await unlessMissing(lstat(path));
      if (info?.isFile() !== true) continue;
      const isBlob = hexPattern.test(name) && name.startsWith(shard);
      const told = isBlob ? packing.told(name, await headOf(path, packing.headBytes), info.size) : null;
      if (told !== null) yield { ...told, modifiedMs: Math.floor(info.mtimeMs) };
      else if (isTemporaryName(name) && nowMs() - info.mtimeMs > leftAgeMs) await unlessMissing(calls.unlink(path));
    }
  }
}

interface Means {
  readonly calls: FileCalls;
  readonly nowMs: () => number;
  readonly packing: BlobPacking;
}

const noBytes = new Uint8Array();

/** As far as the file goes; nothing of one that is gone by now. */
async function headOf(path: string, sizeBytes: number): Promise<Uint8Array> {
  if (sizeBytes === 0) return noBytes;
  const handle = await unlessMissing(open(path, constants.O_RDONLY | noFollow));
  if (handle === null) return noBytes;
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(sizeBytes), 0, sizeBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function* namesIn(folder: string, pattern: RegExp): AsyncGenerator<string> {
  const names = await unlessMissing(opendir(folder));
  if (names === null) return;
  for await (const { name } of names) if (pattern.test(name)) yield name;
}
