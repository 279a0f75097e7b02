import { cutText } from "./lines.ts";
import type { DateLine } from "./outline-schema.ts";

/** Names as people write them, in the languages whose stop words are known; the first match wins, so order does not matter. */
const monthNames: readonly (readonly string[])[] = [
  ["january", "jan", "januar", "jänner", "janvier", "enero", "gennaio", "januari"],
  ["february", "feb", "februar", "février", "febrero", "febbraio", "februari"],
  ["march", "mar", "märz", "mars", "marzo", "maart"],
  ["april", "apr", "avril", "abril", "aprile"],
  ["may", "mai", "mayo", "maggio", "mei"],
  ["june", "jun", "juni", "juin", "junio", "giugno"],
  ["july", "jul", "juli", "juillet", "julio", "luglio"],
  ["august", "aug", "août", "agosto", "augustus"],
  ["september", "sep", "sept", "septembre", "septiembre", "settembre"],
  ["october", "oct", "oktober", "octobre", "octubre", "ottobre", "okt"],
  ["november", "nov", "novembre", "noviembre"],
  ["december", "dec", "dezember", "décembre", "diciembre", "dicembre", "dez"],
];
const monthByName = new Map(monthNames.flatMap((names, index) => names.map((name) => [name, index + 1] as const)));

/** Dates read in one piece of text; a table of dates needs no more to be recognised as one. */
const datesPerPieceMax = 32;
const dateTextMax = 160;

const mayHoldDate = /(?:19|20|21)\d\d/;
const isoPattern = /(?<![\p{L}\p{N}_./-])(\d{4})-(\d{2})-(\d{2})(?![\d-]|\.\w)/gu;
const dayMonthPattern =
  /(?<![\p{L}\p{N}])(\d{1,2})(?:st|nd|rd|th|\.)?\s{1,3}(?:of\s|de\s)?(\p{L}{3,10})\.?,?\s{1,3}(?:de\s)?(\d{4})(?!\d)/gu;
const monthDayPattern = /(?<!\p{L})(\p{L}{3,10})\.?\s{1,3}(\d{1,2})(?:st|nd|rd|th)?,?\s{1,3}(\d{4})(?!\d)/gu;
const numericPattern = /(?<![\p{L}\p{N}./-])(\d{1,2})([./])(\d{1,2})\2(\d{4})(?![\d/]|\.\d)/gu;

const deadlineWord =
  /(?<!\p{L})(?:due|deadlines?|expir(?:es?|y|ing)|submit|submissions?|submitted|no later than|at the latest|clos(?:es|ing date)|last (?:day|date|chance)|rsvp|overdue|renewal|fällig|frist|spätestens|échéance|date limite|vence|fecha límite|scadenza)(?!\p{L})/iu;
