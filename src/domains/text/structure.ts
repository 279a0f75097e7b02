import { cutText, type LineTable, lineText } from "./lines.ts";
import type { HeadingLine, QuotedLine } from "./outline-schema.ts";
import type { Flavour } from "./text-kind.ts";

/** What a line is to its reader; one of these numbers per line, because a file may have a million lines. */
export const role = { blank: 0, prose: 1, item: 2, task: 3, heading: 4, literal: 5, table: 6, aside: 7 } as const;

export type Structure = {
  readonly roles: Uint8Array;
  readonly headings: readonly HeadingLine[];
  readonly headingCount: number;
  readonly title: QuotedLine | null;
};

/** No heading, fence or list marker needs more of a line than this to be seen. */
const lookLength = 512;
const headingLengthMax = 120;
/** Kept while reading; the outline keeps fewer. A file with more headings is a list of something. */
const headingsMax = 512;
const frontMatterLinesMax = 200;

type Reading = {
  readonly lines: LineTable;
  readonly flavour: Flavour;
  readonly roles: Uint8Array;
  readonly headings: HeadingLine[];
  headingCount: number;
  title: QuotedLine | null;
  /** The closing mark that ends the present literal block or comment, if one is open. */
  openUntil: string | null;
  isInList: boolean;
  /** Underline characters of reStructuredText in the order of their first use: the order is the level. */
  underlines: string;
};

export function readStructure(lines: LineTable, flavour: Flavour): Structure {
  const reading: Reading = {
    lines,
    flavour,
    roles: new Uint8Array(lines.count),
    headings: [],
    headingCount: 0,
    title: null,
    openUntil: null,
    isInList: false,
    underlines: "",
  };
  for (let index = flavour === "markdown" ? readFrontMatter(reading) : 0; index < lines.count; index++) {
    const start = lines.starts[index] ?? 0;
    if (start === lines.ends[index]) continue;
    const look = lineText(lines, index, lookLength);
    reading.roles[index] = roleOf(reading, look, index);
  }
  const { roles, headings, headingCount } = reading;
  return { roles, headings, headingCount, title: reading.title ?? titleOf(reading) };
}

function roleOf(reading: Reading, look: string, index: number): number {
  const trimmed = look.trim();
  if (trimmed === "") return role.blank;
  if (reading.openUntil !== null) {
    if (closes(reading, trimmed)) reading.openUntil = null;
    return role.literal;
  }
  switch (reading.flavour) {
    case "markdown":
      return markdownRole(reading, look, index);
    case "asciidoc":
      return asciidocRole(reading, trimmed, index);
    case "html":
      return htmlRole(reading, trimmed, index);
    case "restructured":
    case "plain":
      return plainRole(reading, look, index);
    default:
      return reading.flavour satisfies never;
  }
}

function closes({ openUntil, flavour }: Reading, trimmed: string): boolean {
  if (openUntil === null) return true;
  // A fence closes with at least as many of its own marks and nothing else; a comment closes anywhere in a line.
  if (openUntil[0] !== "`" && openUntil[0] !== "~")
    return flavour === "asciidoc" ? trimmed === openUntil : trimmed.includes(openUntil);
  return trimmed.startsWith(openUntil) && trimmed.replaceAll(openUntil[0], "") === "";
}

function markdownRole(reading: Reading, look: string, index: number): number {
  const trimmed = look.trim();
  const before = index === 0 ? role.blank : (reading.roles[index - 1] ?? role.blank);
  const fence = /^(`{3,}|~{3,})[^`]*$/.exec(trimmed)?.[1];
  if (fence !== undefined) {
    reading.openUntil = fence;
    return role.literal;
  }
  const heading = /^ {0,3}(#{1,6})[ \t]+(\S.*)$/.exec(look);
  if (heading?.[2] !== undefined) {
    reading.isInList = false;
    return addHeading(reading, index, { level: heading[1]?.length ?? 1, text: withoutClosingMarks(heading[2]) });
  }
  if (/^ {0,3}(?:=+|-+)\s*$/.test(look) && before === role.prose && isLoneProse(reading, index - 1)) {
    reading.roles[index - 1] = addHeading(reading, index - 1, {
      level: trimmed[0] === "=" ? 1 : 2,
      text: lineText(reading.lines, index - 1, lookLength).trim(),
    });
    return role.blank;
  }
  if (trimmed[0] === "<") return htmlRole(reading, trimmed, index);
  if (/^(?:[-*_=][ \t]*){3,}$/.test(trimmed)) return role.blank;
  if (trimmed[0] === "|") return role.table;
  const item = listRole(look);
  if (item !== null) {
    reading.isInList = true;
    return item;
  }
  if (/^\[[^\]]{1,200}\]:\s/.test(trimmed)) return role.aside;
  const isIndented = /^(?: {4}|\t)/.test(look);
  if (!isIndented && before === role.blank) reading.isInList = false;
  if (isIndented && !reading.isInList && before !== role.prose) return role.literal;
  return role.prose;
}

