/** What a change does to a text file, as a unified diff that a person reads before agreeing to it. */
import { formatPatch, structuredPatch } from "diff";

export interface UnifiedDiffOptions {
  /** Shown in the header as `a/…` and `b/…`. */
  readonly path: string;
  readonly before: string;
  readonly after: string;
  readonly contextLines?: number;
  /** Lines of diff at most, headers of files not counted. */
  readonly linesMax?: number;
}

export interface UnifiedDiff {
  /** Empty when nothing changed. */
  readonly text: string;
  readonly addedLines: number;
  readonly removedLines: number;
  /** The text does not show everything; the counts do. */
  readonly isTruncated: boolean;
}

/** Three screens: nobody reads further before answering. */
const linesMaxDefault = 400;

/** Beyond this many characters of both texts even splitting into lines is felt. */
const charactersMax = 4_000_000;

/**
 * Edits looked for at most: the search takes their square, and this many keeps it under a tenth of a second (two texts of
 * 4,000 lines took 54 to 73 ms).
 */
const editsMax = 1_000;

export function unifiedDiff(options: UnifiedDiffOptions): UnifiedDiff {
  const { path, before, after, contextLines = 3, linesMax = linesMaxDefault } = options;
  if (before === after) return { text: "", addedLines: 0, removedLines: 0, isTruncated: false };
  if (before.length + after.length > charactersMax) return replacement(options);
  const patch = structuredPatch(`a/${path}`, `b/${path}`, before, after, undefined, undefined, {
    context: contextLines,
    // A new or a removed file has nothing to search for.
    maxEditLength: before === "" || after === "" ? Number.POSITIVE_INFINITY : editsMax,
  });
  if (patch === undefined) return replacement(options);

  let addedLines = 0;
  let removedLines = 0;
  for (const hunk of patch.hunks) {
    for (const line of hunk.lines) {
      if (line.startsWith("+")) addedLines += 1;
      else if (line.startsWith("-")) removedLines += 1;
    }
  }
  const body = bodyOf(formatPatch(patch));
  const isTruncated = body.length > linesMax;
  const shown = isTruncated ? [...body.slice(0, linesMax), `… ${body.length - linesMax} more lines`] : body;
  return { text: [...header(path), ...shown, ""].join("\n"), addedLines, removedLines, isTruncated };
}

/** Without the headers: ours come without the index line and the tab that the library adds. */
function bodyOf(patchText: string): string[] {
  const lines = patchText.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const start = lines.findIndex((line) => line.startsWith("@@"));
  return start === -1 ? [] : lines.slice(start);
}

function header(path: string): string[] {
  return [`--- a/${path}`, `+++ b/${path}`];
}

/** Too much changed to look for the shortest way: says how much, and shows none of it. */
function replacement({ path, before, after }: UnifiedDiffOptions): UnifiedDiff {
  const removedLines = countLines(before);
  const addedLines = countLines(after);
  const summary = `… the whole file is replaced; lines before: ${removedLines}, after: ${addedLines}`;
  return { text: [...header(path), summary, ""].join("\n"), addedLines, removedLines, isTruncated: true };
}

function countLines(text: string): number {
  if (text === "") return 0;
  let count = text.endsWith("\n") ? 0 : 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
