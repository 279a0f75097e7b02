/**
 * Ranks passages by what was asked for: BM25 with its usual constants, over passages that each file's own words made. The
 * same passages give the same order, ties by path and line.
 */
import type { Passage } from "./passages.ts";
import { isSameWord, wordsOf } from "./words.ts";

/** How soon more of a word says no more, and how much a long passage is held back (Robertson and Zaragoza, 2009). */
const saturation = 1.2;
const lengthWeight = 0.75;
/** A word in the heading or the file's name says what a passage is about, and less than the passage itself. */
const placeWeight = 0.5;
/** A heading by itself tells little; what stands under it is found by it. */
const headingWeight = 0.3;
const isHeading = (text: string): boolean => /^ {0,3}#{1,6}[ \t]/.test(text) && !text.includes("\n");
/** A passage without so much of what was asked, by weight of the words or by half of them, is no answer. */
const coverageMin = 0.34;
const halfMin = 0.5;
/** A passage that fits so much worse than the best one is left out. */
const besideBest = 0.5;

export interface Placed extends Passage {
  readonly path: string;
  readonly digest: string;
}

export interface Ranked extends Placed {
  readonly score: number;
}

interface Counted {
  readonly passage: Placed;
  readonly lengthWords: number;
  /** How often each word that was asked for occurs. */
  readonly counts: readonly number[];
}

export interface Index {
  add(passage: Placed): void;
  /** The best passages, best first, at most `limit`. Empty when nothing fits. */
  best(limit: number): readonly Ranked[];
}

export function createIndex(asked: readonly string[]): Index {
  const terms = [...new Set(asked)];
  const counted: Counted[] = [];
  const kin = createKin(terms);
  let lengthSum = 0;
  let total = 0;
  return {
    add(passage) {
      total += 1;
      const words = wordsOf(passage.text);
      lengthSum += words.length;
      const counts = terms.map(() => 0);
      const note = (word: string, weight: number): void => {
        for (const term of kin(word)) counts[term] = (counts[term] ?? 0) + weight;
      };
      for (const word of words) note(word, 1);
      if (counts.some((count) => count > 0) || terms.length > 1)
        for (const word of wordsOf(`${passage.heading} ${passage.path}`)) note(word, placeWeight);
      // The name of the file alone says nothing.
      const said = [...words, ...wordsOf(passage.heading)];
      if (said.some((word) => kin(word).length > 0)) counted.push({ passage, lengthWords: words.length, counts });
    },
    best(limit) {
      const rarities = terms.map((_term, term) =>
        rarityOf(counted.filter(({ counts }) => (counts[term] ?? 0) > 0).length, total),
      );
      const whole = rarities.reduce((sum, each) => sum + each, 0);
      const lengthMean = lengthSum / Math.max(1, total);
      const ranked = counted
        .filter(
          ({ counts }) =>
            weightOf(counts, rarities) >= coverageMin * whole ||
            counts.filter((count) => count > 0).length >= halfMin * terms.length,
        )
        .map((each) => ({ ...each.passage, score: scoreOf(each, rarities, lengthMean) }))
        .toSorted(inOrder);
      const least = (ranked[0]?.score ?? 0) * besideBest;
      return distinct(ranked.filter(({ score }) => score >= least)).slice(0, limit);
    },
  };
}

/** Which of the words that were asked for a word is a form of. Each distinct word is compared once. */
function createKin(terms: readonly string[]): (word: string) => readonly number[] {
  const known = new Map<string, readonly number[]>();
  return (word) => {
    const found = known.get(word);
    if (found !== undefined) return found;
    const same = terms.flatMap((term, place) => (isSameWord(term, word) ? [place] : []));
    if (known.size < vocabularyMax) known.set(word, same);
    return same;
  };
}

/** Distinct words that are remembered; more are compared again. */
const vocabularyMax = 200_000;

const rarityOf = (holders: number, total: number): number => Math.log(1 + (total - holders + 0.5) / (holders + 0.5));

const weightOf = (counts: readonly number[], rarities: readonly number[]): number =>
  rarities.reduce((sum, rarity, term) => sum + ((counts[term] ?? 0) > 0 ? rarity : 0), 0);

function scoreOf({ passage, counts, lengthWords }: Counted, rarities: readonly number[], lengthMean: number): number {
  const length = 1 - lengthWeight + (lengthWeight * lengthWords) / Math.max(1, lengthMean);
  const score = rarities.reduce((sum, rarity, term) => {
    const count = counts[term] ?? 0;
    return sum + (rarity * count * (saturation + 1)) / (count + saturation * length);
  }, 0);
  return isHeading(passage.text) ? headingWeight * score : score;
}

function inOrder(a: Ranked, b: Ranked): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.line - b.line;
}

/** Copies of one passage are told once, from the first place. */
function distinct(ranked: readonly Ranked[]): readonly Ranked[] {
  const seen = new Set<string>();
  return ranked.filter(({ text }) => {
    const even = text.replaceAll(/\s+/g, " ").trim();
    if (seen.has(even)) return false;
    seen.add(even);
    return true;
  });
}
