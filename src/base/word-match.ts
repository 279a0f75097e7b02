/**
 * Finds lines by words: all of them, in any order and in any case. `"two words"` is one, and `*` in a word stands for any
 * characters. No pattern goes back over what it has read, so the time is that of the text's length.
 */
export interface WordMatcher {
  readonly words: number;
  /** Where the first word begins in this line; -1 where a word is missing. */
  find(line: string): number;
}

/** More words than this narrow nothing any more. */
export const wordsMax = 16;

export function wordMatcher(text: string): WordMatcher {
  const words = [...text.toLowerCase().matchAll(/"([^"]*)"?|[^\s"]+/g)]
    .map(([whole, quoted]) => (quoted ?? whole).split("*").filter((part) => part !== ""))
    .filter((parts) => parts.length > 0)
    .slice(0, wordsMax);
  return {
    words: words.length,
    find(line) {
      if (words.length === 0) return -1;
      const low = line.toLowerCase();
      let first = low.length;
      for (const parts of words) {
        const at = findParts(low, parts);
        if (at < 0) return -1;
        first = Math.min(first, at);
      }
      return first;
    },
  };
}

/** The earliest place of each part behind the one before: if that leads nowhere, nothing does. */
function findParts(line: string, parts: readonly string[]): number {
  let begin = -1;
  let from = 0;
  for (const part of parts) {
    const at = line.indexOf(part, from);
    if (at < 0) return -1;
    if (begin < 0) begin = at;
    from = at + part.length;
  }
  return begin;
}
