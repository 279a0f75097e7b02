import { showControls, truncate } from "../../../base/text-marks.ts";
import type { Place } from "./findings.ts";

/**
 * A piece of a statement. A plain string is Scout's own wording; `quoted` and `code` come from files and are escaped, so
 * that no file can put a heading, a link, a picture or hidden text into the brief.
 */
export type Part = string | { readonly strong: string } | { readonly quoted: string } | { readonly code: string };

/** A quote longer than this is cut; the place is given to read on. Characters. */
const quoteLengthMax = 240;
const pathLengthMax = 160;

/** Scripts need joiners, and emoji do; other invisible characters and the halves of broken ones are shown as marks. */
const invisible =
  /[\u00ad\u180e\u200b\u2060-\u2065\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|(?<=[A-Za-z])[\u200c\u200d]+(?=[A-Za-z])/gu;
/** Addresses become code: that keeps viewers from turning them into links. */
const address = /(?:[a-z][a-z0-9+.-]{1,20}:\/\/|www\.|[\w.+-]{1,64}@(?=\w))[^\s`<>"]{0,200}/gi;

/** Text of a file on one line, as it can be shown: no markup of its own, no hidden characters, bounded. */
function plainText(text: string): string {
  return truncate(visible(withoutMarkup(text)), quoteLengthMax);
}

export function renderPart(part: Part): string {
  if (typeof part === "string") return part;
  if ("strong" in part) return `**${part.strong}**`;
  return "code" in part ? codeSpan(part.code) : escapeMarkdown(plainText(part.quoted));
}

/** The part without Markdown, for those who show statements in their own way. */
export function plainPart(part: Part): string {
  if (typeof part === "string") return part;
  if ("strong" in part) return part.strong;
  return "code" in part ? truncate(visible(part.code), pathLengthMax) : plainText(part.quoted);
}

export function renderPlace({ path, line }: Place): string {
  const shown = visible(path);
  // The end of a long path tells more than its beginning.
  const short = shown.length <= pathLengthMax ? shown : `…${shown.slice(-pathLengthMax)}`;
  return fence(`${short}:${line}`);
}

function codeSpan(text: string): string {
  return fence(truncate(visible(text), pathLengthMax));
}

/** A code span takes everything literally but a row of backticks as long as its own. */
function fence(text: string): string {
  const clean = text.trim() === "" ? "(blank)" : text.toWellFormed();
  const longest = Math.max(0, ...(clean.match(/`+/g) ?? []).map((row) => row.length));
  const marks = "`".repeat(longest + 1);
  return longest === 0 ? `${marks}${clean}${marks}` : `${marks} ${clean} ${marks}`;
}

export function visible(text: string): string {
  const marked = showControls(text.replace(/[\t\r\n]+/g, " ").toWellFormed());
  return marked
    .replace(invisible, (found) => Array.from(found, codePointMark).join(""))
    .replace(/ {2,}/g, " ")
    .trim();
}

function codePointMark(character: string): string {
  return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** Markdown of the file taken off where that loses nothing but looks: emphasis, code marks, the target of a link, table bars. */
function withoutMarkup(text: string): string {
  const bare = text
    .slice(0, quoteLengthMax * 4)
    .replace(/!?\[([^\][]{0,200})\]\([^()\s]{0,300}\)/g, "$1")
    .replace(/(\*\*|__)(?=\S)([^*_]{1,200})\1/g, "$2")
    .replace(/(?<![\p{L}\p{N}*])\*(?=\S)([^*]{1,200})(?<=\S)\*(?![\p{L}\p{N}*])/gu, "$1")
    .replace(/(?<!`)`([^`]{1,200})`(?!`)/g, "$1");
  if (!/^\s*\|/.test(bare)) return bare;
  return bare
    .split("|")
    .map((cell) => cell.trim())
    .filter((cell) => cell !== "")
    .join(" · ");
}

function escapeMarkdown(text: string): string {
  let escaped = "";
  let from = 0;
  for (const match of text.matchAll(address)) {
    const found = match[0].replace(/[.,;:!?)\]]{1,8}$/, "");
    escaped += escapeInline(text.slice(from, match.index)) + fence(found);
    from = match.index + found.length;
  }
  return escapeStart(escaped + escapeInline(text.slice(from)));
}

function escapeInline(text: string): string {
  return text
    .replace(/[\\`*[\]<>|$]/g, "\\$&")
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\_")
    .replace(/~(?=~)|(?<=~)~/g, "\\~")
    .replace(/&(?=#?\w{1,32};)/g, "\\&");
}

/** What would start a list, a heading, a quote or a rule at the beginning of an item. */
function escapeStart(text: string): string {
  return text.replace(/^[#+=~-]/, "\\$&").replace(/^(\d{1,9})([.)])/, "$1\\$2");
}
