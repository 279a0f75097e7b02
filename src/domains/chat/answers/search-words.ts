/** Which files of a large folder hold the words of a question: each word is searched for by itself, and how many a file holds counts. */
import type { Static } from "../../../contract/schema.ts";
import type { Tools } from "../../agents/contract.ts";
import { foundMax, Search } from "../../fs/contract.ts";

/** A question's first words say what it is about; each is one more walk through the folder. */
const wordsMax = 6;
/** Pages of all words together: a folder that takes more is not searched to its end, and that is told. */
const pagesMax = 24;
/** What is left of a word so that its other forms are found, too: `tomatoes` and `tomato`. */
const stemCharsMin = 4;
const endingChars = 2;

interface Searched {
  /** How many of the words each file holds. */
  readonly held: ReadonlyMap<string, number>;
  /** Every file was searched for every word. */
  readonly isWhole: boolean;
}

export async function searchWords(folder: string, asked: readonly string[], call: Tools["call"]): Promise<Searched> {
  const held = new Map<string, number>();
  const stems = [...new Set(asked.map(stemOf))];
  let pages = 0;
  let isWhole = stems.length <= wordsMax;
  for (const stem of stems.slice(0, wordsMax)) {
    const paths = new Set<string>();
    let afterPath: string | null = null;
    do {
      if (pages === pagesMax) return { held: counted(held, paths), isWhole: false };
      const page: Static<typeof Search.output> = await call(
        Search,
        { folder, words: stem, limit: foundMax, ...(afterPath === null ? {} : { afterPath }) },
        `Search the folder for ${stem}`,
      );
      pages += 1;
      for (const { path } of [...page.found, ...page.more]) paths.add(path);
      isWhole &&= page.skipped.length === 0;
      afterPath = page.nextAfterPath;
    } while (afterPath !== null);
    counted(held, paths);
  }
  return { held, isWhole };
}

function counted(held: Map<string, number>, paths: ReadonlySet<string>): Map<string, number> {
  for (const path of paths) held.set(path, (held.get(path) ?? 0) + 1);
  return held;
}

const stemOf = (word: string): string => word.slice(0, Math.max(stemCharsMin, word.length - endingChars));
