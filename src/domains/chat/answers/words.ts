/** The words of a text that say what it is about, in one form however they were written. */
import { isStopWord } from "../../text/contract.ts";

/** A longer run of letters is no word that anybody asks for. */
const wordCharsMax = 64;
/** Shorter ones are in every text. Numbers are not, and other scripts say much with two letters. */
const latinCharsMin = 3;
/** Scripts that put no spaces between words: each sign counts for itself. */
const word =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{N}\p{M}])+/gu;
const shortLatin = new RegExp(`^\\p{Script=Latin}{1,${latinCharsMin - 1}}$`, "u");

/** All words in order, without those that stand in every text. Accents do not count: who asks may leave them out. */
export function wordsOf(text: string): readonly string[] {
  const found: string[] = [];
  for (const [written] of text.normalize("NFKC").toLowerCase().matchAll(word)) {
    if (written.length > wordCharsMax || isStopWord(written)) continue;
    const plain = written.normalize("NFKD").replaceAll(/\p{Mn}/gu, "");
    if (plain !== "" && !shortLatin.test(plain)) found.push(plain);
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
