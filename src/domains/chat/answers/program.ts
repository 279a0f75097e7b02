/**
 * The agent that answers without a model: it looks for the passages of a folder's files that fit the question best, and quotes
 * them as they stand. What a file says is never done, only shown.
 */
import { showControls } from "../../../base/text-marks.ts";
import { isProblem, Problem } from "../../../contract/problem.ts";
import { checkerOf, type Static } from "../../../contract/schema.ts";
import { Denied, InvalidInput } from "../../../contract/standard-problems.ts";
import { type AgentProgram, type Tools, Turn, type TurnAnswer } from "../../agents/contract.ts";
import { FileNotFound, FileRefused, FileTooLarge, FileUnreadable, List, Read, Search } from "../../fs/contract.ts";
import { passagesOf } from "./passages.ts";
import { createIndex, type Index, type Ranked } from "./rank.ts";
import { searchWords } from "./search-words.ts";
import { wordsOf } from "./words.ts";

export const answersId = "answers";
/** What a run of it is granted in the conversation's folder, and all that it calls. */
const tools = [List, Read, Search];
export const answersKeys: readonly string[] = tools.map(({ id }) => id.replaceAll(".", ":"));

/** Files looked at, and how much of them, so that an answer comes within seconds; what is left out is told. */
const filesMax = 400;
const charsMax = 6_000_000;
const pageEntries = 1000;
const listedMax = 20_000;
const fileBytesMax = 1_000_000;
const pageLines = 1000;
const quotesMax = 5;
const leftOutToldMax = 10;

/** What is not text by its name is not opened. */
const isText =
  /\.(?:md|markdown|txt|text|rst|org|adoc|csv|tsv|json|jsonl|ya?ml|toml|ini|html?|xml|tex|log|eml|vtt|srt|[cm]?[jt]sx?|py|rb|go|rs|java|kt|swift|c|h|cpp|hpp|cs|php|sh|sql|css)$|(?:^|\/)[^./]+$/i;

export const answers: AgentProgram = {
  id: answersId,
  about: "Answers from your files in their own words, with the place of each; it asks no model.",
  model: "none",
  tools,
  async run(given, tools) {
    if (!checkerOf(Turn).check(given))
      throw new Problem(InvalidInput, "the agent answers turns of a conversation; `arw chat FOLDER` begins one", {
        faults: checkerOf(Turn).faults(given),
      });
    const turn = given as Turn;
    const reading = createReading(tools);
    const asked = askedWords(turn);
    const found = asked.length === 0 || turn.folder === undefined ? [] : await look(turn, asked, reading);
    for (const { path, line, text } of found)
      await tools.believe({
        topic: "Answer",
        statement: `${path}:${line} says: ${oneLine(text)}`,
        sources: [{ path, line }],
      });
    const { notDone } = reading;
    const answer: TurnAnswer = {
      text: found.length === 0 ? nothingFits(turn, asked, reading) : quoted(found),
      citations: found.map(({ path, line, digest }) => ({ path, line, digest })),
      isExtractive: true,
      spent: { steps: reading.steps(), inputTokens: 0, outputTokens: 0, microUsd: 0, durationMs: 0 },
    };
    const outcome =
      found.length === 0
        ? "Found nothing that fits."
        : `Quoted ${count(found.length, "passage")} from ${count(new Set(found.map(({ path }) => path)).size, "file")}.`;
    return { outcome, notDone: [...notDone], output: answer };
  },
};

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
const oneLine = (text: string): string => showControls(text).replaceAll(/\s+/g, " ").trim().slice(0, 700);

/** A question of hardly any words goes on from the one before: "and when?". */
function askedWords({ task, history = [] }: Turn): readonly string[] {
  const words = wordsOf(task);
  const before = history.findLast(({ role }) => role === "user");
  return words.length >= 2 || before === undefined ? words : [...words, ...wordsOf(before.text)];
}

interface Reading {
  readonly tools: Tools;
  readonly notDone: string[];
  steps(): number;
  files(): number;
  /** Makes a call and counts it. */
  call: Tools["call"];
  /** A file was read. */
  hasRead(): void;
  leftOut(path: string, why: string): void;
}

function createReading(given: Tools): Reading {
  const notDone: string[] = [];
  let steps = 0;
  let files = 0;
  let untold = 0;
  return {
    tools: given,
    notDone,
    steps: () => steps,
    files: () => files,
    call(operation, input, summary) {
      steps += 1;
      return given.call(operation, input, summary);
    },
    hasRead: () => void (files += 1),
    leftOut(path, why) {
      if (notDone.length < leftOutToldMax) notDone.push(`${showControls(path)} was not read: ${why}`);
      else {
        untold += 1;
        notDone[leftOutToldMax] = `${untold} more files were not read`;
      }
    },
  };
}

async function look(turn: Turn, asked: readonly string[], reading: Reading): Promise<readonly Ranked[]> {
  const { folder = "", attachments = [] } = turn;
  const index = createIndex(asked);
  const { paths, isSearched } =
    attachments.length > 0
      ? { paths: attachments.map(({ path }) => path), isSearched: false }
      : await inOrder(await listed(folder, asked, reading), asked, { folder, reading });
  let charsLeft = charsMax;
  for (const [place, path] of paths.entries()) {
    if (place === filesMax || charsLeft <= 0) {
      const why = isSearched
        ? "were searched, and hold less of what you asked for than those that were read"
        : "were not looked at; ask about a smaller folder";
      reading.notDone.unshift(`${count(paths.length - place, "file")} of ${paths.length} ${why}`);
      break;
    }
    reading.tools.progress({ phase: "reading", done: place, total: paths.length, unit: "files" });
    const file = await readFile(folder, path, { reading, charsLeft });
    if (file === null) continue;
    reading.hasRead();
    charsLeft -= file.chars;
    const attached = attachments.find((each) => each.path === path);
    if (attached !== undefined && attached.digest !== file.digest)
      reading.notDone.push(`${path} changed since it was attached, and was read as it is now`);
    addAll(file, path, index);
  }
  return index.best(quotesMax);
}

