/** Moves a full file out of the way and keeps a number of them, gzipped. Every step may be the last before a crash. */
import { basename } from "node:path";
import type { TeeFiles } from "./files.ts";
import { archivedPath, rotatedNumbers, rotatedPath } from "./names.ts";

/** `path` becomes number 1, which others made room for; what is beyond `filesMax` goes. */
export async function rotate(files: TeeFiles, path: string, filesMax: number): Promise<void> {
  const names = new Set(await files.namesBeside(path));
  const numbers = rotatedNumbers(path, [...names]);
  const gap = numbers.findIndex((number, index) => number !== index + 1);
  const run = gap < 0 ? numbers : numbers.slice(0, gap);
  for (const number of run.toReversed()) {
    const isSurplus = number >= filesMax;
    for (const nameOf of [rotatedPath, archivedPath]) {
      const from = nameOf(path, number);
      if (!names.has(basename(from))) continue;
      await (isSurplus ? files.remove(from) : files.rename(from, nameOf(path, number + 1)));
    }
  }
  await files.rename(path, rotatedPath(path, 1));
}

/** Gzips what a rotation left plain, this time or before a crash, and drops what is beyond `filesMax`. */
export async function finishRotation(files: TeeFiles, path: string, filesMax: number): Promise<void> {
  const names = new Set(await files.namesBeside(path));
  for (const number of rotatedNumbers(path, [...names])) {
    const plain = rotatedPath(path, number);
    if (number > filesMax) {
      await files.remove(plain);
      await files.remove(archivedPath(path, number));
    } else if (names.has(basename(plain))) await files.compress(plain, archivedPath(path, number));
  }
}

/** Drops archives that were written before this moment, oldest first, and none behind one that is kept. */
export async function removeOlder(files: TeeFiles, path: string, beforeMs: number): Promise<void> {
  const numbers = rotatedNumbers(path, await files.namesBeside(path));
  for (const number of numbers.toReversed()) {
    const archived = archivedPath(path, number);
    const modifiedMs = await files.modifiedMs(archived);
    // Not there as an archive: it is still plain, and so young that nobody has put it away.
    if (modifiedMs === null || modifiedMs >= beforeMs) return;
    await files.remove(archived);
  }
}
