/** The words of a text that say what it is about, in one form however they were written. */
import { isStopWord } from "../../text/contract.ts";

/** A longer run of letters is no word that anybody asks for. */
const wordCharsMax = 64;
/** Scripts that put no spaces between words: each sign counts for itself. */
const word = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}\p{M}]+/gu;
const sign = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
const letters = /[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+/gu;

/** All words in order, without those that stand in every text. Accents do not count: who asks may leave them out. */
export function wordsOf(text: string): readonly string[] {
  const found: string[] = [];
  const even = text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/\p{Mn}/gu, "");
  for (const [run] of even.matchAll(word)) {
    // A run of letters may still hold signs where scripts meet.
    const parts = run.length > 1 && sign.test(run) ? [...run.matchAll(letters)].map(([part]) => part) : [run];
    for (const part of parts) {
      const isWord = part.length <= wordCharsMax && (part.length > 1 || sign.test(part) || /\d/.test(part));
      if (isWord && !isStopWord(part)) found.push(part);
    }
  }
  return found;
}

/** Letters that two forms of a word share at least, and how much longer one may be: `tomato`, `tomatoes`. */
const sharedMin = 4;
const longerMax = 3;

/** True for forms of one word, as far as endings tell. */
export function isSameWord(one: string, other: string): boolean {
  if (one === other) return true;
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  if (short.length < sharedMin || long.length - short.length > longerMax) return false;
  return long.startsWith(short) || (short.endsWith("y") && long.startsWith(`${short.slice(0, -1)}ie`));
}
