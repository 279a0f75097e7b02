/** A journal on disk as its lines, oldest first: the rotated files beside the one that was named come before it. */
import { readdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { faulting } from "../files/faults.ts";
import { readLines } from "./lines.ts";
import { archivedPath, rotatedNumbers, rotatedPath } from "./names.ts";

export const journalFiles = {
  async *lines(path: string): AsyncGenerator<string> {
    const names = await faulting(path, () => readdir(dirname(path)));
    for (const number of rotatedNumbers(path, names).toReversed()) {
      const plain = rotatedPath(path, number);
      yield* readLines(names.includes(basename(plain)) ? plain : archivedPath(path, number));
    }
    yield* readLines(path);
  },
};
