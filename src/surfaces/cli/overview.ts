/** The one screen that `arw --help` shows. */
import { truncate, wrapWords } from "../../base/text-marks.ts";
import type { CommandPlan } from "./plan.ts";
import type { Pen } from "./pen.ts";
import type { OwnCommand, Presentation } from "./port.ts";

/** `own` are the commands that no operation stands behind. */
type Overview = Presentation & { readonly own: readonly Pick<OwnCommand, "words" | "about">[] };

export function overviewText(plans: readonly CommandPlan[], presentation: Overview, pen: Pen): string {
  const named = new Set(presentation.groups.flatMap((group) => group.words.map((words) => words.split(" ")[0])));
  const ownWords = presentation.own.map(({ words }) => words.split(" ")[0] ?? "");
  const others = [...new Set([...plans.map((plan) => plan.words[0] ?? ""), ...ownWords])]
    .filter((word) => !named.has(word))
    .toSorted();
  const rows = presentation.groups.map((group) => ({
    title: group.title,
    lines: group.words.map((word) => ({ word, text: aboutOf(word, plans, presentation.own) })),
  }));
  const width = Math.max(...rows.flatMap((group) => group.lines.map((line) => line.word.length))) + 2;
  const title = (text: string): string => pen.paint("bold", text);
  return [
    "ARW runs agents on your machine and keeps you in control.",
    "",
    `${title("Usage:")} arw                       start the hub`,
    "       arw <command> [options]   talk to it",
    ...rows.flatMap((group) => section(title(group.title), group.lines, { width, columns: pen.columns })),
    "",
    title("More"),
    ...wrapWords(others.join(", "), pen.columns - 2).map((line) => `  ${line}`),
    "",
    title("Examples"),
    ...exampleLines(presentation.examples, pen),
    "",
    pen.paint("dim", "`arw help <command>` tells what a command takes; `--json` works with every one."),
    "",
  ].join("\n");
}

interface Line {
  readonly word: string;
  readonly text: string;
}

interface Widths {
  readonly width: number;
  readonly columns: number;
}

const section = (head: string, lines: readonly Line[], { width, columns }: Widths): readonly string[] => [
  "",
  head,
  ...lines.map(({ word, text }) => `  ${word.padEnd(width)}${truncate(text, columns - width - 2)}`),
];

const builtIn: Readonly<Record<string, string>> = {
  hub: "Start the hub in this terminal.",
  completion: "Print completions for bash, zsh or fish.",
};

function aboutOf(word: string, plans: readonly CommandPlan[], own: Overview["own"]): string {
  const planned = plans.find((plan) => plan.words.join(" ") === word)?.operation.about;
  const members = new Set(plans.filter((plan) => plan.words[0] === word).map((plan) => plan.words[1] ?? ""));
  return (
    builtIn[word] ?? planned ?? own.find(({ words }) => words === word)?.about ?? `One of ${[...members].join(", ")}.`
  );
}

function exampleLines(examples: Presentation["examples"], pen: Pen): readonly string[] {
  const width = Math.max(0, ...examples.map(([command]) => command.length));
  return examples.map(([command, effect]) => `  ${pen.paint("cyan", command.padEnd(width))}  ${effect}`);
}
