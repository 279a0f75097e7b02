/**
 * A place is an open folder in which single names are looked up, never paths: the step of which confinement is made.
 *
 * Linux has no `openat` in Node, but `/proc/self/fd/<n>/<name>` is one: the kernel starts at the open descriptor, whatever
 * happened to the names above it, and `O_NOFOLLOW` refuses the one name that is left. Elsewhere every step is checked
 * before and after, by link-free real path and by device and inode; that stops accidents and most attackers, but not
 * one who swaps folders at the right moment twice.
 */
import type { FileHandle } from "node:fs/promises";
import { constants } from "node:fs";
import { access, lstat, open, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FolderFault } from "../../domains/fs/port.ts";
import { errnoOf } from "./faults.ts";
import { type FileCalls, fileCalls } from "./file-calls.ts";
import { pathPlatform, stepsOf } from "./path-steps.ts";

export type Confinement = "descriptors" | "checked";

export interface Place {
  /** What changes names in this folder goes through these. */
  readonly calls: FileCalls;
  /** Opens the folder itself. */
  readonly self: string;
  /** The path under which the system finds `name` in this folder. Valid until `close`. */
  at(name: string): string;
  /** Throws when this place is no longer where it was entered; needed before a call that works on `at(name)`. */
  verify(): Promise<void>;
  enter(name: string): Promise<Place>;
  /** Never follows a link, never waits for the other end of a pipe, never takes a terminal. */
  open(name: string, flags: number, mode?: number): Promise<FileHandle>;
  /** Makes renames and new names in this folder durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

// Windows has none of these; there a link is found by the check after opening.
const knownFlags: Partial<typeof constants> = constants;
const { O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0, O_DIRECTORY = 0 } = knownFlags;
const { O_RDONLY } = constants;
const safeFlags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

// A file system that cannot sync a folder says so with one of these; there the rename is as durable as it gets.
export const unsyncable: ReadonlySet<string> = new Set(["EINVAL", "ENOTSUP", "EISDIR", "EPERM", "EBADF"]);

/** The best confinement this system gives: containers without `/proc` exist on Linux too. */
export async function bestConfinement(): Promise<Confinement> {
  if (process.platform !== "linux") return "checked";
  try {
    const handle = await open("/", O_RDONLY | O_DIRECTORY);
    try {
      return (await realpath(`/proc/self/fd/${handle.fd}`)) === "/" ? "descriptors" : "checked";
    } finally {
      await handle.close();
    }
  } catch {
    return "checked";
  }
}

/** Opens a folder by its absolute path; `root` is that path with all links resolved. */
export async function openPlace(
  path: string,
  confinement: Confinement,
  calls: FileCalls = fileCalls,
): Promise<{ place: Place; root: string }> {
  const root = await realpath(path);
  if (confinement === "checked") return { place: await checkedPlace(root, calls), root };
  return { place: descriptorPlace(await calls.open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), calls), root };
}

function descriptorPlace(folder: FileHandle, calls: FileCalls): Place {
  const self = `/proc/self/fd/${folder.fd}`;
  const at = (name: string) => `${self}/${name}`;
  return {
    calls,
    self,
    at,
    verify: async () => {},
    enter: async (name) => {
      try {
        return descriptorPlace(await calls.open(at(name), O_RDONLY | O_DIRECTORY | safeFlags), calls);
      } catch (error) {
        // The kernel says "not a directory" of a link too; what is a folder by now was a link then.
        if (errnoOf(error) === "ENOTDIR" && !(await lstat(at(name))).isFile()) throw linkRefused(name);
        throw error;
      }
    },
    open: (name, flags, mode) => calls.open(at(name), flags | safeFlags, mode),
    sync: () => syncFolder(folder),
    close: () => folder.close(),
  };
}

async function checkedPlace(path: string, calls: FileCalls): Promise<Place> {
  const entered = await lstat(path, { bigint: true });
  if (!entered.isDirectory()) throw new FolderFault("not-a-file", `${JSON.stringify(path)} is not a folder`);
  const at = (name: string) => join(path, name);
  const verify = async () => {
    const now = await lstat(path, { bigint: true });
    if ((await realpath(path)) !== path || now.ino !== entered.ino || now.dev !== entered.dev) throw linkRefused(path);
  };
  return {
    calls,
    self: path,
    at,
    verify,
    enter: async (name) => {
      await verify();
      const info = await lstat(at(name));
      if (info.isSymbolicLink()) throw linkRefused(name);
      if (!info.isDirectory()) throw new FolderFault("not-a-file", `${JSON.stringify(name)} is not a folder`);
      const real = await realpath(at(name));
      // Only the folder above is compared: a disk that ignores case may spell the name itself differently.
      if (dirname(real) !== path) throw linkRefused(name);
      // Where descriptors are used, opening a folder asks for these.
      await access(real, constants.R_OK | constants.X_OK);
      return checkedPlace(real, calls);
    },
    open: async (name, flags, mode) => {
      await verify();
      const handle = await calls.open(at(name), flags | safeFlags, mode);
      try {
        await verify();
        const [opened, named] = [await handle.stat({ bigint: true }), await lstat(at(name), { bigint: true })];
        if (opened.ino !== named.ino || opened.dev !== named.dev) throw linkRefused(name);
        return handle;
      } catch (error) {
        await handle.close();
        throw error;
      }
    },
    sync: async () => {
      if (process.platform === "win32") return; // Windows opens no folder for syncing.
      const folder = await calls.open(path, O_RDONLY | O_NOFOLLOW);
      try {
        await syncFolder(folder);
      } finally {
        await folder.close();
      }
    },
    close: async () => {},
  };
}

async function syncFolder(folder: FileHandle): Promise<void> {
  try {
    await folder.sync();
  } catch (error) {
    if (!unsyncable.has(errnoOf(error))) throw error;
  }
}

const linkRefused = (name: string) =>
  new FolderFault("link-refused", `${JSON.stringify(name)} is a link or was swapped for one; links are not followed`);

/** Runs `use` in the folder that holds the last name of `path`; everything opened on the way is closed again. */
export async function inParent<T>(
  root: Place,
  path: { readonly text: string; readonly canMakeFolders?: boolean },
  use: (parent: Place, name: string) => Promise<T>,
): Promise<T> {
  const { folders, name } = stepsOf(path.text, pathPlatform());
  let place = root;
  try {
    for (const step of folders) {
      const next = await (path.canMakeFolders === true ? enterOrMake(place, step) : place.enter(step));
      if (place !== root) await place.close();
      place = next;
    }
    return await use(place, name);
  } finally {
    if (place !== root) await place.close();
  }
}

async function enterOrMake(place: Place, name: string): Promise<Place> {
  try {
    return await place.enter(name);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  try {
    await place.calls.mkdir(place.at(name), { recursive: false, mode: 0o777 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
  await place.sync();
  return place.enter(name);
}
