import { outlineLimits, type CentralSentence } from "./outline-schema.ts";
import type { Sentence } from "./sentences.ts";
import { sentenceText } from "./sentences.ts";
import type { Words } from "./words.ts";

/**
 * Picks the sentences that stand in the middle of what a file talks about. First every sentence is scored by how often
 * its words occur in the file; the best `poolSize` then vote for each other by the words they share (LexRank). The first
 * step is linear, the second bounded, so a file of any length costs in proportion to its length.
 */
export type SentencePool = {
  offer(sentence: Sentence, from: number, to: number): void;
  best(text: string): CentralSentence[];
};

const poolSize = 40;
const wordsMin = 6;
const wordsMax = 45;
const sentenceTextMax = 240;
const termsPerSentenceMax = 14;
const rounds = 24;
const damping = 0.85;
/** Two sentences with more than this share of words in common say the same; only the first is kept. */
const sameShare = 0.6;

type Candidate = { readonly sentence: Sentence; readonly score: number; readonly terms: readonly number[] };

export function createSentencePool(words: Words): SentencePool {
  const weights = termWeights(words);
  const stamps = new Int32Array(words.entryCount);
  let stamp = 0;
  let pool: Candidate[] = [];
  let scoreMin = 0;
  return {
    offer(sentence, from, to) {
      const count = to - from;
      if (count < wordsMin || count > wordsMax) return;
      stamp++;
      let sum = 0;
      const terms: number[] = [];
      for (let at = from; at < to; at++) {
        const entry = words.entries[at] ?? -1;
        if (entry === -1 || stamps[entry] === stamp) continue;
        stamps[entry] = stamp;
        const weight = weights[entry] ?? 0;
        if (weight > 0) terms.push(entry);
        sum += weight;
      }
      const score = sum / Math.sqrt(count + 8);
      if (terms.length < 3 || score <= scoreMin) return;
      pool.push({ sentence, score, terms });
      if (pool.length < poolSize * 2) return;
      pool = strongest(pool);
      scoreMin = pool[pool.length - 1]?.score ?? 0;
    },
    best: (text) => central(strongest(pool), words, text),
  };
}

function strongest(pool: readonly Candidate[]): Candidate[] {
  return pool.toSorted((a, b) => b.score - a.score || a.sentence.start - b.sentence.start).slice(0, poolSize);
}

function termWeights(words: Words): Float64Array {
  const weights = new Float64Array(words.entryCount);
  for (let entry = 0; entry < words.entryCount; entry++) {
    if (words.isTerm(entry)) weights[entry] = Math.log2(1 + (words.entryUses[entry] ?? 0));
  }
  return weights;
}

function central(pool: readonly Candidate[], words: Words, text: string): CentralSentence[] {
  const ranks = rank(pool);
  const order = pool.map((_, index) => index).toSorted((a, b) => (ranks[b] ?? 0) - (ranks[a] ?? 0) || a - b);
  const rankMax = ranks[order[0] ?? 0] ?? 1;
  const kept: number[] = [];
  for (const index of order) {
    if (kept.length === outlineLimits.sentences) break;
    if (kept.every((other) => likeness(pool[index], pool[other]) < sameShare)) kept.push(index);
  }
  return kept.map((index) => {
    const { sentence, terms } = pool[index] as Candidate; // `order` holds indexes of `pool` only.
    return {
      line: sentence.line,
      text: sentenceText(text, sentence, sentenceTextMax),
      weight: Math.round(((ranks[index] ?? 0) / rankMax) * 1000) / 1000,
      terms: terms.slice(0, termsPerSentenceMax).map((entry) => words.word(entry)),
    };
  });
}

function rank(pool: readonly Candidate[]): Float64Array {
  const size = pool.length;
  const links = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < row; column++) {
      const strength = likeness(pool[row], pool[column]);
      links[row * size + column] = strength;
      links[column * size + row] = strength;
    }
  }
  return powerIteration(links, size);
}

/** Stationary ranks of a walk over symmetric links: the more a sentence shares with well-linked ones, the higher. */
function powerIteration(links: Float64Array, size: number): Float64Array {
  const sums = new Float64Array(size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) sums[row] = (sums[row] ?? 0) + (links[row * size + column] ?? 0);
  let ranks = new Float64Array(size).fill(1 / size);
  for (let round = 0; round < rounds; round++) {
    const next = new Float64Array(size).fill((1 - damping) / size);
    for (let row = 0; row < size; row++) {
      const share = (sums[row] ?? 0) > 0 ? (damping * (ranks[row] ?? 0)) / (sums[row] ?? 1) : 0;
      for (let column = 0; column < size; column++)
        next[column] = (next[column] ?? 0) + share * (links[row * size + column] ?? 0);
    }
    ranks = next;
  }
  return ranks;
}

function likeness(a: Candidate | undefined, b: Candidate | undefined): number {
  if (a === undefined || b === undefined) return 0;
  const seen = new Set(a.terms);
  let shared = 0;
  for (const entry of b.terms) if (seen.has(entry)) shared++;
  return shared / Math.sqrt(a.terms.length * b.terms.length);
}
