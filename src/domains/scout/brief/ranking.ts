import type { Place } from "./findings.ts";

/** Keeps the `limit` first entries of a total order, however many are offered and in whatever order they come. */
export type Ranking<Entry> = { offer(entry: Entry): void; first(): Entry[]; readonly count: number };

export function createRanking<Entry>(limit: number, compare: (a: Entry, b: Entry) => number): Ranking<Entry> {
  let entries: Entry[] = [];
  let count = 0;
  return {
    offer(entry) {
      count++;
      entries.push(entry);
      // Sorting only when twice full costs less than keeping order, and bounds the memory all the same.
      if (entries.length >= limit * 2 + 16) entries = entries.toSorted(compare).slice(0, limit);
    },
    first: () => entries.toSorted(compare).slice(0, limit),
    get count() {
      return count;
    },
  };
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Files near the top of the folder first: they were put there to be seen. */
export function comparePath(a: string, b: string): number {
  return depthOf(a) - depthOf(b) || compareText(a, b);
}

export function comparePlace(a: Place, b: Place): number {
  return comparePath(a.path, b.path) || a.line - b.line;
}

export function depthOf(path: string): number {
  let depth = 0;
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) depth++;
  return depth;
}
