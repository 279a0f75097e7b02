/** Whole files, replaced or not at all: the one way in which a file is written. */
import { constants } from "node:fs";
import { lstat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { FolderFault } from "../../domains/fs/port.ts";
import { errnoOf, faulting, unlessMissing } from "./faults.ts";
import { type FileCalls, fileCalls, temporaryName, writeAll } from "./file-calls.ts";
import type { Place } from "./place.ts";
import { bestConfinement, openPlace } from "./place.ts";

export interface ReplaceOptions {
  /** Permission bits, whatever the umask says. Without it a new file gets what the umask leaves of 0666. */
  readonly mode?: number;
  /** The disk's own unless a test stands in. */
  readonly calls?: FileCalls;
}

export interface ReplaceInOptions extends Omit<ReplaceOptions, "calls"> {
  /** The name must be free, also at the very moment of the replacement. */
  readonly isNew?: boolean;
  /** Given to the file where permission allows. */
  readonly owner?: { readonly userId: number; readonly groupId: number };
  /** Runs when the bytes are on disk and the name still shows the old file: the last moment to throw. */
  beforeRename?(): Promise<void>;
}

/**
 * Writes a temporary file beside `path`, makes it durable, renames it over `path` and makes the name durable. After a
 * crash there is the old file or the new one, whole. Throws a `FolderFault`; `disk-full` leaves nothing behind.
 */
export async function replaceFile(path: string, bytes: Uint8Array, options: ReplaceOptions = {}): Promise<void> {
  await faulting(path, async () => {
    const { place } = await openPlace(dirname(path), await bestConfinement(), options.calls);
    try {
      await replaceIn(place, { name: basename(path), bytes }, options);
    } finally {
      await place.close();
    }
  });
}

/** Makes new names in a folder durable, as far as its file system can. */
export async function syncFolderAt(path: string, calls: FileCalls = fileCalls): Promise<void> {
  const { place } = await openPlace(path, await bestConfinement(), calls);
  try {
    await place.sync();
  } finally {
    await place.close();
  }
}

/** `replaceFile` in an open place, where no race can lead the write elsewhere. */
export async function replaceIn(
  place: Place,
  file: { readonly name: string; readonly bytes: Uint8Array },
  options: ReplaceInOptions,
): Promise<void> {
  const temporary = temporaryName();
  try {
    await writeTemporary(place, { name: temporary, bytes: file.bytes }, options);
    await options.beforeRename?.();
    await place.verify();
    if (options.isNew === true) await renameToFree(place, temporary, file.name);
    else await place.calls.rename(place.at(temporary), place.at(file.name));
  } catch (error) {
    await removeTemporary(place, temporary);
    throw error;
  }
  await place.sync();
}

async function writeTemporary(
  place: Place,
  file: { readonly name: string; readonly bytes: Uint8Array },
  options: ReplaceInOptions,
): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  const handle = await place.open(file.name, flags, options.mode ?? 0o666);
  try {
    await writeAll(handle, file.bytes);
    if (options.owner !== undefined) {
      await handle.chown(options.owner.userId, options.owner.groupId).catch((error: unknown) => {
        if (errnoOf(error) !== "EPERM") throw error;
      });
    }
    // After chown, which clears bits.
    if (options.mode !== undefined) await handle.chmod(options.mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `rename` replaces silently and `link` does not, so a new name is linked where the file system can. */
async function renameToFree(place: Place, temporary: string, name: string): Promise<void> {
  try {
    await place.calls.link(place.at(temporary), place.at(name));
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(errnoOf(error))) throw error;
    if (await exists(place, name)) throw new FolderFault("changed", `${JSON.stringify(name)} exists by now`);
    await place.calls.rename(place.at(temporary), place.at(name));
    return;
  }
  await place.calls.unlink(place.at(temporary));
}

const exists = async (place: Place, name: string): Promise<boolean> =>
  (await unlessMissing(lstat(place.at(name)))) !== null;

async function removeTemporary(place: Place, name: string): Promise<void> {
  // What made the write fail is what the caller must hear, so trouble here stays silent; a walk hides the name.
  await place.calls.unlink(place.at(name)).catch(() => {});
}
