/** Finds any of many literal strings in one scan that skips most of the text (Wu and Manber, blocks of two units). */

export interface LiteralFinder {
  /** Every occurrence replaced, the longest literal at the leftmost place first; the same string when there is none. */
  replace(text: string, replacement: (literal: string) => string): string;
}

/** 14 bits: two ASCII units fit without a collision, and the table into the first-level cache. */
const tableSize = 2 ** 14;

/** Throws RangeError for literals shorter than `lengthMin`, or `lengthMin` outside 2..255. */
export function createLiteralFinder(literals: readonly string[], lengthMin: number): LiteralFinder {
  if (lengthMin < 2 || lengthMin > 255) throw new RangeError("lengthMin lies between 2 and 255.");
  // How far the window of `lengthMin` units may move when it ends in this block; 0 means that a literal may start here.
  const shifts = new Uint8Array(tableSize).fill(lengthMin - 1);
  const candidates = new Map<number, string[]>();
  for (const literal of new Set(literals)) {
    if (literal.length < lengthMin) throw new RangeError(`A literal is shorter than ${lengthMin} characters.`);
    for (let end = 1; end < lengthMin; end += 1) {
      const block = blockAt(literal, end);
      shifts[block] = Math.min(shifts[block] ?? 0, lengthMin - 1 - end);
    }
    const last = blockAt(literal, lengthMin - 1);
    candidates.set(last, [...(candidates.get(last) ?? []), literal]);
  }
  for (const list of candidates.values()) list.sort((a, b) => b.length - a.length);

  const matchAt = (text: string, start: number): string | undefined =>
    candidates.get(blockAt(text, start + lengthMin - 1))?.find((literal) => text.startsWith(literal, start));

  return {
    replace(text, replacement) {
      let result = "";
      let kept = 0;
      let end = lengthMin - 1;
      while (end < text.length) {
        const shift = shifts[blockAt(text, end)] ?? 0;
        if (shift > 0) {
          end += shift;
          continue;
        }
        const start = end - lengthMin + 1;
        const literal = matchAt(text, start);
        if (literal === undefined) {
          end += 1;
          continue;
        }
        result += text.slice(kept, start) + replacement(literal);
        kept = start + literal.length;
        end = kept + lengthMin - 1;
      }
      return kept === 0 ? text : result + text.slice(kept);
    },
  };
}

function blockAt(text: string, end: number): number {
  return ((text.charCodeAt(end - 1) << 7) ^ text.charCodeAt(end)) & (tableSize - 1);
}
