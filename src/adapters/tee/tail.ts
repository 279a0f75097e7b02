/** Where a file of lines ends in truth: its last whole line, without what a crash left behind it. */
import { basename } from "node:path";
import type { TeeFile, TeeFiles } from "./files.ts";
import { archivedPath, rotatedNumbers, rotatedPath } from "./names.ts";

const chunkBytes = 65_536;
const newline = 10;

/** The event that a line holds, as far as the tee needs it. */
export interface LineMark {
  readonly seq: number;
  readonly id: string;
}

/** Cuts off what is no whole line, and answers the last one's event; null when none is left. */
export async function mendTail(file: TeeFile): Promise<{ readonly sizeBytes: number; readonly last: LineMark | null }> {
  const sizeBytes = await file.sizeBytes();
  let end = await lineEndBefore(file, sizeBytes);
  let last: LineMark | null = null;
  while (end > 0) {
    const begin = await lineEndBefore(file, end - 1);
    last = markOf(await textAt(file, begin, end - 1));
    if (last !== null) break;
    end = begin;
  }
  if (end < sizeBytes) await file.truncate(end);
  return { sizeBytes: end, last };
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
