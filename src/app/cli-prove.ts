/** How proofs look on the command line, the files that they are about, and how the solver gets here. */
import { readFile, rm } from "node:fs/promises";
import { installZ3 } from "../adapters/z3/install.ts";
import { z3SizeBytes, z3Version } from "../adapters/z3/pinned.ts";
import { findZ3 } from "../adapters/z3/solver.ts";
import { wrapWords } from "../base/text-marks.ts";
import { formatBytes } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { InvalidPolicies } from "../domains/policy/contract.ts";
import {
  ListQuestions,
  policyTextCharsMax,
  type Proof,
  ProveChanged,
  ProveChild,
  ProveNetwork,
  ProveReachable,
  ProveStricter,
  ProveWrites,
} from "../domains/prove/contract.ts";
import type { Pen, Style } from "../surfaces/cli/pen.ts";
import {
  CallFailed,
  type CliParts,
  exitCodes,
  type Globals,
  type Input,
  type OwnCommand,
  type Terminal,
} from "../surfaces/cli/port.ts";
import { solverWords, z3Folder } from "./prove-seat.ts";
import { unreadWords } from "./system-faults.ts";

/** Words that stand for a set of policies; everything else is a file. */
const setWords: ReadonlySet<string> = new Set(["now", "default"]);

/** The hub is given the texts: it may run on another machine. */
async function withTexts(input: Input, terminal: Pick<Terminal, "resolvePath">): Promise<Input> {
  const textOf = async (name: string): Promise<string> => {
    const given = String(input[name]);
    return setWords.has(given) ? given : await readPolicies(terminal.resolvePath(given));
  };
  return { ...input, first: await textOf("first"), second: await textOf("second") };
}

async function readPolicies(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(path, `${unreadWords(error)}; \`now\` and \`default\` name sets that are no files`);
  });
  if (text.length > policyTextCharsMax) throw unreadable(path, `it has more than ${policyTextCharsMax} characters`);
  // An empty file is the default set alone, and so is said.
  return text.trim() === "" ? "default" : text;
}

const unreadable = (path: string, reason: string): CallFailed =>
  new CallFailed({
    type: `/problems/${InvalidPolicies.code}`,
    title: InvalidPolicies.title,
    status: InvalidPolicies.status,
    code: InvalidPolicies.code,
    detail: `${path}: ${reason}`,
    instance: "",
  });

export const provePrepare = { [ProveStricter.id]: withTexts, [ProveChanged.id]: withTexts };

const asked = [ProveNetwork, ProveWrites, ProveChild, ProveReachable, ProveStricter, ProveChanged];
const codes: Readonly<Record<Proof["answer"], number>> = {
  proved: exitCodes.ok,
  counterexample: exitCodes.problem,
  unknown: exitCodes.unknown,
};
export const proveFailures: Readonly<Record<string, (output: unknown) => number>> = Object.fromEntries(
  asked.map(({ id }) => [id, (output: unknown) => codes[(output as Proof).answer]]),
);

export const proveAnswers: Readonly<Record<string, (output: unknown, pen: Pen) => string>> = {
  [ListQuestions.id]: (output, pen) => questionsText(output as Static<typeof ListQuestions.output>, pen),
  ...Object.fromEntries(asked.map(({ id }) => [id, (output: unknown, pen: Pen) => proofText(output as Proof, pen)])),
};

const looks: Readonly<Record<Proof["answer"], readonly [glyph: string, style: Style]>> = {
  proved: ["✓", "green"],
  counterexample: ["✗", "red"],
  unknown: ["?", "yellow"],
};
/** However narrow the terminal says it is. */
const textWidthMin = 20;

function proofText(
  { question, answer, claim, text, examples, isComplete, checkedBy, lookedAt, notModelled, leftOut, next }: Proof,
  pen: Pen,
): string {
  // To find a call is what these two are asked for.
  const isFinding = answer === "counterexample" && (question === "reachable" || question === "changed");
  const [glyph, style] = isFinding ? (["●", "yellow"] as const) : looks[answer];
  const lines = (words: string, indent: string): readonly string[] =>
    wrapWords(pen.safe(words), Math.max(textWidthMin, pen.columns - indent.length)).map((line) => `${indent}${line}`);
  const said = examples.flatMap((example) => [
    "",
    ...(examples.length === 1 ? [] : lines(example.text, "  ")),
    ...example.said.flatMap(({ of, effect, rule, reason }) =>
      lines(`${of}: ${effect}${rule === "" ? "" : `, by ${rule}`} (${reason})`, "    "),
    ),
  ]);
  const dim = (words: string, indent = "  "): readonly string[] =>
    lines(words, indent).map((line) => pen.paint("dim", line));
  return [
    ...lines(`${glyph} ${text}`, "").map((line) => pen.paint(style, line)),
    // What was proved is the claim itself.
    ...(answer === "proved" || isFinding ? [] : dim(`The claim: ${claim}.`)),
    ...said,
    ...(answer === "counterexample" && !isComplete && examples.length > 1 ? ["", "  There may be more."] : []),
    "",
    ...dim(`Looked at: ${lookedAt.join(", ")}.`),
    ...dim(`Checked by: ${checkedBy.join(", ")}.`),
    // A call that was found is one, whatever was not looked at.
    ...(answer === "counterexample"
      ? []
      : [...dim("Not modelled:"), ...notModelled.flatMap((each) => dim(`- ${each}`))]),
    ...(answer === "counterexample" ? [] : dim(`Left out, as it only takes away: ${leftOut.join("; ")}.`)),
    ...(next === undefined ? [] : lines(`Next: ${next}`, "  ")),
  ].join("\n");
}

