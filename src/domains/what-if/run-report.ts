/** Says in numbers, words and diffs how a branch differs from the run. */
import { unifiedDiff } from "../../base/text-diff.ts";
import type { Static } from "../../contract/schema.ts";
import type { Replayed, ReplayStep } from "../agents/contract.ts";
import { type Branch, isCallOf } from "./branch.ts";
import { type ChangedStep, diffCharsMax, type Run, type Spent, type TextDiff } from "./contract.ts";
import type { RecordGap } from "./record-gap.ts";
import { outcomeIn, type RecordedRun } from "./recorded-run.ts";
import { type Answered, type Answers, insideOf, spentOf } from "./step-answers.ts";

type Told = Static<typeof Run.output>;

export interface Branched {
  readonly run: RecordedRun;
  readonly answers: Answers;
  readonly branch: Branch;
  readonly replayed: Replayed;
  readonly edits: ReadonlyMap<number, unknown>;
  readonly gap: RecordGap | null;
  /** Steps that the run had. */
  readonly steps: number;
  readonly spentThen: Spent;
}

/** More would be read by nobody. */
const diffsMax = 16;
const diffLinesMax = 200;

export function reportOf(branched: Branched): Omit<Told, "episode" | "agent" | "title" | "changed" | "policyThen"> {
  const { run, branch, replayed, gap, steps, spentThen } = branched;
  const { differences } = branch;
  const firstChangedStep = firstChange(branched);
  const unknown = unknownIn(branched);
  const added = differences.find(({ result }) => result === "added")?.step ?? null;
  const exactToStep = Math.min(unknown?.step ?? steps, added === null ? steps : added - 1, steps);
  const count = (...results: readonly string[]) => differences.filter(({ result }) => results.includes(result)).length;
  return {
    steps,
    firstChangedStep,
    exactToStep,
    unknownAfterStep: unknown?.step ?? null,
    horizon: horizonWords({ steps, firstChangedStep, added, unknown, gap }),
    differences: differences.slice(0, differencesMax),
    approvals: { asked: run.asked, saved: questionsSaved(branched), added: count("added") },
    blocked: count("blocked", "cut-off"),
    opened: count("opened"),
    spentThen,
    spentNow: unknown === null ? spentOf(usedIn(branched)) : unknownSpent,
    diffs: [...answerDiffs(branched), ...callDiffs(branched)].toSorted((a, b) => a.step - b.step).slice(0, diffsMax),
    outcomeThen: run.end,
    outcomeNow: unknown === null ? outcomeIn(replayed.made) : null,
  };
}

const differencesMax = 1000;

/** Whether a question of then would not be put. A budget is asked behind it, and leaves it standing. */
export const isNotAskedNow = ({ was, now, result }: ChangedStep): boolean =>
  was.effect === "ask" && (now.effect === "allow" || now.effect === "deny") && result !== "cut-off";

/** Questions that the rules answer or that a refusal stands before, and those that the branch does not come to. */
function questionsSaved(branched: Branched): number {
  const { run, answers, branch } = branched;
  const reached = new Map(branch.reached.flatMap(({ step, recorded }) => (recorded ? [[recorded.step, step]] : [])));
  const dropped = new Set(branch.differences.filter(isNotAskedNow).map(({ step }) => step));
  const isKnown = unknownIn(branched) === null;
  const saved = answers.all.filter((answered) => {
    const { recorded } = answered;
    const argsDigest = insideOf(answered)?.argsDigest ?? recorded.argsDigest;
    if ([recorded, { ...recorded, argsDigest }].every((call) => run.outcomeOf(call).was !== "ask")) return false;
    const step = reached.get(recorded.step);
    return step === undefined ? isKnown : dropped.has(step);
  });
  return Math.min(saved.length, run.asked);
}

const unknownSpent: Spent = { tokens: "unknown", microUsd: "unknown", workedMs: "unknown" };

interface Unknown {
  readonly step: number;
  readonly why: string;
}

/** Where a branch ends that does not reach its end. */
function unknownIn({ replayed, gap, branch }: Branched): Unknown | null {
  const { unknownAfter, report } = replayed;
  // What stands behind the gap may have come to its end all the same, but not as the record tells it.
  if (gap !== null && (unknownAfter?.why === gap.why || !branch.isOther())) return gap;
  if (unknownAfter !== null) return unknownAfter;
  const { verdict, replayableToStep } = report;
  if (verdict !== "incomplete") return null;
  return { step: replayableToStep ?? 0, why: "a recorded answer is no longer kept" };
}

