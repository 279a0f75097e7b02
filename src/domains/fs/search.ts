/** Searching the files of a folder, a page at a time: bounded by what is found, by files, bytes and time. */
import { wordMatcher, type WordMatcher } from "../../base/word-match.ts";
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NoWords, type Search } from "./contract.ts";
import { FolderFault, type OpenFolder } from "./port.ts";
import type { FolderReader } from "./reader.ts";

const limitDefault = 100;
/** Bounds of one page: some seconds of work. */
const entriesLookedAtMax = 20_000;
const bytesSearchedMax = 64_000_000;
const searchMsMax = 5_000;
/** Of one file; what lies behind is told as skipped. */
const fileBytesMax = 8_000_000;
/** Lines of one file that are shown, so that one file does not hide the others. */
const shownEachMax = 20;
const lineCharsMax = 300;
/** What stands before the first word in a line that is cut. */
const beforeWordChars = 80;
const skippedMax = 100;

type Input = Static<typeof Search.input>;
type Output = Static<typeof Search.output>;

export function search(input: Input, ctx: Context, reader: FolderReader): Promise<Output> {
  const words = wordMatcher(input.words);
  if (words.words === 0) throw new Problem(NoWords, "there is no word to search for", { next: "give a word" });
  const files = input.files === undefined ? null : wordMatcher(`"${input.files.replaceAll('"', "")}"`);
  return reader.within(input.folder, ctx, (open) => searchIn(open, input, { ctx, reader, words, files }));
}

interface Searching {
  readonly ctx: Context;
  readonly reader: FolderReader;
  readonly words: WordMatcher;
  readonly files: WordMatcher | null;
}

async function searchIn(open: OpenFolder, input: Input, { ctx, reader, words, files }: Searching): Promise<Output> {
  const { limit = limitDefault, around = 0, afterPath } = input;
  const answer: Output = { found: [], more: [], searchedFiles: 0, searchedBytes: 0, nextAfterPath: null, skipped: [] };
  const startedMs = ctx.now();
  const walk = open.walk({
    signal: ctx.signal,
    limit: entriesLookedAtMax,
    entriesMax: entriesLookedAtMax,
    ignoreFiles: true,
    ...(afterPath === undefined ? {} : { afterPath }),
  });
  const isEnough = (): boolean =>
    answer.found.length >= limit || answer.searchedBytes >= bytesSearchedMax || ctx.now() - startedMs >= searchMsMax;
  let stoppedAt: string | null = null;
  for await (const { path, kind } of walk) {
    if (kind === "file" && (files === null || files.find(path) >= 0)) {
      const text = await textOf(open, path, { ctx, reader, answer });
      if (text !== null) take(text, { path, words, around, room: limit - answer.found.length, answer });
    }
    if (!isEnough()) continue;
    stoppedAt = path;
    break;
  }
  const skipped = [...answer.skipped, ...walk.skipped.map(({ path, reason }) => ({ path, reason }))];
  return { ...answer, nextAfterPath: stoppedAt ?? walk.nextAfterPath, skipped: skipped.slice(0, skippedMax) };
}

interface Reading {
  readonly ctx: Context;
  readonly reader: FolderReader;
  readonly answer: Output;
}

/** Null for what is no text, and for what went or closed meanwhile, which is told. */
async function textOf(open: OpenFolder, path: string, { ctx, reader, answer }: Reading): Promise<string | null> {
  try {
    const read = await reader.readText(open, path, { signal: ctx.signal, sizeBytesMax: fileBytesMax });
    answer.searchedFiles += 1;
    answer.searchedBytes += read.file.bytes.byteLength;
    if (read.kind === "binary") return null;
    if (read.file.isTruncated) answer.skipped.push({ path, reason: "too-large" });
    return read.text;
  } catch (error) {
    if (!(error instanceof FolderFault)) throw error;
    answer.skipped.push({ path, reason: error.code });
    return null;
  }
}

interface Taking {
  readonly path: string;
  readonly words: WordMatcher;
  readonly around: number;
  readonly room: number;
  readonly answer: Output;
}

function take(text: string, { path, words, around, room, answer }: Taking): void {
  const lines = text.split(/\r\n|\n|\r/);
  const shownMax = Math.min(room, shownEachMax);
  let found = 0;
  for (const [index, line] of lines.entries()) {
    const at = words.find(line);
    if (at < 0) continue;
    found += 1;
    if (found > shownMax) continue;
    answer.found.push({
      path,
      line: index + 1,
      text: cut(line, at),
      before: lines.slice(Math.max(0, index - around), index).map((each) => cut(each, 0)),
      after: lines.slice(index + 1, index + 1 + around).map((each) => cut(each, 0)),
    });
  }
  if (found > shownMax) answer.more.push({ path, lines: found - shownMax });
}

/** No half characters at the ends. */
function cut(line: string, at: number): string {
  if (line.length <= lineCharsMax) return line;
  const from = Math.max(0, Math.min(at - beforeWordChars, line.length - lineCharsMax));
  return line.slice(from, from + lineCharsMax).toWellFormed();
}