const deadlineBefore =
  /(?<!\p{L})(?:by|until|till|before|bis|avant|jusqu'au|entro|hasta|antes de|vóór)\s(?:(?:the|end|of|on|at|noon|midnight|zum|le|el|il|\p{L}{2,7}day|\d{1,2}(?::\d\d)?\s?(?:am|pm)?)[,\s]\s?){0,4}$/iu;
const deadlineHeading = /(?<!\p{L})(?:deadlines?|due|frist|fristen|échéances|key dates|important dates)(?!\p{L})/iu;

type Found = { readonly at: number; readonly length: number; readonly isoDate: string; readonly isAmbiguous?: boolean };

/** The dates of one line, or of one piece of a long line; relative words ("next Friday") are not guessed. */
export function datesOf(piece: string, line: number, heading: string): DateLine[] {
  if (!mayHoldDate.test(piece)) return [];
  const found = [...findIso(piece), ...findWithMonthName(piece), ...findNumeric(piece)].toSorted((a, b) => a.at - b.at);
  const seen = new Set<string>();
  const dates: DateLine[] = [];
  for (const date of found.slice(0, datesPerPieceMax)) {
    if (seen.has(date.isoDate)) continue;
    seen.add(date.isoDate);
    const sentence = sentenceAround(piece, date);
    const isDeadline =
      deadlineHeading.test(heading) || deadlineWord.test(sentence.text) || deadlineBefore.test(sentence.before);
    const entry = { line, text: shown(sentence, date, piece), isoDate: date.isoDate, isDeadline };
    dates.push(date.isAmbiguous === true ? { ...entry, isAmbiguous: true } : entry);
  }
  return dates;
}

function findIso(piece: string): Found[] {
  return collect(piece, isoPattern, ([, year, month, day]) => ({
    isoDate: isoDateOf(Number(year), Number(month), Number(day)),
  }));
}

function findWithMonthName(piece: string): Found[] {
  return [
    ...collect(piece, dayMonthPattern, ([, day, name, year]) => ({
      isoDate: isoDateOf(Number(year), monthOf(name), Number(day)),
    })),
    ...collect(piece, monthDayPattern, ([, name, day, year]) => ({
      isoDate: isoDateOf(Number(year), monthOf(name), Number(day)),
    })),
  ];
}

function monthOf(name: string | undefined): number {
  return monthByName.get((name ?? "").toLowerCase()) ?? 0;
}

function findNumeric(piece: string): Found[] {
  return collect(piece, numericPattern, ([, first, mark, second, year]) => {
    const dayFirst = isoDateOf(Number(year), Number(second), Number(first));
    const monthFirst = isoDateOf(Number(year), Number(first), Number(second));
    // Dots mean day first everywhere; slashes depend on the country of the writer.
    const isAmbiguous = mark === "/" && dayFirst !== null && monthFirst !== null && dayFirst !== monthFirst;
    const isoDate = dayFirst ?? (mark === "/" ? monthFirst : null);
    return isAmbiguous ? { isoDate, isAmbiguous } : { isoDate };
  });
}

function collect(
  piece: string,
  pattern: RegExp,
  read: (match: RegExpExecArray) => { isoDate: string | null; isAmbiguous?: boolean },
): Found[] {
  const found: Found[] = [];
  for (const match of piece.matchAll(pattern)) {
    const { isoDate, isAmbiguous } = read(match);
    if (isoDate === null) continue;
    const place = { at: match.index, length: match[0].length, isoDate };
    found.push(isAmbiguous === true ? { ...place, isAmbiguous } : place);
    if (found.length === datesPerPieceMax) break;
  }
  return found;
}

function isoDateOf(year: number, month: number, day: number): string | null {
  if (year < 1900 || year > 2199 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return null;
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

function daysOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

type Sentence = { readonly text: string; readonly start: number; readonly before: string };

/** Sentences are looked for this far to both sides of a date. */
const reach = 300;

function sentenceAround(piece: string, { at, length }: Found): Sentence {
  const before = piece.slice(Math.max(0, at - reach), at);
  const after = piece.slice(at + length, at + length + reach);
  const last = Math.max(
    before.lastIndexOf(". "),
    before.lastIndexOf("! "),
    before.lastIndexOf("? "),
    before.lastIndexOf("; "),
  );
  const end = /[.!?;](?:\s|$)/.exec(after);
  const start = at - before.length + (last === -1 ? 0 : last + 2);
  const stop = end === null ? at + length + after.length : at + length + end.index + 1;
  return { text: piece.slice(start, stop), start, before: piece.slice(start, at) };
}

/** The sentence as it stands, without list marker; a long one is cut so that the date stays in sight. */
function shown(sentence: Sentence, date: Found, piece: string): string {
  const text = sentence.text.replace(/^\s*(?:(?:[-*+•>]|\d{1,3}[.)])\s{1,4}|#{1,6}\s)?(?:\[[ xX]\]\s)?/, "").trim();
  if (text.length <= dateTextMax) return text;
  const start = Math.max(sentence.start, date.at + date.length - dateTextMax + 20);
  const part = cutText(piece.slice(start, sentence.start + sentence.text.length), dateTextMax).trim();
  return start === sentence.start ? part : `…${part}`;
}
