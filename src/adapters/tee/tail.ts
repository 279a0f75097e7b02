/** Where a file of lines ends in truth: its last whole line, without what a crash left behind it. */
import { basename } from "node:path";
import type { TeeFile, TeeFiles } from "./files.ts";
import { lineLengthMax } from "./lines.ts";
import { archivedPath, rotatedNumbers, rotatedPath } from "./names.ts";

const chunkBytes = 65_536;
const newline = 10;
/** What is younger than the last sync lies within this: a second of lines at the most that a hub commits. */
const checkedBytes = 64_000_000;

/** The event that a line holds, as far as the tee needs it. */
export interface LineMark {
  readonly seq: number;
  readonly id: string;
}

/**
 * Where lines of the journal in their turn end, and the last one's event; null when there is none. A power cut may leave a
 * hole before lines that are whole, so all that may not have been synced is looked at.
 */
export async function findTail(file: TeeFile): Promise<{ readonly sizeBytes: number; readonly last: LineMark | null }> {
  const sizeBytes = await file.sizeBytes();
  const begin = await lineEndBefore(file, Math.max(0, sizeBytes - checkedBytes));
  const before = await lastLine(file, begin);
  const found = await walkLines(file, { begin: before.end, last: before.mark });
  return { sizeBytes: found.end, last: found.last };
}

/** The last line before `end` that names an event. */
async function lastLine(file: TeeFile, end: number): Promise<{ readonly end: number; readonly mark: LineMark | null }> {
  for (let to = end; to > 0; ) {
    const begin = await lineEndBefore(file, to - 1);
    const mark = markOf(await textAt(file, begin, to - 1));
    if (mark !== null) return { end: to, mark };
    to = begin;
  }
  return { end: 0, mark: null };
}

interface Walked {
  readonly end: number;
  readonly last: LineMark | null;
}

/** Forward, line by line, as long as each follows the one before; answers where that ends. */
async function walkLines(
  file: TeeFile,
  from: { readonly begin: number; readonly last: LineMark | null },
): Promise<Walked> {
  let { begin: end, last } = from;
  let rest = Buffer.alloc(0);
  for (let position = end; ; ) {
    const bytes = await file.read(position, chunkBytes);
    if (bytes.length === 0) return { end, last };
    position += bytes.length;
    rest = Buffer.concat([rest, bytes]);
    for (let at = rest.indexOf(newline); at >= 0; at = rest.indexOf(newline)) {
      const mark = quickMarkOf(rest.toString("utf8", 0, at));
      if (mark === null || (last !== null && mark.seq !== last.seq + 1)) return { end, last };
      last = mark;
      end += at + 1;
      rest = rest.subarray(at + 1);
    }
    if (rest.length > lineLengthMax) return { end, last };
  }
}

/** Without taking the whole line apart: what a cut leaves in a line that was written in one piece is zeros, or its end missing. */
function quickMarkOf(line: string): LineMark | null {
  const found = /^\{"seq":(\d{1,16}),"id":"([^"]{1,100})",/u.exec(line.slice(0, 200));
  if (found === null || !line.endsWith("}") || line.includes("\0")) return null;
  return { seq: Number(found[1]), id: found[2] ?? "" };
}

/** Position behind the last newline before `end`; 0 when there is none. */
async function lineEndBefore(file: TeeFile, end: number): Promise<number> {
  for (let to = end; to > 0; ) {
    const from = Math.max(0, to - chunkBytes);
    const bytes = await file.read(from, to - from);
    const at = bytes.lastIndexOf(newline);
    if (at >= 0) return from + at + 1;
    to = from;
  }
  return 0;
}

const textAt = async (file: TeeFile, from: number, to: number): Promise<string> =>
  new TextDecoder().decode(await file.read(from, to - from));

function markOf(line: string): LineMark | null {
  try {
    const { seq, id } = JSON.parse(line) as { readonly seq?: unknown; readonly id?: unknown };
    return Number.isSafeInteger(seq) && typeof id === "string" ? { seq: seq as number, id } : null;
  } catch {
    return null;
  }
}

/** The last event of the newest rotated file that can be read; null when there is none. */
export async function lastRotated(files: TeeFiles, path: string): Promise<LineMark | null> {
  const names = new Set(await files.namesBeside(path));
  for (const number of rotatedNumbers(path, [...names])) {
    for (const candidate of [rotatedPath(path, number), archivedPath(path, number)]) {
      if (!names.has(basename(candidate))) continue;
      const last = await lastOf(files.lines(candidate));
      if (last !== null) return last;
    }
  }
  return null;
}

async function lastOf(lines: AsyncIterable<string>): Promise<LineMark | null> {
  let last: LineMark | null = null;
  try {
    for await (const line of lines) last = markOf(line) ?? last;
  } catch {
    // A damaged archive says what it still can; the importer names the damage.
  }
  return last;
}

/** When the file's first event happened; null when it has none. The time stands before the data, near the front. */
export async function firstTimeMs(file: TeeFile): Promise<number | null> {
  return timeOf(new TextDecoder().decode(await file.read(0, 512)));
}

export function timeOf(text: string): number | null {
  const found = /"timeMs":(\d{1,16})/u.exec(text.slice(0, 512));
  return found === null ? null : Number(found[1]);
}