function questionsText({ questions, solver }: Static<typeof ListQuestions.output>, pen: Pen): string {
  const rows = questions.flatMap(({ asks, command }) => [pen.paint("bold", asks), `  ${command}`]);
  const state = solver.isInstalled
    ? `${solver.name} checks every proof a second time.`
    : `${solver.name} is not installed: ${solver.next ?? ""}.`;
  return [...rows, "", pen.paint("dim", state)].join("\n");
}

export interface ProveCommandOptions {
  readonly terminal: Pick<CliParts["terminal"], "write" | "writeError" | "isTty" | "ask" | "onInterrupt">;
  readonly stateDirOf: (globals: Globals) => string;
}

/** A person's own act on their own machine: the hub itself fetches nothing. */
export const solverCommand = (options: ProveCommandOptions): OwnCommand => ({
  words: "prove solver",
  about: `Install the solver that checks proofs a second time, z3 ${z3Version} (${formatBytes(z3SizeBytes)}), or remove it.`,
  options: [
    ["--yes", "install without asking"],
    ["--remove", "remove it again; proofs go on without it"],
  ],
  async run({ flags, globals }) {
    const folder = z3Folder(options.stateDirOf(globals));
    if (flags["remove"] === true) return await remove(folder, options.terminal);
    if (findZ3(folder) !== null) {
      options.terminal.write(`✓ z3 ${z3Version} is here: ${folder}\n`);
      return exitCodes.ok;
    }
    const stop = new AbortController();
    const release = options.terminal.onInterrupt(() => stop.abort());
    try {
      const question = flags["yes"] === true ? null : "Install it? [y/N] ";
      return await install(folder, { terminal: options.terminal, question, signal: stop.signal });
    } finally {
      release();
    }
  },
});

/**
 * Behind an answer that needs the solver: at a terminal it is offered at once, and the question asked again. A hub elsewhere has
 * a state directory of its own, which nobody here can install into.
 */
export const solverOffer =
  ({ terminal, stateDirOf }: ProveCommandOptions) =>
  async (output: unknown, globals: Globals, signal: AbortSignal): Promise<boolean> => {
    const { answer, next } = output as Proof;
    if (answer !== "unknown" || next?.startsWith(solverWords) !== true || globals.url !== undefined) return false;
    const folder = z3Folder(stateDirOf(globals));
    const question = "\nInstall it now, and ask again? [y/N] ";
    return (await install(folder, { terminal, question, signal })) === exitCodes.ok;
  };

export const proveOffers = (options: ProveCommandOptions) =>
  Object.fromEntries(asked.map(({ id }) => [id, solverOffer(options)]));

interface Installing {
  readonly terminal: ProveCommandOptions["terminal"];
  /** Null where it was said already that it is wanted. */
  readonly question: string | null;
  readonly signal: AbortSignal;
}

async function install(folder: string, { terminal, question, signal }: Installing): Promise<number> {
  terminal.write(`z3 ${z3Version} is ${formatBytes(z3SizeBytes)} on the disk, and comes by your npm into ${folder}.\n`);
  try {
    if (question !== null && !(await isWanted(terminal, question, signal))) return exitCodes.usage;
    terminal.write("Fetching it, and holding its files against their known sums …\n");
    await installZ3({ folder, signal, told: (line) => terminal.write(`  ${line}\n`) });
    terminal.write("✓ Installed. The next proof uses it; `arw prove solver --remove` removes it.\n");
    return exitCodes.ok;
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted;
    terminal.writeError(`✗ It was not installed: ${error instanceof Error ? error.message : String(error)}\n`);
    terminal.writeError("  Proofs go on without it: the hub's own solver answers what it can.\n");
    return exitCodes.problem;
  }
}

async function remove(folder: string, terminal: ProveCommandOptions["terminal"]): Promise<number> {
  const wasHere = findZ3(folder) !== null;
  await rm(folder, { recursive: true, force: true });
  terminal.write(wasHere ? `✓ z3 is gone from ${folder}.\n` : `z3 is not installed; ${folder} is empty.\n`);
  return exitCodes.ok;
}

async function isWanted(
  terminal: ProveCommandOptions["terminal"],
  question: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (!terminal.isTty) {
    terminal.writeError("Nobody can be asked here: say --yes to install it.\n");
    return false;
  }
  return /^y(es)?$/i.test((await terminal.ask(question, signal)).trim());
}
