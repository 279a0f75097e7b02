import type { LinkLine } from "./outline-schema.ts";
import type { Flavour } from "./text-kind.ts";

const targetLengthMax = 512;
/** Links read in one piece of text. */
const linksPerPieceMax = 256;

const bareAddress = /https?:\/\/[^\s<>"'`)\]}|\\^]{1,512}/g;
const definition = /^\s{0,3}\[(?!\^)[^\]]{1,200}\]:\s+<?([^\s>]{1,512})/;
const attribute = /\b(?:href|src)\s?=\s?(?:"([^"]{1,512})"|'([^']{1,512})')/gi;
const restructured =
  /`[^`<>]{0,200}<([^<>`\s]{1,512})>`__?|^\.\.\s+(?:image|figure|include|literalinclude)::\s+(\S{1,512})|^\.\.\s+_[^:]{1,200}:\s+(\S{1,512})/g;
const asciidoc = /(?:link|image|xref|include):{1,2}([^\s[\]]{1,256})\[/g;

/** The links of one line or piece. Code spans are passed over: what stands in them is shown, not linked. */
export function linksOf(piece: string, line: number, flavour: Flavour): LinkLine[] {
  const targets: string[] = [];
  const text =
    flavour === "markdown" && piece.includes("`")
      ? piece.replace(/`[^`]{0,1000}`/g, (span) => " ".repeat(span.length))
      : piece;
  if (text.includes("](")) inlineTargets(text, targets);
  if (flavour === "markdown" && text.includes("]:")) push(targets, definition.exec(text)?.[1]);
  if (/(?:href|src)\s?=/i.test(text)) for (const match of text.matchAll(attribute)) push(targets, match[1] ?? match[2]);
  if (flavour === "restructured")
    for (const match of text.matchAll(restructured)) push(targets, match[1] ?? match[2] ?? match[3]);
  if (flavour === "asciidoc") for (const match of text.matchAll(asciidoc)) push(targets, match[1]);
  if (text.includes("://")) for (const match of text.matchAll(bareAddress)) push(targets, withoutPunctuation(match[0]));
  return [...new Set(targets)].map((target) => ({ line, target, isExternal: isExternal(target) }));
}

/** A scheme of two letters or more, or a network path. `C:\x` is a local path, a bare `#part` stays in its file. */
function isExternal(target: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]+:|\/\/)/i.test(target);
}

/** `[text](target "title")` and images: reads from each `](` to its closing bracket, never twice over the same characters. */
function inlineTargets(text: string, targets: string[]): void {
  let at = text.indexOf("](");
  while (at !== -1 && targets.length < linksPerPieceMax) {
    const { target, end } = readTarget(text, at + 2);
    push(targets, target);
    at = text.indexOf("](", end);
  }
}

function readTarget(text: string, from: number): { target: string | undefined; end: number } {
  const limit = Math.min(text.length, from + targetLengthMax);
  if (text[from] === "<") {
    const close = text.indexOf(">", from);
    return close === -1 || close > limit
      ? { target: undefined, end: limit }
      : { target: text.slice(from + 1, close), end: close };
  }
  let depth = 0;
  for (let at = from; at < limit; at++) {
    const unit = text[at];
    if (unit === "(") depth++;
    // After a blank only a title may follow; otherwise this is a bracket in a sentence.
    if (unit === " ")
      return { target: /^ {1,4}["'()]/.test(text.slice(at, at + 6)) ? text.slice(from, at) : undefined, end: at };
    if (unit === ")" && depth-- === 0) return { target: text.slice(from, at), end: at };
  }
  return { target: undefined, end: limit };
}

/** A full stop after an address belongs to the sentence. */
function withoutPunctuation(address: string): string {
  let end = address.length;
  while (end > 0 && ".,;:!?*_".includes(address[end - 1] ?? " ")) end--;
  return address.slice(0, end);
}

function push(targets: string[], target: string | undefined): void {
  if (target !== undefined && target !== "" && targets.length < linksPerPieceMax) targets.push(target);
}
