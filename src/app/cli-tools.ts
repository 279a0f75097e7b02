/** How the answers of built-in tools look on the command line: found lines, notes, the time and sums. */
import type { Static } from "../contract/schema.ts";
import { Evaluate } from "../domains/calculator/contract.ts";
import { Search } from "../domains/fs/contract.ts";
import { Forget, History, Read, type ReadNote, Search as SearchNotes, Write } from "../domains/notes/contract.ts";
import { Now } from "../domains/time/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

export const toolAnswers = {
  [Search.id]: (output: unknown, pen: Pen) => foundText(output as Static<typeof Search.output>, pen),
  [Now.id]: (output: unknown) => timeText(output as Static<typeof Now.output>),
  [Evaluate.id]: (output: unknown, pen: Pen) => sumText(output as Static<typeof Evaluate.output>, pen),
  [Read.id]: (output: unknown, pen: Pen) => notesText(output as Static<typeof Read.output>, pen),
  [SearchNotes.id]: (output: unknown, pen: Pen) => notesText(output as Static<typeof SearchNotes.output>, pen),
  [History.id]: (output: unknown, pen: Pen) =>
    notesText({ ...(output as Static<typeof History.output>), nextAfterTopic: null }, pen),
  [Write.id]: (output: unknown, pen: Pen) => {
    const { topic, supersedes } = output as Static<typeof Write.output>;
    const former = supersedes === null ? "" : "; the former note is in its history";
    return `${pen.paint("green", "✓")} Noted ${pen.safe(topic)}${former}.`;
  },
  [Forget.id]: (output: unknown, pen: Pen) =>
    `${pen.paint("green", "✓")} Forgotten: ${(output as Static<typeof Forget.output>).forgotten}, former ones among them.`,
};

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

function foundText(
  { found, more, searchedFiles, nextAfterPath, skipped }: Static<typeof Search.output>,
  pen: Pen,
): string {
  const lines = found.flatMap(({ path, line, text, before, after }) => [
    ...before.map((each) => pen.paint("dim", `  ${pen.safe(each)}`)),
    `${pen.paint("cyan", `${pen.safe(path)}:${line}`)}  ${pen.safe(text.trim())}`,
    ...after.map((each) => pen.paint("dim", `  ${pen.safe(each)}`)),
  ]);
  return [
    ...lines,
    ...more.map((each) => pen.paint("dim", `${pen.safe(each.path)}: ${each.lines} more`)),
    ...skipped.map(({ path, reason }) => pen.paint("dim", `${pen.safe(path)}: not searched, ${reason}`)),
    pen.paint("dim", `${counted(found.length, "line")} found in ${counted(searchedFiles, "file")}.`),
    ...(nextAfterPath === null ? [] : [pen.paint("yellow", `There is more: --after-path ${pen.safe(nextAfterPath)}`)]),
  ].join("\n");
}

const timeText = ({ weekday, iso, zone }: Static<typeof Now.output>): string => `${weekday}, ${iso} (${zone})`;

function sumText({ result, isExact, fraction }: Static<typeof Evaluate.output>, pen: Pen): string {
  if (isExact) return result;
  return `${result}  ${pen.paint("dim", fraction === null ? "rounded" : `rounded; exactly ${fraction}`)}`;
}

function notesText({ notes, nextAfterTopic }: Static<typeof Read.output>, pen: Pen): string {
  if (notes.length === 0) return pen.paint("dim", "Nothing is noted.");
  const shown = notes.map((note) => {
    const text = pen
      .safe(note.text)
      .split("\n")
      .map((line) => `  ${line}`);
    return [`${pen.paint("bold", pen.safe(note.topic))}  ${pen.paint("dim", originText(note, pen))}`, ...text].join(
      "\n",
    );
  });
  return [
    ...shown,
    ...(nextAfterTopic === null
      ? []
      : [pen.paint("yellow", `There is more: --after-topic "${pen.safe(nextAfterTopic)}"`)]),
  ].join("\n");
}

function originText({ author, writtenAtMs, labels, source }: ReadNote, pen: Pen): string {
  const strange = labels.filter((label) => label !== "user");
  const from = source?.path ?? source?.url ?? source?.episode;
  const place = source?.line ?? source?.step;
  return [
    pen.safe(author),
    pen.timeText(writtenAtMs),
    ...(from === undefined ? [] : [pen.safe(place === undefined ? from : `${from}:${place}`)]),
    ...(strange.length === 0 ? [] : [`built from ${strange.join(", ")}`]),
  ].join(", ");
}
