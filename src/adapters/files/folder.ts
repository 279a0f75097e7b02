/** The folder port on a real disk. How a path stays inside is in `place.ts`. */
import assert from "node:assert/strict";
import type { BigIntStats } from "node:fs";
import { lstat, rmdir, unlink } from "node:fs/promises";
import { isAbsolute } from "node:path";
import type {
  ChangeOptions,
  FileBytes,
  FileChange,
  FolderEntry,
  Folders,
  OpenFolder,
  ReadOptions,
  RemoveOptions,
  WriteOptions,
} from "../../domains/fs/port.ts";
import { FolderFault } from "../../domains/fs/port.ts";
import { errnoOf, faulting, unlessMissing } from "./faults.ts";
import type { Confinement, Place } from "./place.ts";
import { bestConfinement, inParent, openPlace } from "./place.ts";
import { replaceIn } from "./replace-file.ts";
import type { OpenedFile } from "./safe-file.ts";
import { digestOf, openRegular, readHead } from "./safe-file.ts";
import type { WalkLimits } from "./walk.ts";
import { createWalk, defaultWalkLimits, entryFrom } from "./walk.ts";

export interface FileFoldersOptions {
  /** Forces a confinement; by default the best this system gives. */
  readonly confinement?: Confinement;
  readonly walkLimits?: WalkLimits;
}

// A changed file is held twice in memory, before and after; nothing a person edits is larger.
const changedBytesMax = 64 * 1024 * 1024;

export function createFileFolders(options: FileFoldersOptions = {}): Folders {
  return {
    open: async (root, { signal, isWritable }) => {
      signal.throwIfAborted();
      if (!isAbsolute(root) || root.includes("\0")) {
        throw new FolderFault("outside-folder", `${JSON.stringify(root)} is not an absolute path`);
      }
      const confinement = options.confinement ?? (await bestConfinement());
      const opened = await faulting(root, () => openPlace(root, confinement));
      return openFolder(opened.place, {
        root: opened.root,
        confinement,
        isWritable,
        limits: options.walkLimits ?? defaultWalkLimits,
      });
    },
  };
}

interface FolderTraits {
  readonly root: string;
  readonly confinement: Confinement;
  readonly isWritable: boolean;
  readonly limits: WalkLimits;
}

function openFolder(place: Place, traits: FolderTraits): OpenFolder {
  const calls = createCalls();
  const change = (path: string, use: () => Promise<FileChange>): Promise<FileChange> =>
    calls.run(path, async () => {
      if (!traits.isWritable) throw new FolderFault("read-only", `${traits.root} was opened for reading`);
      return use();
    });
  return {
    root: traits.root,
    confinement: traits.confinement,
    walk: (options) =>
      createWalk(place, options, { limits: traits.limits, begun: calls.walkBegun, ended: calls.walkEnded }),
    readBytes: (path, options) => calls.run(path, () => readBytes(place, path, options)),
    stat: (path, signal) => calls.run(path, () => statEntry(place, path, signal)),
    writeBytes: (path, bytes, options) => change(path, () => writeBytes(place, { path, bytes }, options)),
    remove: (path, options) => change(path, () => removeFile(place, path, options)),
    [Symbol.asyncDispose]: async () => {
      await calls.finish();
      await place.close();
    },
  };
}

/**
 * Who is using the folder. A descriptor may only be closed when nobody uses its number any more: the system gives the
 * number to the next file opened, and a path through it would lead there.
 */
function createCalls() {
  const running = new Set<Promise<unknown>>();
  const walks = new Set<AsyncGenerator<FolderEntry>>();
  let isFinished = false;
  return {
    run: async <T>(path: string, use: () => Promise<T>): Promise<T> => {
      assert.ok(!isFinished, "the folder is closed");
      const call = faulting(path, use);
      running.add(call);
      try {
        return await call;
      } finally {
        running.delete(call);
      }
    },
    walkBegun: (walk: AsyncGenerator<FolderEntry>) => {
      assert.ok(!isFinished, "the folder is closed");
      walks.add(walk);
    },
    walkEnded: (walk: AsyncGenerator<FolderEntry>) => void walks.delete(walk),
    finish: async () => {
      isFinished = true;
      await Promise.allSettled([...walks].map((walk) => walk.return(undefined)));
      await Promise.allSettled(running);
    },
  };
}

async function statEntry(root: Place, path: string, signal: AbortSignal): Promise<FolderEntry | null> {
  signal.throwIfAborted();
  if (path === "") return entryFrom("", await lstat(root.at("."), { bigint: true }));
  try {
    return await inParent(root, { text: path }, async (parent, name) => {
      await parent.verify();
      const info = await lstatOrNull(parent.at(name));
      return info === null ? null : entryFrom(path, info);
    });
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null; // A folder on the way is missing.
    throw error;
  }
}

async function readBytes(root: Place, path: string, options: ReadOptions): Promise<FileBytes> {
  const check = () => options.signal.throwIfAborted();
  check();
  return inParent(root, { text: path }, async (parent, name) => {
    const file = await openRegular(parent, name);
    try {
      const bytes = await readHead(file, { sizeBytesMax: options.sizeBytesMax, check });
      const sizeBytes = Number(file.info.size);
      const isTruncated = sizeBytes > bytes.byteLength;
      const digest = isTruncated ? null : digestOf(bytes);
      return { path, bytes, sizeBytes, modifiedMs: Number(file.info.mtimeMs), isTruncated, digest };
    } finally {
      await file.handle.close();
    }
  });
}

