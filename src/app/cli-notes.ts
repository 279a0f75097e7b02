/** What forgetting a note did, and what it could not do. */
import { counted } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { Forget } from "../domains/notes/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

export const noteAnswers = {
  [Forget.id]: (output: unknown, pen: Pen) => forgottenText(output as Static<typeof Forget.output>, pen),
};

const idsShown = 3;
const shortLength = 8;

function forgottenText({ forgotten, episodes }: Static<typeof Forget.output>, pen: Pen): string {
  const head = `${pen.paint("green", "✓")} Forgot ${counted(forgotten, "note")}, former ones among them.`;
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