/** Of more files than are read those come first that hold most words of the question. */
async function inOrder(
  paths: readonly string[],
  asked: readonly string[],
  { folder, reading }: { readonly folder: string; readonly reading: Reading },
): Promise<{ readonly paths: readonly string[]; readonly isSearched: boolean }> {
  if (paths.length <= filesMax) return { paths, isSearched: false };
  const { held, isWhole } = await searchWords(folder, asked, reading.call);
  const heldBy = (path: string): number => held.get(path) ?? 0;
  // Sorting keeps the order of files that hold as many.
  return { paths: paths.toSorted((one, other) => heldBy(other) - heldBy(one)), isSearched: isWhole };
}

interface TextFile {
  readonly lines: readonly string[];
  readonly digest: string;
  readonly chars: number;
}

function addAll({ lines, digest }: TextFile, path: string, index: Index): void {
  for (const passage of passagesOf(lines)) index.add({ ...passage, path, digest });
}

/** Text files of the folder: those that are named after what was asked first, then by their paths. */
async function listed(folder: string, asked: readonly string[], reading: Reading): Promise<readonly string[]> {
  const paths: string[] = [];
  let afterPath: string | null = null;
  for (let seen = 0; seen < listedMax; seen += pageEntries) {
    const more = afterPath === null ? {} : { afterPath };
    const page: Static<typeof List.output> = await reading.call(
      List,
      { folder, limit: pageEntries, ...more },
      afterPath === null ? "List the folder" : `List the folder after ${showControls(afterPath)}`,
    );
    for (const { kind, path, sizeBytes } of page.entries) {
      if (kind !== "file" || !isText.test(path)) continue;
      if (sizeBytes > fileBytesMax) reading.leftOut(path, "it is over 1 MB");
      else paths.push(path);
    }
    if (page.nextAfterPath === null) break;
    afterPath = page.nextAfterPath;
  }
  const isNamed = (path: string): boolean => wordsOf(path).some((word) => asked.includes(word));
  return [...paths.filter(isNamed), ...paths.filter((path) => !isNamed(path))];
}

interface ReadingFile {
  readonly reading: Reading;
  readonly charsLeft: number;
}

/** Null when it cannot be read as text; the answer says so. */
async function readFile(folder: string, path: string, { reading, charsLeft }: ReadingFile): Promise<TextFile | null> {
  const lines: string[] = [];
  let chars = 0;
  let digest = "";
  try {
    for (let fromLine = 1; chars < charsLeft; ) {
      const summary = fromLine === 1 ? `Read ${path}` : `Read ${path} from line ${fromLine} on`;
      const page = await reading.call(Read, { folder, path, fromLine, lines: pageLines }, showControls(summary));
      // A file that changes between two pages is one text no more.
      if (digest !== "" && page.digest !== digest) break;
      ({ digest } = page);
      chars += page.text.length;
      for (const line of page.text.split("\n")) lines.push(line);
      if (page.text === "" || page.toLine >= page.totalLines) break;
      fromLine = page.toLine + 1;
    }
    return { lines, digest, chars };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    reading.leftOut(path, error.message);
    return null;
  }
}

const isUnreadable = (error: unknown): error is Problem =>
  [FileNotFound, FileRefused, FileTooLarge, FileUnreadable, Denied].some((each) => isProblem(error, each));

/** Each passage as it stands, in a fence that nothing in it can end: no link, picture or heading of a file becomes one here. */
function quoted(found: readonly Ranked[]): string {
  return found
    .map(({ path, line, heading, text }) => {
      const place = inCode(`${path}:${line}`);
      const under = heading === "" ? "" : `, under ${inCode(heading)}`;
      const shown = showControls(text).toWellFormed();
      const marks = "`".repeat(Math.max(3, longestRow(shown) + 1));
      return `${place}${under}\n\n${marks}text\n${shown}\n${marks}`;
    })
    .join("\n\n");
}

const longestRow = (text: string): number => Math.max(0, ...Array.from(text.matchAll(/`+/g), ([row]) => row.length));

function inCode(text: string): string {
  const shown = oneLine(text).toWellFormed();
  const marks = "`".repeat(longestRow(shown) + 1);
  return marks.length === 1 ? `${marks}${shown}${marks}` : `${marks} ${shown} ${marks}`;
}

/** Says what was looked for and where, so that the person can ask otherwise. */
function nothingFits({ folder, attachments = [] }: Turn, asked: readonly string[], reading: Reading): string {
  if (folder === undefined)
    return "This conversation is about no folder, and no model is set up, so there is nothing to look in. Begin one with a folder: `arw chat FOLDER`.";
  if (asked.length === 0)
    return "There is no word in the question to look for. Ask with words that may stand in your files.";
  const where = attachments.length > 0 ? "what you attached" : count(reading.files(), "file");
  const words = [...new Set(asked)].slice(0, 8).map(inCode).join(", ");
  return `Nothing in ${where} fits. I looked for ${words}. Other words may find it; I find words, not meanings.`;
}
