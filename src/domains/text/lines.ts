/** Offsets of the lines of a text: line `n` (1-based) is `[starts[n - 1], ends[n - 1])`, without its line break. */
export type LineTable = {
  readonly text: string;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly count: number;
};

/**
 * Rules look at no more than this many characters at once. A paragraph kept on one line fits; a megabyte on one line is
 * read in pieces, which keeps every pattern's cost proportional to the text.
 */
export const pieceLengthMax = 4096;

export function readLines(text: string): LineTable {
  // Files of old Macs break lines with a lone CR; in all others a lone CR is just a blank.
  const lineBreak = text.includes("\n") ? "\n" : "\r";
  const count = countLines(text, lineBreak);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  let start = 0;
  for (let index = 0; index < count; index++) {
    const found = text.indexOf(lineBreak, start);
    const next = found === -1 ? text.length : found;
    starts[index] = start;
    ends[index] = next > start && text.charCodeAt(next - 1) === 13 ? next - 1 : next;
    start = next + 1;
  }
  return { text, starts, ends, count };
}

export function lineText(lines: LineTable, index: number, lengthMax = pieceLengthMax): string {
  const start = lines.starts[index] ?? 0;
  return lines.text.slice(start, Math.min(lines.ends[index] ?? 0, start + lengthMax));
}

/** Calls `visit` with each line, and with a very long line piece by piece, cut at blanks where there are any. */
export function eachPiece(lines: LineTable, visit: (piece: string, index: number) => void): void {
  for (let index = 0; index < lines.count; index++) {
    let start = lines.starts[index] ?? 0;
    const end = lines.ends[index] ?? 0;
    while (end - start > pieceLengthMax) {
      const piece = lines.text.slice(start, start + pieceLengthMax);
      const blank = piece.lastIndexOf(" ");
      const length = blank > pieceLengthMax / 2 ? blank : pieceLengthMax;
      visit(piece.slice(0, length), index);
      start += length;
    }
    if (end > start) visit(lines.text.slice(start, end), index);
  }
}

function countLines(text: string, lineBreak: string): number {
  if (text === "") return 0;
  let count = 0;
  let at = text.indexOf(lineBreak);
  while (at !== -1) {
    count++;
    at = text.indexOf(lineBreak, at + 1);
  }
  return text.endsWith(lineBreak) ? count : count + 1;
}

/** The text, or its beginning with `…` at the end. */
export function cutText(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1).trimEnd()}…`;
}
