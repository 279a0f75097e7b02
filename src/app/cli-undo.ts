/** How an undo, and the plan of one, look on the command line. */
import type { Static } from "../contract/schema.ts";
import {
  Apply,
  changingFates,
  conflictsWays,
  type ConflictsWay,
  type FileUndo,
  Plan,
  type StepLeft,
  stuckFates,
  type UndoReport,
} from "../domains/undo/contract.ts";
import { diffText, type Pen } from "../surfaces/cli/pen.ts";

export const undoAnswers = {
  [Plan.id]: (output: unknown, pen: Pen) => reportText(output as Static<typeof Plan.output>, pen),
  [Apply.id]: (output: unknown, pen: Pen) => reportText(output as Static<typeof Apply.output>, pen),
};
const episodeIds = [{ field: "episode", list: "state.episodes", key: "id" }];
export const undoShortIds = { [Plan.id]: episodeIds, [Apply.id]: episodeIds };
export const undoAliases = [{ word: "undo", flag: "--dry-run", means: ["undo", "plan"] }];
/** A file stays that the run changed. */
export const undoFailures = { [Apply.id]: (output: unknown) => (output as UndoReport).status === "partly" };

const fateWords: Readonly<Record<FileUndo["fate"], readonly [plan: string, done: string]>> = {
  restore: ["goes back to what it was", "is what it was before"],
  merge: ["goes back, and what was edited since stays", "is what it was before, and what was edited since stayed"],
  remove: ["is removed: the run created it", "is removed: the run had created it"],
  "bring-back": ["comes back", "is there again"],
  "as-before": ["is as it was before", "is as it was before"],
  "undone-before": ["was undone before", "was undone before"],
  settled: ["was settled before", "was settled before"],
  conflict: ["stays as it is", "stays as it is"],
  "not-kept": ["stays as it is", "stays as it is"],
  "out-of-reach": ["stays as it is", "stays as it is"],
};

function reportText(report: UndoReport, pen: Pen): string {
  const isDone = report.undoId !== null;
  const { files, filesMore, left, leftMore } = report;
  return [
    headText(report, pen),
    ...files.flatMap((file) => fileLines(file, isDone, pen)),
    ...settleLines(report, pen),
    ...changeMindLines(report, pen),
    ...(filesMore === 0 ? [] : [`  and ${filesMore} more files, which the next undo of this episode reaches`]),
    ...(left.length === 0 ? [] : [pen.paint("yellow", "No undo reaches:"), ...left.map((each) => leftText(each, pen))]),
    ...(leftMore === 0 ? [] : [`  and ${leftMore} more steps`]),
    ...(report.undoId === null ? [] : [pen.paint("dim", `Undo this with: arw undo ${pen.line(report.undoId)}`)]),
  ].join("\n");
}

function headText({ status, files, filesMore, undoId, episode }: UndoReport, pen: Pen): string {
  const changing = files.filter(({ fate }) => changingFates.has(fate));
  const merged = changing.filter(({ fate }) => fate === "merge");
  const settled = merged.filter(({ detail }) => detail !== undefined).length;
  const edited = merged.length - settled;
  const stuck = files.filter(({ fate }) => stuckFates.has(fate)).length;
  const were = wereWords(files);
  if (status === "nothing") return pen.paint("dim", "Nothing to undo: no file is changed by it.");
  if (status === "undone-before")
    return files.every(({ fate }) => fate !== "settled")
      ? pen.paint("green", "✓ It was undone before; nothing is left to do.")
      : `${pen.paint("green", "✓")} Nothing is left to do: ${were.join(", ")}.`;
  const asSettled = settled === 0 ? [] : [`${counted(settled)} as you settle ${settled === 1 ? "it" : "them"}`];
  const stays = stuck === 0 ? [] : [`${counted(stuck)} ${stuck === 1 ? "stays as it is" : "stay as they are"}`];
  if (status === "ready") {
    const head = pen.paint("bold", `An undo would change ${counted(changing.length + filesMore)}`);
    const how = changing.some(({ detail }) => detail !== undefined)
      ? "Do it by the same command without --dry-run."
      : `Do it with: arw undo ${pen.line(episode)}`;
    return `${[head, ...asSettled, ...stays, ...were].join(", ")}. ${how}`;
  }
  if (undoId === null)
    return pen.paint("yellow", `! ${["Nothing can be brought back", ...stays, ...were].join(", ")}.`);
  const mark = status === "undone" ? pen.paint("green", "✓") : pen.paint("yellow", "!");
  const before = changing.length - merged.length + files.filter(({ fate }) => fate === "as-before").length;
  const done = doneWords({ before, edited, all: files.length + filesMore });
  return `${mark} ${[...done, ...asSettled, ...stays, ...were].join(", ")}.`;
}

