/** How recipes are read on the command line, and how what is said of them looks. */
import { readFile } from "node:fs/promises";
import type { Static } from "../contract/schema.ts";
import { checkerOf } from "../contract/schema.ts";
import { DryRun, InvalidRecipe, Lint, type PlannedStep, Run } from "../domains/recipes/contract.ts";
import { Recipe, recipeCharsMax } from "../domains/recipes/recipe.ts";
import type { Pen, Style } from "../surfaces/cli/pen.ts";
import { CallFailed, type Input, type Terminal } from "../surfaces/cli/port.ts";
import { recipeText } from "./recipe-text.ts";
import { unreadWords } from "./system-faults.ts";

type Paths = Pick<Terminal, "resolvePath">;

/** The hub is given the text: it may run on another machine, and a run keeps what it was. */
export async function withText(input: Input, terminal: Paths): Promise<Input> {
  const path = terminal.resolvePath(String(input["recipe"]));
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(path, unreadWords(error));
  });
  if (text.length > recipeCharsMax) throw unreadable(path, `a recipe has at most ${recipeCharsMax} characters`);
  const given = input["input"];
  if (!Array.isArray(given)) return { ...input, recipe: text };
  return { ...input, recipe: text, input: withFolders(text, given.map(String), terminal) };
}

/** Folders and files are meant from where the person stands. */
function withFolders(text: string, given: readonly string[], terminal: Paths): readonly string[] {
  const read = recipeText.read(text);
  if (read.kind === "fault" || !checkerOf(Recipe).check(read.table)) return given;
  const inputs = (read.table as Recipe).input ?? [];
  return given.map((each) => {
    const at = each.indexOf("=");
    const isPlace = inputs.some(
      ({ name, kind }) => (kind === "folder" || kind === "file") && name === each.slice(0, at),
    );
    return isPlace ? `${each.slice(0, at)}=${terminal.resolvePath(each.slice(at + 1))}` : each;
  });
}

const unreadable = (path: string, reason: string): CallFailed =>
  new CallFailed({
    type: `/problems/${InvalidRecipe.code}`,
    title: InvalidRecipe.title,
    status: InvalidRecipe.status,
    code: InvalidRecipe.code,
    detail: `${path}: ${reason}`,
    instance: "",
  });

export const recipePrepare = { [Lint.id]: withText, [DryRun.id]: withText, [Run.id]: withText };

export const recipeFailures = {
  [Lint.id]: (output: unknown): boolean => !(output as Linted).ok,
  [DryRun.id]: (output: unknown): boolean => (output as Planned).absent.length > 0,
};

type Linted = Static<typeof Lint.output>;
type Planned = Static<typeof DryRun.output>;
type Ran = Static<typeof Run.output>;

export const recipeAnswers = {
  [Lint.id]: (output: unknown, pen: Pen) => lintText(output as Linted, pen),
  [DryRun.id]: (output: unknown, pen: Pen) => planText(output as Planned, pen),
  [Run.id]: (output: unknown, pen: Pen) => ranText(output as Ran, pen),
};

function lintText({ ok, name, tools, faults }: Linted, pen: Pen): string {
  if (ok)
    return `${pen.paint("green", "✓")} ${pen.safe(name ?? "")} holds. It calls ${pen.safe(tools.join(", ") || "nothing")}.`;
  const lines = faults.map(({ line, message, hint }) => {
    const next = hint === undefined ? "" : `\n       ${pen.paint("dim", `→ ${pen.safe(hint)}`)}`;
    return `${pen.paint("red", "✗")} line ${line}: ${pen.safe(message)}${next}`;
  });
  return lines.join("\n");
}

const verdictStyles: Readonly<Record<PlannedStep["verdict"], Style>> = { allow: "green", ask: "yellow", deny: "red" };
const verdictWidth = 5;
const idWidth = 14;

function planText({ name, about, steps, absent }: Planned, pen: Pen): string {
  const missing = absent.map(
    ({ input, reason }) =>
      `${pen.paint("red", "✗")} ${pen.safe(`The input ${input}: ${reason}. A run would fail there, whatever the rules say below.`)}`,
  );
  const lines = steps.flatMap((step) => {
    const { verdict, id, tool, times, isConditional, model, reason, rule, source, next } = step;
    const how = [
      times === "each" ? "for each item" : "",
      isConditional ? "if its condition is met" : "",
      model === undefined ? "" : `asks the model ${pen.safe(model)}`,
    ];
    const words = how.filter((each) => each !== "").join(", ");
    const head = `${pen.paint(verdictStyles[verdict], verdict.padEnd(verdictWidth))} ${pen.safe(id).padEnd(idWidth)} ${pen.safe(tool ?? "-")}${words === "" ? "" : `  (${words})`}`;
    if (verdict === "allow") return [head];
    const why = `      ${pen.paint("dim", pen.safe(`${reason} [${rule ?? ""}, ${source ?? ""}]`))}`;
    return [head, why, ...(next === undefined ? [] : [`      ${pen.paint("dim", `→ ${pen.safe(next)}`)}`])];
  });
  const head = `${pen.paint("bold", pen.safe(name))}  ${pen.safe(about)}`;
  return [head, ...missing, ...lines, "Nothing was done."].join("\n");
}

function ranText({ outcome, notDone, stoppedAt, answer }: Ran, pen: Pen): string {
  const mark = stoppedAt === null ? pen.paint("green", "✓") : pen.paint("yellow", "!");
  const told = typeof answer === "string" ? answer : answer === null ? "" : JSON.stringify(answer, null, 2);
  const lines = [`${mark} ${pen.safe(outcome)}`, ...notDone.map((each) => `  Not done: ${pen.safe(each)}`)];
  return told === "" ? lines.join("\n") : [...lines, "", ...told.split("\n").map((line) => pen.safe(line))].join("\n");
}
