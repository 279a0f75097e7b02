/** Failures for people: what happened, why, and what to do next. */
import type { ProblemDefinition, ProblemDocument } from "../../contract/problem.ts";
import { InvalidInput } from "../../contract/standard-problems.ts";
import type { CommandPlan } from "./plan.ts";
import type { Pen } from "./pen.ts";

interface ProblemTextOptions {
  readonly document: ProblemDocument;
  /** What the table says about this code in general. */
  readonly definition: ProblemDefinition | undefined;
  readonly plan: CommandPlan | undefined;
}

/** Members that every document has or that are told in words of their own. */
const told = new Set(["type", "title", "status", "code", "detail", "instance", "faults"]);

export function problemText({ document, definition, plan }: ProblemTextOptions, pen: Pen): string {
  const faults = faultsOf(document);
  const head = headOf(document.detail, faults);
  const isTold = head.toLowerCase() === document.title.toLowerCase();
  const lines = [`${pen.paint("red", `✗ ${pen.safe(document.title)}`)}${isTold ? "" : `: ${pen.safe(head)}`}`];
  for (const fault of faults.slice(0, faultsShown))
    lines.push(`  ${pen.safe(nameOf(fault.at, plan))}: ${pen.safe(wordsOf(fault))}`);
  if (faults.length > faultsShown) lines.push(`  and ${faults.length - faultsShown} more`);
  for (const [name, value] of Object.entries(document)) {
    if (!told.has(name))
      lines.push(`  ${name}: ${pen.safe(typeof value === "string" ? value : JSON.stringify(value))}`);
  }
  // What was wrong with which option is said above; what it takes instead, its help says.
  const isTyped = plan !== undefined && document.code === InvalidInput.code && faults.length > 0;
  if (isTyped) lines.push(`  \`arw help ${plan.words.join(" ")}\` tells what it takes.`);
  else if (definition !== undefined) lines.push(`  ${definition.about}`);
  const corrId = document.instance === "" ? "" : ` · ${pen.safe(document.instance)}`;
  lines.push(pen.paint("dim", `  ${pen.safe(document.code)}${corrId}`));
  return lines.join("\n");
}

/** Somebody who has more mends these first. */
const faultsShown = 8;

interface Fault {
  readonly at: string;
  readonly message: string;
  readonly hint?: unknown;
}

const wordsOf = ({ message, hint }: Fault): string => (typeof hint === "string" ? `${message} (${hint})` : message);

/** Faults that are named below, by what the person typed, are not told twice. */
function headOf(detail: string, faults: readonly Fault[]): string {
  const places = faults.flatMap(({ at, message }) =>
    [`${at === "" ? "the input" : at} ${message}`, `${at}: ${message}`].map((each) => detail.indexOf(each)),
  );
  const first = Math.min(...places.filter((place) => place > 0), detail.length);
  return detail.slice(0, first).replace(/[\s:]+$/, "");
}

function faultsOf(document: ProblemDocument): readonly Fault[] {
  const faults = document["faults"];
  if (!Array.isArray(faults)) return [];
  return faults.filter((fault: unknown): fault is Fault => {
    const { at, message } = (fault ?? {}) as Partial<Fault>;
    return typeof at === "string" && typeof message === "string";
  });
}

/** A place in the input as the person typed it: the option or the positional. */
function nameOf(at: string, plan: CommandPlan | undefined): string {
  if (!at.startsWith("/")) return at || "input";
  const [, name = "", ...rest] = at.split("/");
  const inside = rest.length === 0 ? "" : `/${rest.join("/")}`;
  const inner = plan?.options.filter(({ field }) => field.within === name) ?? [];
  const meant = rest.length === 0 ? inner : inner.filter(({ field }) => field.name === rest[0]);
  if (meant.length > 0) return meant.map(({ flag }) => `--${flag}`).join(", ");
  const option = plan?.options.find(({ field }) => field.within === undefined && field.name === name);
  if (option !== undefined) return `--${option.flag}${inside}`;
  const positional = plan?.positionals.some(({ field }) => field.name === name) ?? false;
  return positional ? `<${name}>${inside}` : at.slice(1);
}
