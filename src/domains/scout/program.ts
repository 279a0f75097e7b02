/**
 * Scout's program: list, recall, outline, conclude, write, remember. It quotes and counts; file text is data to it, and a
 * line that gives orders is quoted like any other.
 */
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { ApprovalDenied, BudgetExceeded, Denied, InvalidInput } from "../../contract/standard-problems.ts";
import type { AgentProgram, Tools } from "../agents/contract.ts";
import { type Entry, List, Write } from "../fs/contract.ts";
import { Chat } from "../models/contract.ts";
import { Outline, outlineFilesMax } from "../text/contract.ts";
import { createBriefBuilder } from "./brief/builder.ts";
import { type Brief, composeBrief, notInFiles, shortSection } from "./brief/compose.ts";
import type { Manifest } from "./brief/findings.ts";
import { visible } from "./brief/markdown.ts";
import { difference, type Fact, factsFor, messagesFor, readShort, type Short } from "./brief/short.ts";
import { Recall, Remember } from "./contract.ts";

export const scoutId = "scout";
/** Files read in one run; a larger folder is briefed up to here, and the brief says so. */
const filesMax = 200_000;
const pageEntries = 500;
/** One outline call reads about this much, so that a stop is heeded soon. */
const batchBytesMax = 8_000_000;
/** Entries that could not be listed and are told by name; the rest is a number. */
const skippedToldMax = 20;
const pathToldMax = 160;
/** Beliefs told per section: the story stays readable, the brief has them all. */
const beliefsPerSection = 2;

export interface ScoutInput {
  readonly folder: string;
  readonly output: string;
  /** The model that writes the short form; without it no model is asked. */
  readonly model?: string;
}

type ListedFile = Static<typeof Entry>;

export const scout: AgentProgram = {
  id: scoutId,
  about: "Reads a folder and writes a brief of it, with a citation on every statement.",
  model: "none",
  modelOf: (given) => (given as ScoutInput).model ?? "none",
  tools: [List, Recall, Outline, Chat, Write, Remember],
  async run(given, tools) {
    const { folder, output, model } = inputOf(given);
    const listed = await listFiles(folder, tools);
    const previous = await recall(folder, tools);
    const builder = createBriefBuilder({
      folderName: folderName(folder),
      todayMs: tools.startedAtMs,
      outputPath: output,
    });
    await outlineAll({ folder, files: listed.files, tools, add: builder.add });
    const findings = builder.findings({ previous });
    const plainBrief = composeBrief(findings);
    await conclude(plainBrief, tools);
    const notDone = leftOut(listed);
    const told = model === undefined ? null : await inShort(model, { brief: plainBrief, tools, notDone });
    const brief = told === null ? plainBrief : composeBrief(findings, told.short);
    const written = await writeBrief({ folder, output, text: brief.text, tools });
    const isWritten = written !== null;
    if (!isWritten) notDone.push(`${output} was not written, because that was not allowed`);
    await tools.call(Remember, { folder, manifest: plain(builder.manifest()) }, "Keep the list of files for next time");
    const counted = `${count(listed.files.length, "file")} read, ${count(brief.statements.length, "statement")}, each with its source.`;
    return {
      outcome: isWritten ? `Wrote ${written}: ${counted}` : `Wrote nothing: ${counted}`,
      notDone,
      output: {
        written: isWritten,
        path: written ?? output,
        files: listed.files.length,
        statements: brief.statements.length,
        ...(told === null ? {} : { inShort: told.said }),
      },
    };
  },
};

type Skipped = Static<typeof List.output>["skipped"];

interface Listed {
  readonly files: ListedFile[];
  readonly isWhole: boolean;
  /** What the listing had to leave out, and why. */
  readonly skipped: Skipped;
}

function leftOut({ isWhole, skipped }: Listed): string[] {
  const told = skipped
    .slice(0, skippedToldMax)
    .map(({ path, reason }) => `${tail(visible(path))} was not read: ${reason}`);
  if (skipped.length > told.length) told.push(`${skipped.length - told.length} more entries were not read`);
  return isWhole ? told : [`files after the first ${filesMax} were not read`, ...told];
}

/** The end of a long path tells more than its beginning. */
const tail = (path: string): string => (path.length <= pathToldMax ? path : `…${path.slice(-pathToldMax)}`);

/** The last part of a path, of whatever platform. */
/** Whoever begins it otherwise than by a brief may have given it anything. */
function inputOf(given: unknown): ScoutInput {
  const { folder, output } = (given ?? {}) as Partial<ScoutInput>;
  if (typeof folder === "string" && typeof output === "string") return given as ScoutInput;
  throw new Problem(InvalidInput, "scout briefs a folder and takes no task: begin it with `arw brief FOLDER`");
}

export const folderName = (folder: string): string => folder.split(/[\\/]/).findLast((part) => part !== "") ?? folder;