function asciidocRole(reading: Reading, trimmed: string, index: number): number {
  const heading = /^(={1,6})\s+(\S.*)$/.exec(trimmed);
  if (heading?.[2] !== undefined)
    return addHeading(reading, index, { level: heading[1]?.length ?? 1, text: heading[2].trim() });
  if (/^(?:-{4,}|\.{4,}|\/{4,})$/.test(trimmed)) {
    reading.openUntil = trimmed;
    return role.literal;
  }
  if (/^(?:\/\/|:[\w-]+:|\[[^\]]*\]$)/.test(trimmed)) return role.aside;
  return listRole(trimmed) ?? (trimmed[0] === "|" ? role.table : role.prose);
}

function htmlRole(reading: Reading, trimmed: string, index: number): number {
  const heading = /<(h([1-6])|title)\b[^>]{0,200}>([^<]{1,200})</i.exec(trimmed);
  if (heading?.[3] !== undefined && heading[3].trim() !== "") {
    const text = heading[3].trim();
    if (heading[2] !== undefined) return addHeading(reading, index, { level: Number(heading[2]), text });
    reading.title ??= { line: index + 1, text: cutText(text, headingLengthMax) };
    return role.aside;
  }
  const block = /^<(!--|script|style|pre)/i.exec(trimmed)?.[1]?.toLowerCase();
  if (block !== undefined) {
    const until = block === "!--" ? "-->" : `</${block}`;
    if (!trimmed.includes(until)) reading.openUntil = until;
    return role.literal;
  }
  if (trimmed[0] !== "<") return role.prose;
  // A line of markup counts as prose when something is said between the tags.
  return reading.flavour === "html" && />[^<>]{20,}/.test(trimmed) ? role.item : role.aside;
}

function plainRole(reading: Reading, look: string, index: number): number {
  const trimmed = look.trim();
  const before = index === 0 ? role.blank : (reading.roles[index - 1] ?? role.blank);
  if (isUnderline(trimmed)) {
    const above = index === 0 ? "" : lineText(reading.lines, index - 1, lookLength).trim();
    if (before !== role.prose || above.length > trimmed.length + 2 || !isLoneProse(reading, index - 1))
      return role.blank;
    if (!reading.underlines.includes(trimmed[0] ?? "")) reading.underlines += trimmed[0] ?? "";
    const level = Math.min(6, reading.underlines.indexOf(trimmed[0] ?? "") + 1);
    reading.roles[index - 1] = addHeading(reading, index - 1, { level, text: above });
    return role.blank;
  }
  const numbered = /^(\d{1,3}(?:\.\d{1,3}){0,4})[.)]?\s+\p{Lu}/u.exec(trimmed);
  if (numbered?.[1] !== undefined && before === role.blank && isHeadingLike(reading, trimmed, index)) {
    return addHeading(reading, index, { level: Math.min(6, numbered[1].split(".").length), text: trimmed });
  }
  if (trimmed.startsWith(".. ")) return role.aside;
  return listRole(look) ?? role.prose;
}

/** A list item, a task with a box, or neither. */
function listRole(look: string): number | null {
  if (!/^\s*(?:[-*+•]|\d{1,9}[.)])\s/.test(look)) return null;
  return /^\s*(?:[-*+•]|\d{1,9}[.)])\s{1,8}\[[ xX]\]\s/.test(look) ? role.task : role.item;
}

