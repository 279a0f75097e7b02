/** Opening and reading regular files, and nothing else, in a place. */
import type { BigIntStats } from "node:fs";
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { lstat } from "node:fs/promises";
import type { EntryKind } from "../../domains/fs/port.ts";
import { FolderFault } from "../../domains/fs/port.ts";
import type { Place } from "./place.ts";

export interface OpenedFile {
  readonly handle: FileHandle;
  readonly info: BigIntStats;
}

// One read call: large enough to be fast, small enough that an abort is noticed between two.
const chunkBytes = 1024 * 1024;

/**
 * Opens for reading. Asked for its kind first, so that a device is not even opened, which can already act on it; asked
 * again on the handle, because the name may have changed hands in between.
 */
export async function openRegular(place: Place, name: string): Promise<OpenedFile> {
  await place.verify();
  assertRegular(await lstat(place.at(name), { bigint: true }), name);
  const handle = await place.open(name, constants.O_RDONLY);
  try {
    const info = await handle.stat({ bigint: true });
    assertRegular(info, name);
    return { handle, info };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function assertRegular(info: BigIntStats, name: string): void {
  const kind = kindOf(info);
  const shown = JSON.stringify(name);
  if (kind === "link") throw new FolderFault("link-refused", `${shown} is a link; links are not followed`);
  if (kind === "folder") throw new FolderFault("not-a-file", `${shown} is a folder`);
  if (kind === "other") throw new FolderFault("device-refused", `${shown} is a device, pipe or socket`);
}

export function kindOf(info: BigIntStats): EntryKind {
  if (info.isFile()) return "file";
  if (info.isDirectory()) return "folder";
  return info.isSymbolicLink() ? "link" : "other";
}

/** The first `sizeBytesMax` bytes, as far as the file had them when it was opened. */
export async function readHead(
  file: OpenedFile,
  options: { readonly sizeBytesMax: number; readonly check: () => void },
): Promise<Uint8Array> {
  const wantedBytes = Math.min(Number(file.info.size), options.sizeBytesMax);
  const bytes = new Uint8Array(wantedBytes);
  let filled = 0;
  while (filled < wantedBytes) {
    options.check();
    const length = Math.min(chunkBytes, wantedBytes - filled);
    const { bytesRead } = await file.handle.read(bytes, { offset: filled, length, position: filled });
    if (bytesRead === 0) break; // Shortened meanwhile.
    filled += bytesRead;
  }
  return filled === wantedBytes ? bytes : bytes.slice(0, filled);
}

export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