interface Done {
  readonly before: number;
  readonly edited: number;
  readonly all: number;
}

/** A file that keeps what was edited since is not what it was before. */
function doneWords({ before, edited, all }: Done): readonly string[] {
  const [are, so] = [before, edited].map((count) => (count === 1 ? "is" : "are"));
  const asBefore = [`${before} of ${counted(all)} ${are} as before the run`];
  if (edited === 0) return before === 0 ? [] : asBefore;
  if (before === 0) return [`${edited} of ${counted(all)} ${so} as before the run but for what was edited since`];
  return [...asBefore, `${counted(edited)} ${so} so but for what was edited since`];
}

/** What was done before counts apart: nobody looked what an undone file is now, and a settled one is not as before the run. */
function wereWords(files: readonly FileUndo[]): readonly string[] {
  const words = (fate: FileUndo["fate"], done: string): readonly string[] => {
    const count = files.filter((file) => file.fate === fate).length;
    return count === 0 ? [] : [`${counted(count)} ${count === 1 ? "was" : "were"} ${done} before`];
  };
  return [...words("undone-before", "undone"), ...words("settled", "settled")];
}

const counted = (files: number): string => (files === 1 ? "1 file" : `${files} files`);

function fileLines(
  { folder, path, fate, diff, since, detail }: FileUndo,
  isDone: boolean,
  pen: Pen,
): readonly string[] {
  const [plan, done] = fateWords[fate];
  const isStuck = stuckFates.has(fate);
  const isChanging = changingFates.has(fate);
  // What a person settled says itself what becomes of it.
  const words = isChanging && detail !== undefined ? detail : isDone ? done : plan;
  const mark = isStuck ? pen.paint("yellow", "!") : pen.paint(isChanging ? "green" : "dim", "●");
  const why = detail === undefined || isChanging ? "" : `: ${pen.line(detail)}`;
  const isShown = isStuck || (!isDone && isChanging);
  return [
    `${mark} ${pen.line(`${folder}/${path}`)} ${pen.line(words)}${why}`,
    ...(isStuck && since !== undefined
      ? ["  edited since:", ...diffLines(since, pen), "  the undo would have done:"]
      : []),
    ...(isShown ? diffLines(diff, pen) : []),
  ];
}

/** How a file that stays is settled, where it is a person's to say. */
function settleLines({ episode, files }: UndoReport, pen: Pen): readonly string[] {
  const stuck = files.filter(({ fate }) => fate === "conflict" || fate === "not-kept");
  if (stuck.length === 0) return [];
  const ways = stuck.some(({ fate }) => fate === "conflict") ? conflictsWays : (["mine"] as const);
  const lines = ways.flatMap((way) => {
    const words = way === "stay" ? null : settleWords[way];
    return words === null ? [] : [`  ${`--conflicts ${way}`.padEnd(settleWidth)}  ${words}`];
  });
  // Without its name, the way would reach what was settled before, too.
  const isAlone = stuck.length === 1 && !files.some(({ fate }) => fate === "settled");
  const file = isAlone ? "" : " --path FILE";
  return [
    `Settle ${stuck.length === 1 ? "it" : "them"} with: arw undo ${pen.line(episode)}${file} --conflicts …`,
    ...lines,
  ];
}

function changeMindLines({ episode, files }: UndoReport, pen: Pen): readonly string[] {
  if (!files.some(({ fate }) => fate === "settled")) return [];
  return [pen.paint("dim", `Back after all with: arw undo ${pen.line(episode)} --path FILE --conflicts before`)];
}

const settleWidth = "--conflicts before".length;
const settleWords: Readonly<Record<Exclude<ConflictsWay, "stay">, string>> = {
  mine: "it stays as it is now, and counts as undone",
  before: "it goes back to what it was before, without what was edited since",
  marks: "both sides are written into it between marks, for you to edit",
};

const diffLines = (diff: string, pen: Pen): readonly string[] =>
  diff === ""
    ? []
    : diffText(diff.replace(/\n$/, ""), pen)
        .split("\n")
        .map((line) => `    ${line}`);

const leftText = ({ step, tool, summary, reason }: StepLeft, pen: Pen): string =>
  `  step ${step}, ${pen.line(tool)}: ${pen.line(summary)} (${reason})`;
