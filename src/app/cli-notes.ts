/** How notes look on the command line, and what forgetting one did and could not do. */
import { counted } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { Forget, History, Read, type ReadNote, Search, Write } from "../domains/notes/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

export const noteAnswers = {
  [Read.id]: (output: unknown, pen: Pen) => notesText(output as Static<typeof Read.output>, pen),
  [Search.id]: (output: unknown, pen: Pen) => notesText(output as Static<typeof Search.output>, pen),
  [History.id]: (output: unknown, pen: Pen) =>
    notesText({ ...(output as Static<typeof History.output>), nextAfterTopic: null }, pen),
  [Write.id]: (output: unknown, pen: Pen) => {
    const { topic, supersedes } = output as Static<typeof Write.output>;
    const former = supersedes === null ? "" : "; the former note is in its history";
    return `${pen.paint("green", "✓")} Noted ${pen.safe(topic)}${former}.`;
  },
  [Forget.id]: (output: unknown, pen: Pen) => forgottenText(output as Static<typeof Forget.output>, pen),
};

const idsShown = 3;
const shortLength = 8;

function forgottenText({ forgotten, episodes }: Static<typeof Forget.output>, pen: Pen): string {
  const head = `${pen.paint("green", "✓")} Forgot ${counted(forgotten, "note")}${forgotten === 1 ? "" : ", former ones among them"}.`;
  const elsewhere = "Backups and exports that were made before still have them.";
  if (episodes.length === 0) return `${head}\n  ${elsewhere}`;
  const shows = episodes.slice(0, idsShown).map((id) => `    arw episodes show ${pen.safe(id.slice(-shortLength))}`);
  const more = episodes.length > idsShown ? [`    and ${episodes.length - idsShown} more: --json names them`] : [];
  return [
    head,
    `  The record of ${counted(episodes.length, "episode")} may still hold words of them, which were written or read there:`,
    ...shows,
    ...more,
    "  What agents read goes with its age: set `journal.retention`, then run `arw journal compact`.",
    "  A conversation that quotes them goes with `arw chat delete ID`.",
    `  ${elsewhere}`,
  ].join("\n");
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
