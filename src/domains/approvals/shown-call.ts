/** A call as a question shows it: without secrets, and no text twice. */
import { unifiedDiff } from "../../base/text-diff.ts";
import type { Preview } from "../../contract/operation.ts";
import type { Redactor } from "../../kernel/ports.ts";

/** A longer diff is cut; the card says so, and the whole text stands in the arguments. */
const diffCharactersMax = 290_000;
/** Longer texts are named by their size where a diff shows them. */
const textCharactersMax = 1000;
const changedLinesMax = 2000;
const summaryMax = 500;

/** Text that the diff shows anyway is not shown twice. */
export function shownInput(input: unknown, { diff }: Pick<Preview, "diff">, redactor: Redactor): unknown {
  if (diff === undefined || typeof input !== "object" || input === null) return redactor.value(input);
  const entries = Object.entries(input).map(([name, value]) =>
    typeof value === "string" && value.length > textCharactersMax
      ? [name, `${value.length} characters, see the diff`]
      : [name, value],
  );
  return redactor.value(Object.fromEntries(entries));
}

export function shownPreview({ summary, diff }: Preview, redactor: Redactor): { summary: string; diff?: string } {
  const short = summary.slice(0, summaryMax);
  return diff === undefined ? { summary: short } : { summary: short, diff: cut(redactor.text(diff)) };
}

/** What a person changed in the arguments, line by line. */
export function changesBetween(before: unknown, after: unknown, redactor: Redactor): string {
  const texts = { before: linesOf(redactor.value(before)), after: linesOf(redactor.value(after)) };
  return cut(redactor.text(unifiedDiff({ path: "arguments", ...texts, linesMax: changedLinesMax }).text));
}

const linesOf = (input: unknown): string =>
  Object.entries((input ?? {}) as Readonly<Record<string, unknown>>)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (isText(value) ? `${name}:\n${value}\n` : `${name}: ${JSON.stringify(value)}\n`))
    .join("");

const isText = (value: unknown): value is string => typeof value === "string" && value.includes("\n");

const cut = (diff: string): string =>
  diff.length <= diffCharactersMax
    ? diff
    : `${diff.slice(0, diffCharactersMax)}\n… the diff goes on for ${diff.length - diffCharactersMax} characters`;
