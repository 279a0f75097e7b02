import { cutText, type LineTable } from "./lines.ts";
import { role, type Structure } from "./structure.ts";

/** A sentence is a stretch `[start, end)` of the text; it may run over several lines and belongs to its first. */
export type Sentence = { readonly start: number; readonly end: number; readonly line: number };

/** Longer stretches are no sentences to quote; the scan cuts there, which bounds every later look at one. */
const sentenceLengthMax = 800;
/** Quotes and brackets after a full stop; a longer row is decoration, and looking through it at every mark would be quadratic. */
const closingMarksMax = 8;
const abbreviations = new Set(
  "e.g i.e mr mrs ms dr prof st vs etc no nr fig vol cf ca approx inc ltd co jr sr dept est al bzw z.b d.h usw".split(
    " ",
  ),
);

/** Calls `visit` with each sentence of the prose: paragraphs and list items, never code, tables or markup. */
export function eachSentence(lines: LineTable, { roles }: Structure, visit: (sentence: Sentence) => void): void {
  for (let index = 0; index < lines.count; ) {
    const first = roles[index];
    let end = index + 1;
    if (first === role.prose || first === role.item) {
      while (end < lines.count && roles[end] === role.prose) end++;
      splitBlock(lines, { from: lines.starts[index] ?? 0, to: lines.ends[end - 1] ?? 0, line: index + 1 }, visit);
    }
    index = end;
  }
}

type Block = { readonly from: number; readonly to: number; readonly line: number };

function splitBlock(lines: LineTable, { from, to, line }: Block, visit: (sentence: Sentence) => void): void {
  const { text } = lines;
  let start = afterMarker(text, from, to);
  let lineNow = line;
  const close = (end: number): void => {
    if (end > start) {
      while (lineNow < lines.count && (lines.starts[lineNow] ?? 0) <= start) lineNow++;
      visit({ start, end, line: lineNow });
    }
    start = end;
    while (start < to && isBlank(text.charCodeAt(start))) start++;
    if (start < to && text[start] === ">") start = afterMarker(text, start, to);
  };
  for (let at = start; at < to; at++) {
    const unit = text.charCodeAt(at);
    const isStop = unit === 46 || unit === 63 || unit === 33 || unit === 0x2026;
    if (isStop && endsSentence(text, at, to)) {
      let end = at + 1;
      while (end < to && isClosing(text.charCodeAt(end))) end++;
      close(end);
      at = Math.max(at, start - 1);
    } else if (unit === 0x3002 || unit === 0xff1f || unit === 0xff01 || at - start >= sentenceLengthMax) {
      close(at + 1);
      at = Math.max(at, start - 1);
    }
  }
  close(to);
}

function endsSentence(text: string, at: number, to: number): boolean {
  let next = at + 1;
  const closingEnd = Math.min(to, at + closingMarksMax);
  while (next < closingEnd && isClosing(text.charCodeAt(next))) next++;
  if (next < to && !isBlank(text.charCodeAt(next))) return false;
  while (next < to && next < at + 8 && isBlank(text.charCodeAt(next))) next++;
  if (next < to && /\p{Ll}/u.test(text[next] ?? "")) return false;
  if (text[at] !== ".") return true;
  const before = /(?:^|[^\p{L}\p{N}.])([\p{L}\p{N}.]{1,6})$/u
    .exec(text.slice(Math.max(0, at - 8), at))?.[1]
    ?.toLowerCase();
  return before === undefined || (!abbreviations.has(before) && !/^\p{L}$/u.test(before));
}

/** Skips quote marks, list markers and boxes at the start of a block. */
function afterMarker(text: string, from: number, to: number): number {
  const found = /^\s*(?:>\s?){0,8}\s*(?:(?:[-*+•]|\d{1,9}[.)])\s+)?(?:\[[ xX]\]\s+)?/.exec(
    text.slice(from, Math.min(to, from + 200)),
  );
  return from + (found?.[0].length ?? 0);
}

/** `"'*_)]`, curly quotes: what may stand between the full stop and the blank. */
function isClosing(unit: number): boolean {
  return (
    unit === 34 ||
    unit === 39 ||
    unit === 42 ||
    unit === 95 ||
    unit === 41 ||
    unit === 93 ||
    unit === 0x201d ||
    unit === 0x2019 ||
    unit === 63 ||
    unit === 33 ||
    unit === 46
  );
}

function isBlank(unit: number): boolean {
  return unit === 32 || unit === 10 || unit === 13 || unit === 9 || unit === 0xa0;
}

/** The sentence on one line, without the marks of a quotation in between. */
export function sentenceText(text: string, { start, end }: Sentence, lengthMax: number): string {
  const raw = text.slice(start, Math.min(end, start + sentenceLengthMax));
  const joined = raw.replace(/[ \t]{0,80}\r?[\n\r](?:[ \t]{0,80}>)*[ \t]*/g, " ").trim();
  return cutText(joined, lengthMax);
}

const openWords =
  /\bopen question\b|\bTBD\b|\bto be (?:decided|determined|confirmed|agreed)\b|\bnot (?:yet )?decided\b|\bundecided\b/i;

/** One of these words stands in every sentence that is open without a question mark. */
export const openQuestionWords: ReadonlySet<string> = new Set(
  "question tbd decided determined confirmed agreed undecided q".split(" "),
);

/** A question mark after an ordinary word, with quotes and brackets after it. */
const asks = /[\p{L}\p{N}'’"”)*%€$.-]\?["'*_)\]”’!?.]*$/u;

/** `name?` in a signature, a mark at the end of an address, or half a code span is no question. */
function looksLikeCode(text: string): boolean {
  return /(?:_|:\/\/)\S*$/.test(text.slice(-80)) || (text.split("`").length - 1) % 2 === 1;
}

/** `**Can I?** Yes.`: lists of answered questions are set like this. */
function isBoldHeading(text: string, end: string): boolean {
  return text.startsWith("**") && /\?\*\*\s*$/.test(end);
}

/** Whether a sentence asks something that is still open: a real question, a `Q:` line, or a note that it is undecided. `end` is how it ends. */
export function isQuestion(text: string, end: string): boolean {
  if (asks.test(end) && /\p{L}\S{0,40}\s{1,4}\S/u.test(text) && !looksLikeCode(text) && !isBoldHeading(text, end)) {
    return true;
  }
  return /^(?:\*\*)?(?:Q|Question)(?:\*\*)?\s?:\s/.test(text) || openWords.test(text);
}
