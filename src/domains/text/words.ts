import { createSketch } from "./sketch.ts";
import { isStopWord } from "./stop-words.ts";

/**
 * The words of a text in order, each as the number of an entry of the text's own vocabulary. Good until the next text is
 * read: the lists are used again.
 */
export type Words = {
  readonly count: number;
  /** Entry of each word; -1 once the vocabulary is full. */
  readonly entries: Int32Array;
  /** Where each word starts in the text. */
  readonly starts: Int32Array;
  readonly entryCount: number;
  readonly entryUses: Int32Array;
  /** The entry as written in lower case. */
  word(entry: number): string;
  /** Whether the entry says something about the subject: no stop word, 3 to 32 characters, not a number. */
  isTerm(entry: number): boolean;
  readonly sketch: readonly number[];
};

/** Distinct words kept per text. The rest are counted but not ranked: a text with more is a list, not prose. */
const vocabularyMax = 1 << 17;
const termLengthMin = 3;
const termLengthMax = 32;
const shingleWords = 3;

const separator = 0;
const letter = 1;
const ideograph = 2;

let tables: { readonly classes: Uint8Array; readonly lower: Uint16Array } | null = null;

/**
 * The lists of the last text, used again: at some megabytes for each of thousands of files, fresh ones would riddle the
 * process's memory with holes. Outlining a text is one synchronous step, so no two texts are read at once.
 */
let scratch: WordLists | null = null;
const scratchWordsMax = 1 << 19;

type WordLists = { entries: Int32Array<ArrayBuffer>; starts: Int32Array<ArrayBuffer> };

function scratchFor(wordsMin: number): WordLists {
  if (scratch !== null && scratch.entries.length >= wordsMin) return scratch;
  return { entries: new Int32Array(wordsMin), starts: new Int32Array(wordsMin) };
}

export function readWords(text: string): Words {
  const { classes, lower } = (tables ??= buildTables());
  const vocabulary = createVocabulary(text);
  const sketch = createSketch();
  let { entries, starts } = scratchFor(Math.max(16, (text.length / 5) | 0));
  let count = 0;
  let previous = 0;
  let beforePrevious = 0;
  let at = 0;
  while (at < text.length) {
    const wordClass = classes[text.charCodeAt(at)];
    if (wordClass === separator) {
      at++;
      continue;
    }
    const start = at;
    let hash = 0x811c9dc5;
    const end = wordClass === ideograph ? start + 1 : text.length;
    do {
      hash = Math.imul(hash ^ (lower[text.charCodeAt(at++)] ?? 0), 0x01000193);
    } while (at < end && classes[text.charCodeAt(at)] === letter);
    hash = mix(hash);
    if (count === entries.length) {
      entries = grown(entries);
      starts = grown(starts);
    }
    entries[count] = vocabulary.entryOf(hash, start, at - start);
    starts[count++] = start;
    if (count >= shingleWords) sketch.add(mix(Math.imul(beforePrevious, 31) + Math.imul(previous, 17) + hash) >>> 0);
    beforePrevious = previous;
    previous = hash;
  }
  if (entries.length <= scratchWordsMax) scratch = { entries, starts };
  return { count, entries, starts, ...vocabulary.done(), sketch: sketch.hashes() };
}

/** A mask per entry of the vocabulary: each distinct word is looked up once, however often it occurs. */
export function readMasks(words: Words, maskOf: (word: string) => number): Uint16Array {
  const masks = new Uint16Array(words.entryCount);
  for (let entry = 0; entry < words.entryCount; entry++) masks[entry] = maskOf(words.word(entry));
  return masks;
}

type Vocabulary = {
  entryOf(hash: number, start: number, length: number): number;
  done(): Pick<Words, "entryCount" | "entryUses" | "word" | "isTerm">;
};

/**
 * A hash table over word hashes: words are not cut out of the text until a rank asks for their letters. Two words with
 * one hash and one length count as one; that can blur a count and nothing else.
 */
function createVocabulary(text: string): Vocabulary {
  let slots = new Int32Array(1024).fill(-1);
  let hashes = new Int32Array(512);
  let uses = new Int32Array(512);
  let starts = new Int32Array(512);
  let lengths = new Int32Array(512);
  let size = 0;
  const place = (hash: number): number => {
    let slot = hash & (slots.length - 1);
    while (slots[slot] !== -1) slot = (slot + 1) & (slots.length - 1);
    return slot;
  };
  const enlarge = (): void => {
    [hashes, uses, starts, lengths] = [grown(hashes), grown(uses), grown(starts), grown(lengths)];
    slots = new Int32Array(slots.length * 2).fill(-1);
    for (let entry = 0; entry < size; entry++) slots[place(hashes[entry] ?? 0)] = entry;
  };
  const word = (entry: number): string =>
    text.slice(starts[entry] ?? 0, (starts[entry] ?? 0) + (lengths[entry] ?? 0)).toLowerCase();
  return {
    entryOf(hash, start, length) {
      let slot = hash & (slots.length - 1);
      for (let entry = slots[slot] ?? -1; entry !== -1; entry = slots[slot] ?? -1) {
        if (hashes[entry] === hash && lengths[entry] === length) {
          uses[entry] = (uses[entry] ?? 0) + 1;
          return entry;
        }
        slot = (slot + 1) & (slots.length - 1);
      }
      if (size === vocabularyMax) return -1;
      if (size === hashes.length) {
        enlarge();
        slot = place(hash);
      }
      slots[slot] = size;
      hashes[size] = hash;
      uses[size] = 1;
      starts[size] = start;
      lengths[size] = length;
      return size++;
    },
    done: () => ({
      entryCount: size,
      entryUses: uses,
      word,
      isTerm(entry) {
        const length = lengths[entry] ?? 0;
        if (length < termLengthMin || length > termLengthMax) return false;
        const letters = word(entry);
        return !/^[\d_]+$/.test(letters) && !isStopWord(letters);
      },
    }),
  };
}

function mix(hash: number): number {
  const first = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return second ^ (second >>> 16);
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** Character classes and lower case of the basic plane, built on first use (about 10 ms) because regular expressions per letter are slow. */
function buildTables(): { classes: Uint8Array; lower: Uint16Array } {
  const classes = new Uint8Array(0x10000);
  const lower = new Uint16Array(0x10000);
  for (let unit = 0; unit < 0x10000; unit++) {
    lower[unit] = unit;
    const character = String.fromCharCode(unit);
    if (!/[\p{L}\p{N}\p{M}_]/u.test(character)) continue;
    classes[unit] = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(character) ? ideograph : letter;
    const small = character.toLowerCase();
    if (small.length === 1) lower[unit] = small.charCodeAt(0);
  }
  return { classes, lower };
}
