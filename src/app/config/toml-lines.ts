/**
 * Finds the line on which a TOML document sets a key. The parser gives values without positions, and a fault that names its
 * line is worth this much. Expects a document that parsed; in any other it finds fewer keys, and never fails.
 */

/** Deeper lists have the line of what holds them: nobody reads a path that long. */
const itemDepthMax = 12;

/**
 * Dotted path of each key and table to the line, from 1, that sets it first. Items of `[[…]]` and of lists have their index in
 * the path: `contract.0.id`.
 */
export function tomlLines(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  const scan: Scan = { text, at: 0, line: 1, lines };
  const counts = new Map<string, number>();
  let table: readonly string[] = [];
  for (skipBlank(scan); scan.at < text.length; skipBlank(scan)) {
    const before = scan.at;
    if (text[scan.at] === "[") {
      const isItem = text.startsWith("[[", scan.at);
      while (text[scan.at] === "[") scan.at += 1;
      table = readPath(scan);
      if (isItem) table = [...table, nextIndex(counts, table.join("."))];
      note(scan, table);
      skipPast(scan, "]");
    } else {
      readPair(scan, table);
    }
    if (scan.at === before) scan.at += 1;
  }
  return lines;
}

interface Scan {
  readonly text: string;
  at: number;
  line: number;
  readonly lines: Map<string, number>;
}

function nextIndex(counts: Map<string, number>, path: string): string {
  const index = counts.get(path) ?? 0;
  counts.set(path, index + 1);
  return String(index);
}

function note(scan: Scan, path: readonly string[]): void {
  // Whoever asks for the first of several items need not count them.
  const plain = path.filter((part) => !/^\d+$/u.test(part));
  if (plain.length < path.length && plain.length > 0) note(scan, plain);
  // Tables that a dotted path or a header makes on its way count as set there, too.
  for (let length = 1; length <= path.length; length += 1) {
    const key = path.slice(0, length).join(".");
    if (!scan.lines.has(key)) scan.lines.set(key, scan.line);
  }
}

/** Spaces, newlines, comments and commas. */
function skipBlank(scan: Scan): void {
  for (let at = scan.text[scan.at]; at !== undefined; at = scan.text[scan.at]) {
    if (at === "#") skipComment(scan);
    else if (at === "\n") {
      scan.line += 1;
      scan.at += 1;
    } else if (at === " " || at === "\t" || at === "\r" || at === ",") scan.at += 1;
    else return;
  }
}

function skipComment(scan: Scan): void {
  const end = scan.text.indexOf("\n", scan.at);
  scan.at = end < 0 ? scan.text.length : end;
}

function skipPast(scan: Scan, mark: string): void {
  while (scan.text[scan.at] === mark) scan.at += 1;
}

function skipSpaces(scan: Scan): void {
  while (scan.text[scan.at] === " " || scan.text[scan.at] === "\t") scan.at += 1;
}

/** `a.b."c d"`, with spaces around the dots; stops behind it. */
function readPath(scan: Scan): readonly string[] {
  const path: string[] = [];
  for (;;) {
    skipSpaces(scan);
    const mark = scan.text[scan.at];
    path.push(mark === '"' || mark === "'" ? readString(scan) : readBare(scan));
    skipSpaces(scan);
    if (scan.text[scan.at] !== ".") return path;
    scan.at += 1;
  }
}

function readBare(scan: Scan): string {
  const from = scan.at;
  while (/[A-Za-z0-9_-]/u.test(scan.text[scan.at] ?? "")) scan.at += 1;
  return scan.text.slice(from, scan.at);
}

function readPair(scan: Scan, table: readonly string[]): void {
  const path = [...table, ...readPath(scan)];
  note(scan, path);
  if (scan.text[scan.at] !== "=") return;
  scan.at += 1;
  skipSpaces(scan);
  readValue(scan, path);
}

function readValue(scan: Scan, path: readonly string[]): void {
  const mark = scan.text[scan.at];
  if (mark === '"' || mark === "'") readString(scan);
  else if (mark === "{") readGroup(scan, "}", () => readPair(scan, path));
  else if (mark === "[") {
    let index = 0;
    readGroup(scan, "]", () => readItem(scan, path, String(index++)));
  } else while (/[^\s,\]}#]/u.test(scan.text[scan.at] ?? " ")) scan.at += 1;
}

function readItem(scan: Scan, list: readonly string[], index: string): void {
  if (list.length >= itemDepthMax) return readValue(scan, list);
  const path = [...list, index];
  note(scan, path);
  readValue(scan, path);
}

function readGroup(scan: Scan, end: string, readItem: () => void): void {
  scan.at += 1;
  for (skipBlank(scan); scan.at < scan.text.length && scan.text[scan.at] !== end; skipBlank(scan)) {
    const before = scan.at;
    readItem();
    if (scan.at === before) scan.at += 1;
  }
  scan.at += 1;
}

/** A string of any of the four kinds; answers its text as written, which is enough for keys. */
function readString(scan: Scan): string {
  const mark = scan.text[scan.at] ?? "";
  const fence = scan.text.startsWith(mark.repeat(3), scan.at) ? mark.repeat(3) : mark;
  scan.at += fence.length;
  const from = scan.at;
  while (scan.at < scan.text.length && !scan.text.startsWith(fence, scan.at)) {
    if (scan.text[scan.at] === "\\" && mark === '"') scan.at += 1;
    if (scan.text[scan.at] === "\n") scan.line += 1;
    scan.at += 1;
  }
  const text = scan.text.slice(from, scan.at);
  scan.at += fence.length;
  // A long string may end in quotes of its own, right before the fence.
  while (fence.length === 3 && scan.text[scan.at] === mark) scan.at += 1;
  return text;
}