function isUnderline(trimmed: string): boolean {
  return trimmed.length >= 3 && /^([=~^"'`#*+.:-])\1*$/.test(trimmed);
}

/** Whether the line is a paragraph of its own so far, as the line over an underline has to be. */
function isLoneProse({ roles, lines }: Reading, index: number): boolean {
  const isShort = (lines.ends[index] ?? 0) - (lines.starts[index] ?? 0) <= headingLengthMax;
  return isShort && (index === 0 || roles[index - 1] !== role.prose);
}

function isHeadingLike({ lines }: Reading, trimmed: string, index: number): boolean {
  if (trimmed.length > 80 || /[.;:,!?]$/.test(trimmed)) return false;
  return index + 1 >= lines.count || lineText(lines, index + 1, lookLength).trim() === "";
}

function addHeading(reading: Reading, index: number, { level, text }: { level: number; text: string }): number {
  reading.headingCount++;
  if (reading.headings.length < headingsMax)
    reading.headings.push({ line: index + 1, level, text: cutText(text, headingLengthMax) });
  return role.heading;
}

function withoutClosingMarks(text: string): string {
  const trimmed = text.trimEnd();
  let end = trimmed.length;
  while (end > 0 && trimmed[end - 1] === "#") end--;
  return end < trimmed.length && (end === 0 || trimmed[end - 1] === " ") ? trimmed.slice(0, end).trimEnd() : trimmed;
}

/** Reads a leading `---` block, takes its title, and returns the index of the line after it. */
function readFrontMatter(reading: Reading): number {
  const { lines, roles } = reading;
  if (lineText(lines, 0, 8).trimEnd().replace("\ufeff", "") !== "---") return 0;
  for (let index = 1; index < Math.min(lines.count, frontMatterLinesMax); index++) {
    const look = lineText(lines, index, lookLength).trimEnd();
    if (look === "---" || look === "...") {
      roles.fill(role.aside, 0, index + 1);
      return index + 1;
    }
    const title = /^title:\s*["']?(\S.*?)["']?$/i.exec(look)?.[1];
    if (title !== undefined) reading.title = { line: index + 1, text: cutText(title, headingLengthMax) };
  }
  reading.title = null;
  return 0;
}

function titleOf({ headings, lines, roles }: Reading): QuotedLine | null {
  const heading = headings.find(({ level }) => level === 1) ?? headings[0];
  if (heading !== undefined) return { line: heading.line, text: heading.text };
  for (let index = 0; index < Math.min(lines.count, 50); index++) {
    if (roles[index] === role.blank) continue;
    const text = lineText(lines, index, headingLengthMax + 1)
      .replace("\ufeff", "")
      .trim();
    return roles[index] === role.prose && text.length <= headingLengthMax ? { line: index + 1, text } : null;
  }
  return null;
}

/** The first sentence of the comment that opens a source file, for want of a heading. */
export function titleOfCode(lines: LineTable): QuotedLine | null {
  for (let index = 0; index < Math.min(lines.count, 40); index++) {
    const look = lineText(lines, index, lookLength).trim();
    if (look === "" || look.startsWith("#!") || /^(?:\/\*+|"""|'''|<!--|#+|\/\/+|\*|--)$/.test(look)) continue;
    const comment = /^(?:\/\*+|\/\/[/!]?|#+|\*+|--|;+|"""|'''|<!--|%+)\s*(\S.*)$/.exec(look)?.[1];
    const isInside = index > 0 && /^\s*(?:\/\*+|"""|''')\s*$/.test(lineText(lines, index - 1, lookLength));
    const text = comment ?? (isInside ? look : undefined);
    if (text === undefined) return null;
    if (/copyright|license|spdx|eslint|@ts-|pragma|coding[:=]|^[@!]/i.test(text) || !/\p{L}{2}/u.test(text)) continue;
    const sentence = text.replace(/\s*(?:\*\/|"""|'''|-->)\s*$/, "");
    const end = /[.!?](?=\s)/.exec(sentence);
    return {
      line: index + 1,
      text: cutText(end === null ? sentence : sentence.slice(0, end.index + 1), headingLengthMax),
    };
  }
  return null;
}
