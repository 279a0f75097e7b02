/**
 * Markdown of agents as plain values. What is not understood stays text; HTML is never anything else, and nothing is fetched.
 * A text is cut into blocks first, so that a block that has ended is never read again while more comes. Pure.
 */

export interface RawBlock {
  readonly kind: "code" | "heading" | "rule" | "quote" | "list" | "table" | "text";
  readonly lines: readonly string[];
}

export type Inline =
  | { readonly kind: "text" | "code"; readonly text: string }
  | { readonly kind: "strong" | "emphasis"; readonly parts: readonly Inline[] }
  | { readonly kind: "link"; readonly text: string; readonly url: string; readonly host: string }
  | { readonly kind: "picture"; readonly text: string; readonly host: string };

export interface ListItem {
  /** How far it is set in, from 0. */
  readonly depth: number;
  /** Null in a list without numbers. */
  readonly number: number | null;
  readonly text: string;
}

const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/u;
const headingLine = /^ {0,3}#{1,6}\s+(.*?)\s*#*$/u;
const ruleLine = /^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$/u;
const quoteLine = /^ {0,3}>\s?/u;
const itemLine = /^(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/u;
const tableLine = /^\s*\|.*\|\s*$/u;

export function rawBlocks(text: string): readonly RawBlock[] {
  const blocks: { kind: RawBlock["kind"]; lines: string[] }[] = [];
  let open: { kind: RawBlock["kind"]; lines: string[] } | null = null;
  let closing: RegExp | null = null;
  const begin = (kind: RawBlock["kind"], line: string): void => {
    open = { kind, lines: [line] };
    blocks.push(open);
  };
  for (const line of text.replaceAll("\r\n", "\n").split("\n")) {
    const current = open as { kind: RawBlock["kind"]; lines: string[] } | null;
    if (closing !== null && current !== null) {
      current.lines.push(line);
      if (closing.test(line)) [open, closing] = [null, null];
      continue;
    }
    const mark = fence.exec(line)?.[1];
    if (mark !== undefined) {
      begin("code", line);
      closing = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}\\s*$`, "u");
      continue;
    }
    const kind = kindOf(line);
    if (kind === null) open = null;
    else if (current !== null && goesOn(current.kind, kind, line)) current.lines.push(line);
    else begin(kind, line);
    if (kind === "heading" || kind === "rule") open = null;
  }
  return blocks;
}

function kindOf(line: string): Exclude<RawBlock["kind"], "code"> | null {
  if (line.trim() === "") return null;
  if (headingLine.test(line)) return "heading";
  if (ruleLine.test(line)) return "rule";
  if (quoteLine.test(line)) return "quote";
  if (itemLine.test(line)) return "list";
  return tableLine.test(line) ? "table" : "text";
}

/** A line of plain text goes on with the item or the quote above it. */
const goesOn = (open: RawBlock["kind"], kind: RawBlock["kind"], line: string): boolean =>
  open === kind || (kind === "text" && (open === "quote" || (open === "list" && /^\s/u.test(line))));

export function codeOf({ lines }: RawBlock): { readonly language: string; readonly text: string } {
  const [first = "", ...rest] = lines;
  const isClosed = rest.length > 0 && /^ {0,3}(`{3,}|~{3,})\s*$/u.test(rest.at(-1) ?? "");
  return { language: fence.exec(first)?.[2] ?? "", text: (isClosed ? rest.slice(0, -1) : rest).join("\n") };
}

export const headingOf = ({ lines }: RawBlock): string => headingLine.exec(lines[0] ?? "")?.[1] ?? "";

export const quoteOf = ({ lines }: RawBlock): string => lines.map((line) => line.replace(quoteLine, "")).join("\n");

/** Deeper ones are shown as deep as this. */
const depthMax = 4;

export function itemsOf({ lines }: RawBlock): readonly ListItem[] {
  const items: { depth: number; number: number | null; text: string }[] = [];
  for (const line of lines) {
    const [, indent = "", digits, text = ""] = itemLine.exec(line) ?? [];
    const last = items.at(-1);
    if (!itemLine.test(line) && last) last.text += `\n${line.trim()}`;
    else items.push({ depth: Math.min(depthMax, indent.length >> 1), number: digits ? Number(digits) : null, text });
  }
  return items;
}

/** Rows of cells; the first is the head where the second only draws a line. */
export function tableOf({ lines }: RawBlock): { readonly hasHead: boolean; readonly rows: readonly string[][] } {
  const rows = lines.map((line) =>
    line
      .trim()
      .slice(1, -1)
      .split(/(?<!\\)\|/u)
      .map((cell) => cell.trim().replaceAll("\\|", "|")),
  );
  const hasHead = rows[1]?.every((cell) => /^:?-+:?$/u.test(cell)) ?? false;
  return { hasHead, rows: hasHead ? rows.filter((_row, index) => index !== 1) : rows };
}

const inline =
  /(?<code>(?<ticks>`+)(?!`).+?(?<!`)\k<ticks>(?!`))|(?<bang>!?)\[(?<label>[^\]\n]{0,500})\]\((?<target>[^\s()]{1,2000})(?:\s+"[^"\n]{0,300}")?\)|(?<bare>https?:\/\/[^\s<>"')\]]{1,2000})|(?<star>\*\*|__)(?=\S)(?<strong>.+?)(?<=\S)\k<star>|(?<![\p{L}\p{N}])(?<one>[*_])(?=\S)(?<emphasis>[^*_\n]+?)(?<=\S)\k<one>(?![\p{L}\p{N}])/gsu;

/** Looking for pairs of marks takes longer than linear time; a longer text stays as it is. */
const inlineCharsMax = 5_000;
const nestingMax = 3;

export function inlinesOf(text: string, depth = 0): readonly Inline[] {
  if (text.length > inlineCharsMax || depth > nestingMax) return [{ kind: "text", text }];
  const parts: Inline[] = [];
  let from = 0;
  for (const match of text.matchAll(inline)) {
    if (match.index > from) parts.push({ kind: "text", text: text.slice(from, match.index) });
    parts.push(partOf(match, depth));
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ kind: "text", text: text.slice(from) });
  return parts;
}

function partOf(match: RegExpExecArray, depth: number): Inline {
  const { code, ticks = "", bang, label = "", target, bare, strong, emphasis } = match.groups ?? {};
  if (code !== undefined) return { kind: "code", text: code.slice(ticks.length, -ticks.length).trim() };
  if (strong !== undefined) return { kind: "strong", parts: inlinesOf(strong, depth + 1) };
  if (emphasis !== undefined) return { kind: "emphasis", parts: inlinesOf(emphasis, depth + 1) };
  const url = webAddress(bare ?? target ?? "");
  if (bang === "!") return { kind: "picture", text: label, host: url?.host ?? "" };
  // A link that leads nowhere on the web is what somebody wrote, not something to press.
  if (url === null) return { kind: "text", text: match[0] };
  return { kind: "link", text: bare ?? label, url: url.href, host: url.host };
}

function webAddress(text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return (url.protocol === "https:" || url.protocol === "http:") && url.username === "" ? url : null;
}
