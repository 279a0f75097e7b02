import { createSentencePool } from "./central.ts";
import { datesOf } from "./dates.ts";
import { eachPiece, type LineTable, lineText, readLines } from "./lines.ts";
import { linksOf } from "./links.ts";
import { createOrderMask, createOrderReader, orderIn } from "./orders.ts";
import {
  type DateLine,
  type FileOutline,
  type LinkLine,
  type OrderLine,
  outlineLimits,
  type QuotedLine,
  type TextKind,
  type TodoLine,
} from "./outline-schema.ts";
import { eachSentence, isQuestion, openQuestionWords, sentenceText } from "./sentences.ts";
import { fitOutline, type Gathered } from "./fit.ts";
import { readStructure, role, type Structure, titleOfCode } from "./structure.ts";
import { type Flavour, flavourOf, kindOf } from "./text-kind.ts";
import { isComment, todoOf } from "./todos.ts";
import { readMasks, readWords, type Words } from "./words.ts";

/** Text beyond this is not read: books fit, dumps and logs do not need to, and one file cannot hold up a run. Characters. */
export const outlineTextMax = 2 * 1024 * 1024;

/** Entries of one list kept while reading; far above what an outline carries, so that the best can be chosen. */
const gatheredMax = 2000;
const questionTextMax = 200;
const handwrittenLengthMax = 500;
/** How much of the line below is read along, for phrases broken over two lines. */
const nextLineLength = 200;
const endsLikeSentence = /[.!…。！]["'”’*_)\]]*$/;

/** What the text of one file says about itself: quoted, counted and cited by line, never interpreted. */
export function outlineText(file: {
  readonly path: string;
  readonly text: string;
  readonly todayMs: number;
  /** The text is only the head of the file. */
  readonly isTruncated?: boolean;
}): FileOutline {
  const isTruncated = file.isTruncated === true || file.text.length > outlineTextMax;
  const text = file.text.slice(0, outlineTextMax);
  const kind = kindOf(file.path, text);
  const lines = readLines(text);
  if (kind === "other") return fitOutline({ ...nothing(kind), lineCount: lines.count, isTruncated }, file.todayMs);
  const flavour = flavourOf(file.path, kind);
  const isProse = kind === "markdown" || kind === "text";
  const structure = isProse ? readStructure(lines, flavour) : null;
  const words = readWords(text);
  const gathered: Gathered = {
    ...nothing(kind),
    title: structure?.title ?? (kind === "code" ? titleOfCode(lines) : null),
    headings: structure?.headings ?? [],
    headingCount: structure?.headingCount ?? 0,
    terms: topTerms(words),
    sketch: words.sketch,
    wordCount: words.count,
    lineCount: lines.count,
    isTruncated,
  };
  const orderMask = createOrderMask();
  const masks = readMasks(words, (word) => orderMask(word) | (openQuestionWords.has(word) ? questionBit : 0));
  const source = { lines, structure, flavour, kind, words, masks };
  gatherLines(gathered, source);
  if (structure !== null) gatherSentences(gathered, { ...source, structure });
  return fitOutline(gathered, file.todayMs);
}

function nothing(kind: TextKind): Gathered {
  return {
    kind,
    title: null,
    headings: [],
    headingCount: 0,
    dates: [],
    todos: [],
    questions: [],
    links: [],
    sentences: [],
    orders: [],
    found: { dates: 0, todos: 0, questions: 0, links: 0, orders: 0 },
    terms: [],
    sketch: [],
    wordCount: 0,
    lineCount: 0,
    isTruncated: false,
  };
}

type Source = {
  readonly lines: LineTable;
  readonly structure: Structure | null;
  readonly flavour: Flavour;
  readonly kind: TextKind;
  readonly words: Words;
  /** Per entry of the vocabulary: the rules for orders that its word may belong to, and `questionBit`. */
  readonly masks: Uint16Array;
};

/** Above the bits of the rules for orders. */
const questionBit = 1 << 15;

/** What can be told from one line at a time: dates, to-dos, links, and text that looks like an order. */
function gatherLines(gathered: Gathered, source: Source): void {
  const { lines, structure, flavour, kind } = source;
  const masks = lineMasks(source);
  const orders = createOrderReader(flavour);
  const headings = createHeadingCursor(structure);
  eachPiece(lines, (piece, index) => {
    const line = index + 1;
    const lineRole = structure?.roles[index] ?? role.literal;
    const next = lineRole === role.heading ? "" : lineText(lines, index + 1, nextLineLength);
    const mask = ((masks[index] ?? 0) | (masks[index + 1] ?? 0)) & ~questionBit;
    const order = orders.read({ piece, next, mask, number: line });
    if (order !== null) keep(gathered, "orders", order);
    // Nobody writes such lines in programs and data by hand; what they hold was generated.
    if (structure === null && piece.length > handwrittenLengthMax) return;
    const todo = todoOf(piece, line, kind);
    if (todo !== null) keep(gathered, "todos", todo);
    if (structure !== null && lineRole === role.literal) return;
    for (const date of datesOf(piece, line, headings.at(line))) {
      // Tables and programs are full of dates; only those that say so are appointments.
      if (structure !== null || (date.isDeadline && isComment(piece, kind))) keep(gathered, "dates", date);
    }
    if (structure === null) return;
    for (const link of linksOf(piece, line, flavour)) keep(gathered, "links", link);
  });
}

/** The masks of all words of each line, joined. */
function lineMasks({ lines, words, masks }: Source): Uint16Array {
  const joined = new Uint16Array(lines.count);
  let index = 0;
  for (let word = 0; word < words.count; word++) {
    const mask = masks[words.entries[word] ?? -1] ?? 0;
    if (mask === 0) continue;
    const start = words.starts[word] ?? 0;
    while (index + 1 < lines.count && (lines.starts[index + 1] ?? 0) <= start) index++;
    joined[index] = (joined[index] ?? 0) | mask;
  }
  return joined;
}

/** The text of the last heading at or before a line; lines are asked for in order. */
function createHeadingCursor(structure: Structure | null): { at(line: number): string } {
  const headings = structure?.headings ?? [];
  let next = 0;
  return {
    at(line) {
      while (next < headings.length && (headings[next]?.line ?? 0) <= line) next++;
      return headings[next - 1]?.text ?? "";
    },
  };
}

function gatherSentences(
  gathered: Gathered,
  { lines, structure, words, masks }: Source & { readonly structure: Structure },
): void {
  const pool = createSentencePool(words);
  let word = 0;
  eachSentence(lines, structure, (sentence) => {
    while (word < words.count && (words.starts[word] ?? 0) < sentence.start) word++;
    const from = word;
    let mask = 0;
    for (; word < words.count && (words.starts[word] ?? 0) < sentence.end; word++)
      mask |= masks[words.entries[word] ?? -1] ?? 0;
    const end = lines.text.slice(Math.max(sentence.start, sentence.end - 8), sentence.end).trimEnd();
    const text = mask !== 0 || end.includes("?") ? sentenceText(lines.text, sentence, questionTextMax) : "";
    if (text !== "" && isQuestion(text, end)) keep(gathered, "questions", { line: sentence.line, text });
    else if (endsLikeSentence.test(end) && orderIn({ piece: text, next: "", mask: mask & ~questionBit }) === null)
      pool.offer(sentence, from, word);
  });
  gathered.sentences = pool.best(lines.text);
}

type Kept = { dates: DateLine; todos: TodoLine; questions: QuotedLine; links: LinkLine; orders: OrderLine };

function keep<List extends keyof Kept>(gathered: Gathered, list: List, entry: Kept[List]): void {
  gathered.found[list]++;
  // The list named `list` holds entries of that type; the compiler cannot see it through the index.
  const entries = gathered[list] as Kept[List][];
  if (entries.length < gatheredMax) entries.push(entry);
}

function topTerms(words: Words): [string, number][] {
  const usesMin = leastUses(words.entryUses.subarray(0, words.entryCount));
  const terms: [string, number][] = [];
  for (let entry = 0; entry < words.entryCount; entry++) {
    const uses = words.entryUses[entry] ?? 0;
    if (uses >= usesMin && words.isTerm(entry)) terms.push([words.word(entry), uses]);
  }
  return terms.toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, outlineLimits.terms);
}

/** Words used less often than the 400th most used one cannot be among the top terms, stop words or not. */
function leastUses(uses: Int32Array): number {
  return uses.length <= 400 ? 1 : (uses.toSorted()[uses.length - 400] ?? 1);
}