async function writeBytes(
  root: Place,
  file: { readonly path: string; readonly bytes: Uint8Array },
  options: WriteOptions,
): Promise<FileChange> {
  const { path, bytes } = file;
  options.signal.throwIfAborted();
  const canMakeFolders = options.canMakeFolders === true && options.expectedDigest === null;
  return inParent(root, { text: path, canMakeFolders }, async (parent, name) => {
    const seen = await seeBeforeChange(parent, { name, path }, options);
    const beforeRename = async () => {
      options.signal.throwIfAborted();
      if (seen !== null) await assertStillThere(parent, name, seen);
    };
    await replaceIn(
      parent,
      { name, bytes },
      seen === null ? { isNew: true, beforeRename } : { ...traitsOf(seen), beforeRename },
    );
    return { before: seen?.bytes ?? null, digest: digestOf(bytes) };
  });
}

async function removeFile(root: Place, path: string, options: RemoveOptions): Promise<FileChange> {
  options.signal.throwIfAborted();
  const change = await inParent(root, { text: path }, async (parent, name): Promise<FileChange> => {
    const seen = await seeBeforeChange(parent, { name, path }, options);
    assert.ok(seen !== null, "a file with a digest exists");
    options.signal.throwIfAborted();
    await assertStillThere(parent, name, seen);
    await unlink(parent.at(name));
    await parent.sync();
    return { before: seen.bytes, digest: null };
  });
  await removeEmpty(root, path.split("/").slice(0, -1), options.emptyFoldersMax ?? 0);
  return change;
}

/** What says that a folder is in use, or gone already: it stays, and so do those above it. */
const inUse: ReadonlySet<string> = new Set(["ENOTEMPTY", "EEXIST", "ENOENT", "EBUSY", "EPERM", "EACCES"]);

async function removeEmpty(root: Place, folders: readonly string[], countMax: number): Promise<void> {
  if (folders.length === 0 || countMax === 0) return;
  try {
    await inParent(root, { text: folders.join("/") }, async (parent, name) => {
      await parent.verify();
      await rmdir(parent.at(name));
      await parent.sync();
    });
  } catch (error) {
    if (inUse.has(errnoOf(error))) return;
    throw error;
  }
  await removeEmpty(root, folders.slice(0, -1), countMax - 1);
}

interface SeenFile {
  readonly bytes: Uint8Array;
  readonly info: BigIntStats;
}

/** The file that is about to change, when it is the expected one; null when none is expected and none is there. */
async function seeBeforeChange(
  parent: Place,
  file: { readonly name: string; readonly path: string },
  options: ChangeOptions,
): Promise<SeenFile | null> {
  const shown = JSON.stringify(file.path);
  let opened: OpenedFile;
  try {
    opened = await openRegular(parent, file.name);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    if (options.expectedDigest === null) return null;
    throw new FolderFault("changed", `${shown} is gone; it was expected to exist`, { cause: error });
  }
  try {
    assertChangeable(opened, shown);
    if (options.expectedDigest === null) throw new FolderFault("changed", `${shown} exists; it was expected not to`);
    const check = () => options.signal.throwIfAborted();
    const bytes = await readHead(opened, { sizeBytesMax: changedBytesMax, check });
    if (digestOf(bytes) === options.expectedDigest) return { bytes, info: opened.info };
    throw new FolderFault("changed", `${shown} is not the expected version; read it again`);
  } finally {
    await opened.handle.close();
  }
}

function assertChangeable(file: OpenedFile, shown: string): void {
  if (file.info.nlink > 1n) {
    const detail = `${shown} has several hard links; a change would split them, and the others may lie outside`;
    throw new FolderFault("link-refused", detail);
  }
  if (file.info.size > changedBytesMax) throw new FolderFault("too-large", `${shown} is too large to be changed`);
}

/** Narrows the gap between looking and renaming to one system call; nothing portable closes it. */
async function assertStillThere(parent: Place, name: string, seen: SeenFile): Promise<void> {
  await parent.verify();
  const { ino, dev, size, mtimeNs, ctimeNs } = seen.info;
  const now = await lstatOrNull(parent.at(name));
  const isSame = now !== null && now.ino === ino && now.dev === dev && now.size === size;
  if (isSame && now.mtimeNs === mtimeNs && now.ctimeNs === ctimeNs) return;
  throw new FolderFault("changed", `${JSON.stringify(name)} was changed by somebody else just now`);
}

const lstatOrNull = (path: string): Promise<BigIntStats | null> => unlessMissing(lstat(path, { bigint: true }));

function traitsOf(seen: SeenFile) {
  // Set-user-id bits are dropped: the new bytes have not earned them.
  const mode = Number(seen.info.mode) & 0o777;
  return { mode, owner: { userId: Number(seen.info.uid), groupId: Number(seen.info.gid) } };
}
