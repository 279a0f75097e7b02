/** A journal on disk as its lines, oldest first: the rotated files beside the one that was named come before it. */
import { readdir } from "node:fs/promises";
import { basename, dirname, isAbsolute } from "node:path";
import { FolderFault } from "../../domains/fs/port.ts";
import { faulting } from "../files/faults.ts";
import { readLines } from "./lines.ts";
import { archivedPath, rotatedNumbers, rotatedPath } from "./names.ts";

export const journalFiles = {
  async *lines(path: string): AsyncGenerator<string> {
    // Relative to where the hub was started would be a surprise to whoever asks from elsewhere.
    if (!isAbsolute(path)) throw new FolderFault("outside-folder", `${JSON.stringify(path)} is not an absolute path`);
    const names = await faulting(path, () => readdir(dirname(path)));
    for (const number of rotatedNumbers(path, names).toReversed()) {
      const plain = rotatedPath(path, number);
      yield* readLines(names.includes(basename(plain)) ? plain : archivedPath(path, number));
    }
    yield* readLines(path);
  },
};