async function listFiles(folder: string, tools: Tools): Promise<Listed> {
  const files: ListedFile[] = [];
  const skipped: Skipped = [];
  let afterPath: string | null = null;
  for (;;) {
    const input: Static<typeof List.input> = {
      folder,
      limit: pageEntries,
      ...(afterPath === null ? {} : { afterPath }),
    };
    const page: Static<typeof List.output> = await tools.call(
      List,
      input,
      afterPath === null ? "List the folder" : `List the folder after ${afterPath}`,
    );
    files.push(...page.entries.filter((entry) => entry.kind === "file"));
    skipped.push(...page.skipped);
    tools.progress({ phase: "listing", done: files.length, total: null, unit: "files" });
    if (page.nextAfterPath === null) return { files, isWhole: true, skipped };
    if (files.length >= filesMax) return { files: files.slice(0, filesMax), isWhole: false, skipped };
    afterPath = page.nextAfterPath;
  }
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

async function recall(folder: string, tools: Tools): Promise<Manifest | null> {
  const { manifest } = await tools.call(Recall, { folder }, "Look up what the folder held last time");
  return manifest;
}

interface OutlineAll {
  readonly folder: string;
  readonly files: readonly ListedFile[];
  readonly tools: Tools;
  readonly add: (file: Static<typeof Outline.output>["files"][number]) => void;
}

async function outlineAll({ folder, files, tools, add }: OutlineAll): Promise<void> {
  const total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let done = 0;
  for (const batch of batches(files)) {
    let paths = batch.map((file) => file.path);
    while (paths.length > 0) {
      const first = paths[0] ?? "";
      const summary = paths.length === 1 ? `Read ${first}` : `Read ${paths.length} files from ${first} on`;
      const answer = await tools.call(Outline, { folder, paths, todayMs: tools.startedAtMs }, summary);
      for (const file of answer.files) {
        add(file);
        done += file.sizeBytes;
      }
      tools.progress({ phase: "reading", done, total, unit: "bytes" });
      if (answer.left.length === paths.length) break;
      paths = answer.left;
    }
  }
}

function* batches(files: readonly ListedFile[]): Generator<ListedFile[]> {
  let batch: ListedFile[] = [];
  let sizeBytes = 0;
  for (const file of files) {
    if (batch.length > 0 && (batch.length === outlineFilesMax || sizeBytes + file.sizeBytes > batchBytesMax)) {
      yield batch;
      batch = [];
      sizeBytes = 0;
    }
    batch.push(file);
    sizeBytes += file.sizeBytes;
  }
  if (batch.length > 0) yield batch;
}

async function conclude(brief: Brief, tools: Tools): Promise<void> {
  const told = new Map<string, number>();
  for (const { section, text, citations } of brief.statements) {
    const count = told.get(section) ?? 0;
    if (count >= beliefsPerSection) continue;
    told.set(section, count + 1);
    await tools.believe({ topic: section, statement: text, sources: citations });
  }
}

interface Telling {
  readonly brief: Brief;
  readonly tools: Tools;
  readonly notDone: string[];
}

/** Room for the sentences and their numbers. */
const shortTokensMax = 700;

/** The short form of a model, with how it differs from what the rules would tell first; null when none came about. */
async function inShort(model: string, { brief, tools, notDone }: Telling) {
  const facts = factsFor(brief.statements);
  if (facts.length === 0) return null;
  const short = await askShort(model, facts, { tools, notDone });
  if (short === null) return null;
  for (const { text, facts: named, citations } of short.sentences) {
    const topic = named.length === 0 ? `${shortSection}, ${notInFiles}` : shortSection;
    await tools.believe({ topic, statement: text, sources: citations });
  }
  const { notInFiles: unfounded, leftOut: omitted, text } = difference(short, facts);
  return { short, said: { model: short.model, notInFiles: unfounded, leftOut: omitted, difference: text } };
}

async function askShort(
  model: string,
  facts: readonly Fact[],
  { tools, notDone }: Pick<Telling, "tools" | "notDone">,
): Promise<Short | null> {
  const messages = messagesFor(facts).map(({ role, text }) => ({ role, content: [{ kind: "text" as const, text }] }));
  try {
    const asked = { model, messages, tokensMax: shortTokensMax, temperature: 0 };
    const answer = await tools.call(Chat, asked, `Let ${model} say ${facts.length} facts in short`);
    return readShort(answer.text, facts, answer.model);
  } catch (error) {
    // The brief is whole without it: whatever a model is refused or fails with, the facts stand.
    if (!isProblem(error)) throw error;
    const why = isRefusal(error) ? "that was not allowed" : "the model did not answer";
    notDone.push(`"${shortSection}" was not written, because ${why}: ${error.message}`.slice(0, notDoneCharsMax));
    return null;
  }
}

const notDoneCharsMax = 400;
const isRefusal = (error: unknown): boolean =>
  isProblem(error, ApprovalDenied) || isProblem(error, Denied) || isProblem(error, BudgetExceeded);

/** The path that was written: a person who was asked may have named another one. */
async function writeBrief(options: {
  readonly folder: string;
  readonly output: string;
  readonly text: string;
  readonly tools: Tools;
}): Promise<string | null> {
  const { folder, output, text, tools } = options;
  try {
    const { path } = await tools.call(Write, { folder, path: output, text }, `Write ${output}`);
    return path;
  } catch (error) {
    if (isProblem(error, ApprovalDenied) || isProblem(error, Denied)) return null;
    throw error;
  }
}

const plain = (manifest: Manifest): { files: { path: string; digest: string | null; sizeBytes: number }[] } => ({
  files: manifest.files.map((file) => ({ ...file })),
});