/** The first step that came to something else, or at which something else would be done. */
function firstChange(branched: Branched): number | null {
  const { branch, answers } = branched;
  const decided = branch.differences.map(({ step }) => step);
  const other = branch.reached.find((step) => isOtherCall(step, answers))?.step;
  const all = [...decided, ...otherAnswers(branched).keys(), ...(other === undefined ? [] : [other])];
  return all.length === 0 ? null : Math.min(...all);
}

const isOtherCall = (step: ReplayStep, answers: Answers): boolean => !isCallOf(answers.callOf(step.step), step);

/** What a model would have charged for the words of an edit nobody knows. */
const usedIn = ({ branch, answers, edits }: Branched): readonly Answered[] =>
  branch.used.map(({ step, recorded }) => {
    const known = answers.of(recorded.step) ?? { step, recorded, result: undefined };
    return edits.has(step.step) ? { ...known, result: undefined } : known;
  });

interface Horizon {
  readonly steps: number;
  readonly firstChangedStep: number | null;
  readonly added: number | null;
  readonly unknown: Unknown | null;
  readonly gap: RecordGap | null;
}

function horizonWords({ steps, firstChangedStep, added, unknown, gap }: Horizon): string {
  const behind =
    gap === null || unknown?.why !== gap.why
      ? "what comes behind is unknown"
      : `unknown after step ${gap.step}, as the record goes no further`;
  if (unknown !== null && firstChangedStep === null)
    return `Up to step ${unknown.step} of ${steps} nothing would have come out differently; ${behind}: ${unknown.why}.`;
  const first =
    firstChangedStep === null
      ? "Nothing would have come out differently"
      : `Step ${firstChangedStep} is the first that differs`;
  if (unknown !== null) return `${first}. Exact up to step ${unknown.step} of ${steps}; ${behind}: ${unknown.why}.`;
  if (added !== null)
    return `${first}. From step ${added} on it holds if you would have allowed what you would have been asked about.`;
  return firstChangedStep === null ? `${first}: exact over all ${steps} steps.` : `${first}. Exact to the end.`;
}

/** By step, as far as the branch came; undefined where nobody knows what another model would have said. */
function otherAnswers({ edits, branch }: Branched): ReadonlyMap<number, unknown> {
  const reached = new Set(branch.reached.flatMap(({ step, recorded }) => (recorded === null ? [] : [step])));
  return new Map([...edits, ...branch.exchanged].filter(([step]) => reached.has(step)));
}

const answerDiffs = (branched: Branched): readonly TextDiff[] =>
  [...otherAnswers(branched)].flatMap(([step, after]) => {
    const known = branched.answers.of(step);
    if (known === undefined || after === undefined) return [];
    return diffFor(known.step, { what: "answer", before: known.result, after });
  });

/** What the agent would do otherwise, up to where nobody knows what it is told. */
const callDiffs = ({ branch, answers, gap }: Branched): readonly TextDiff[] =>
  branch.reached
    .filter((step) => isOtherCall(step, answers))
    .flatMap((step) => {
      const known = answers.callOf(step.step);
      // Behind a gap nobody knows what it called then.
      if (gap !== null && known === undefined) return [];
      const isSameTool = known?.operation.id === step.operation.id;
      return diffFor(step, { what: "call", before: isSameTool ? known.input : "", after: step.input });
    });

interface Differing {
  readonly what: TextDiff["what"];
  readonly before: unknown;
  readonly after: unknown;
}

function diffFor({ step, operation }: ReplayStep, { what, before, after }: Differing): readonly TextDiff[] {
  const path = `step ${step} ${operation.id}`;
  const { text } = unifiedDiff({ path, before: plainText(before), after: plainText(after), linesMax: diffLinesMax });
  return text === "" ? [] : [{ step, tool: operation.id, what, diff: text.slice(0, diffCharsMax) }];
}

/** Fields one below the other, and texts as they read. */
function plainText(value: unknown): string {
  if (typeof value === "string") return withEnd(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return withEnd(inLines(value));
  return Object.entries(value)
    .map(([name, field]) =>
      typeof field === "string" && field.includes("\n")
        ? `${name}:\n${withEnd(field)}`
        : withEnd(`${name}: ${typeof field === "string" ? field : inLines(field)}`),
    )
    .join("");
}

const withEnd = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`);

/** Texts inside are broken into lines where they break: this is read by people, and a change of one word is one line then. */
const inLines = (value: unknown): string =>
  (JSON.stringify(value, null, 2) ?? "").replaceAll(/(?<!\\)((?:\\\\)*)\\n/g, "$1\n");
