/**
 * One run, branched: at each step the rules are asked as if others had been in force. While that comes to the same, the recorded
 * answer is given; where a call is refused now, the agent is told so; and where nobody can know the answer, the branch ends.
 */
import type { Scope } from "../../contract/caller.ts";
import { deadlineMsOf, gateKey, type Operation } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { BudgetExceeded, Denied } from "../../contract/standard-problems.ts";
import type { RecordedStep, ReplayStep, StepAnswer } from "../agents/contract.ts";
import { targetOf } from "../episodes/contract.ts";
import type { ChangedStep, Said } from "./contract.ts";
import { type Bench, compared, type Decision, ruledAnew } from "./decision.ts";
import type { TrialBudget } from "./port.ts";
import type { Outcome, RecordedRun } from "./recorded-run.ts";
import type { RecordGap } from "./record-gap.ts";
import { type Answers, asksModel, insideOf, modelsOf } from "./step-answers.ts";

export interface BranchOptions {
  readonly run: RecordedRun;
  readonly answers: Answers;
  readonly gap: RecordGap | null;
  /** Whether the run was given other words. */
  readonly isGivenOther: boolean;
  /** Null where the rules stay as they were. */
  readonly bench: Bench | null;
  readonly budget: TrialBudget | null;
  readonly model: string | null;
  /** What steps would have told the agent, by number. */
  readonly edits: ReadonlyMap<number, unknown>;
  readonly episode: string;
}

export interface Branch {
  /** For the replayer. */
  readonly beforeStep: (step: ReplayStep) => Promise<StepAnswer>;
  readonly differences: readonly ChangedStep[];
  /** Steps that it came to, in their order. */
  readonly reached: readonly ReplayStep[];
  /** Recorded steps whose answers it used. */
  readonly used: readonly { readonly step: ReplayStep; readonly recorded: RecordedStep }[];
  /** What the other model said instead, by step; undefined where nobody knows. */
  readonly exchanged: ReadonlyMap<number, unknown>;
  /** Whether it was given something, or told something at a step, that the run was not. */
  isOther(): boolean;
}

interface State extends BranchOptions {
  readonly differences: ChangedStep[];
  readonly reached: ReplayStep[];
  readonly used: { readonly step: ReplayStep; readonly recorded: RecordedStep }[];
  readonly exchanged: Map<number, unknown>;
  /** Changes that the record has and the branch has not. */
  readonly undone: { readonly operation: Operation; readonly scope: Scope }[];
  isOther: boolean;
}

const recordedAnswer: StepAnswer = { kind: "recorded" };
const unknownOf = (why: string): StepAnswer => ({ kind: "unknown", why });

export function createBranch(options: BranchOptions): Branch {
  const { isGivenOther: isOther } = options;
  const state: State = {
    ...options,
    differences: [],
    reached: [],
    used: [],
    exchanged: new Map(),
    undone: [],
    isOther,
  };
  const { differences, reached, used, exchanged } = state;
  const beforeStep = async (step: ReplayStep): Promise<StepAnswer> => {
    const answer = await answerTo(step, state);
    state.isOther ||= answer.kind === "answer" || answer.kind === "refused";
    return answer;
  };
  return { beforeStep, differences, reached, used, exchanged, isOther: () => state.isOther };
}

async function answerTo(step: ReplayStep, state: State): Promise<StepAnswer> {
  state.reached.push(step);
  const { recorded } = step;
  if (recorded === null) return byGap(step, state) ?? (await answerToNew(step, state));
  for (const each of metOf(step, recorded, state)) {
    const refused = (await byRules(each, state)) ?? byBudget(each, state);
    if (refused !== null) return refused;
  }
  // What its person gives as the answer stands for whatever another model would have said.
  return byEdit(step, recorded, state) ?? byModel(step, state) ?? byGap(step, state) ?? byRecord(step, recorded, state);
}

/** Where the record goes no further and the program does what it did, what is missing is the answer. */
function byGap(step: ReplayStep, { gap, answers, isOther }: State): StepAnswer | null {
  if (gap === null || step.step <= gap.step) return null;
  // Of a record with a gap before its first step not even the words of its task need be whole.
  return !isOther || gap.step === 0 || isCallOf(answers.callOf(step.step), step) ? unknownOf(gap.why) : null;
}

/** One call that rules and allowances are asked about: the step itself, or what it calls inside. */
interface Met {
  readonly call: ReplayStep;
  readonly isInside: boolean;
  readonly recorded: RecordedStep;
  readonly outcome: Outcome;
}

function metOf(step: ReplayStep, recorded: RecordedStep, { answers, run }: State): readonly Met[] {
  const known = answers.of(step.step);
  const inside = known === undefined ? null : insideOf(known);
  return [step, ...(inside === null ? [] : [inside])].map((call) => ({
    call,
    isInside: call === inside,
    recorded,
    outcome: run.outcomeOf({ ...recorded, argsDigest: call.argsDigest }),
  }));
}

/** Null where the rules leave the recorded answer as it is. */
async function byRules({ call: step, recorded, outcome }: Met, state: State): Promise<StepAnswer | null> {
  const { bench, run } = state;
  if (bench === null) return null;
  const decision = decisionOf(step, outcome, { ...state, mayBeLeased: run.mayBeLeased });
  const { now, unknown } = await compared(decision, bench);
  if (unknown !== null) {
    note(step, { outcome, now, result: "unknown" }, state);
    return unknownOf(`the record does not say ${unknown}`);
  }
  const change = changeOf(outcome, now, recorded);
  if (change === null) return null;
  note(step, { outcome, now, result: change.result }, state);
  if (change.next === "goes-on") return null;
  if (change.next === "is-unknown") return unknownOf(change.why);
  if (recorded.kind === "done") lose(step, state);
  return { kind: "refused", problem: refusal(step, now) };
}

type Change =
  | { readonly result: ChangedStep["result"]; readonly next: "goes-on" | "is-refused" }
  | { readonly result: ChangedStep["result"]; readonly next: "is-unknown"; readonly why: string };

/** Null where it comes to the same. */
function changeOf({ was, answer }: Outcome, now: Said, recorded: RecordedStep): Change | null {
  if (now.effect === was) return null;
  const wasDone = was === "allow" || answer === "yes" || answer === "edited";
  if (now.effect === "deny") return { result: wasDone ? "blocked" : "saved", next: "is-refused" };
  if (was === "deny")
    return { result: "opened", next: "is-unknown", why: "the call was refused then, and nobody knows its answer" };
  if (now.effect === "ask") return { result: "added", next: "goes-on" };
  if (answer === "edited")
    return {
      result: "saved",
      next: "is-unknown",
      why: "you changed the call then, and it was never made as it was asked",
    };
  // A question that was answered with no, and that nobody puts now.
  if (recorded.kind === "stopped" && !wasDone)
    return { result: "opened", next: "is-unknown", why: "nobody allowed the call then, so nobody knows its answer" };
  return { result: "saved", next: "goes-on" };
}

const neverMade = "the run never made this call";

/** A call that the run never made, or made with other arguments. */
async function answerToNew(step: ReplayStep, state: State): Promise<StepAnswer> {
  const none: Outcome = { was: "allow", by: "policy" };
  if (state.bench !== null) {
    const decision = decisionOf(step, none, { ...state, mayBeLeased: true });
    const now = await ruledAnew(decision, state.bench);
    if (now?.effect === "deny") {
      const reason = state.gap === null ? neverMade : "the record does not say whether the run made this call";
      const was: Said = { effect: "unknown", reason };
      state.differences.push(differenceOf(step, { was, now, result: "blocked" }));
      return { kind: "refused", problem: refusal(step, now) };
    }
  }
  // The run was stopped, or its hub ended, while this call was under way: so it ends here, too.
  if (!step.hasDeparted) return recordedAnswer;
  return unknownOf(`the record holds no answer to this call of ${step.operation.id}`);
}

function byBudget({ call: step, isInside, recorded, outcome }: Met, state: State): StepAnswer | null {
  const { budget } = state;
  if (budget === null) return null;
  const wasRefused = recorded.kind === "stopped" && recorded.code === BudgetExceeded.code;
  // What was refused before budgets are asked uses nothing.
  if (outcome.was === "deny" && !wasRefused) return null;
  const { operation, input, caller } = step;
  const cost = operation.cost?.(input as never) ?? {};
  const scope = scopeOf(step);
  const durationMsMax = deadlineMsOf(operation);
  const call = { key: gateKey(operation), caller, scope, corrId: state.episode, cost, durationMsMax };
  try {
    const taken = budget.enter(call, state.answers.atMsOf(recorded));
    if (wasRefused) {
      note(step, { outcome, now: { effect: "allow", reason: "there is enough left" }, result: "opened" }, state);
      return unknownOf("a budget refused the call then, and nobody knows its answer");
    }
    state.answers.settle(step, recorded, taken);
    return null;
  } catch (error) {
    if (!isProblem(error, BudgetExceeded)) throw error;
    if (wasRefused) return null;
    const { allowance } = error.extra;
    note(step, { outcome, now: budgetSaid(allowance, error.message), result: "cut-off" }, state);
    if (recorded.kind === "done") lose(step, state);
    // A role goes on to the next of its models, and which these were the record does not say.
    return isInside
      ? unknownOf("a budget refused the model that answered, and nobody knows whether another one would have")
      : { kind: "refused", problem: error };
  }
}

export const isCallOf = (known: ReplayStep | undefined, { operation, argsDigest }: ReplayStep): boolean =>
  known?.operation.id === operation.id && known.argsDigest === argsDigest;

/** Another model would have answered something else; null for what no model answers, and for what this very one did. */
function byModel(step: ReplayStep, { model, answers, used, exchanged }: State): StepAnswer | null {
  const { operation } = step;
  if (model === null || !asksModel(operation)) return null;
  const known = answers.of(step.step);
  if (known !== undefined && modelsOf(known).includes(model)) return null;
  const said = answers.saidBy(model, step);
  exchanged.set(step.step, said?.result);
  if (said === null) return unknownOf(`nobody knows what ${model} would have said`);
  used.push({ step, recorded: said.recorded });
  return { kind: "answer", result: said.result };
}

function byEdit(step: ReplayStep, recorded: RecordedStep, { edits, used }: State): StepAnswer | null {
  if (!edits.has(step.step)) return null;
  used.push({ step, recorded });
  return { kind: "answer", result: edits.get(step.step) };
}

function byRecord(step: ReplayStep, recorded: RecordedStep, { undone, used }: State): StepAnswer {
  const altered = undone.find((each) => couldAlter(each, step));
  if (altered !== undefined && step.operation.effect === "read")
    return unknownOf(`it was read after ${altered.operation.id}, which was not done now`);
  used.push({ step, recorded });
  return recordedAnswer;
}

function lose(step: ReplayStep, { undone }: State): void {
  if (step.operation.effect !== "read") undone.push({ operation: step.operation, scope: scopeOf(step) });
}

/** Whether what an operation changes can be seen by a later call: the same subject, or the same place. */
function couldAlter({ operation, scope }: State["undone"][number], step: ReplayStep): boolean {
  const seen = scopeOf(step);
  // A command can change whatever there is.
  if (operation.needs.includes("exec")) return true;
  if (scope.folder !== undefined && seen.folder !== undefined)
    return isWithin(scope.folder, seen.folder) || isWithin(seen.folder, scope.folder);
  if (scope.host !== undefined && scope.host === seen.host) return true;
  return domainOf(operation) === domainOf(step.operation);
}

const isWithin = (folder: string, outer: string): boolean =>
  folder === outer || folder.startsWith(outer.endsWith("/") ? outer : `${outer}/`);
const domainOf = ({ id }: Operation): string => id.split(".")[0] ?? id;

const scopeOf = ({ operation, input }: ReplayStep): Scope => operation.scope?.(input as never) ?? {};

function decisionOf(
  step: ReplayStep,
  outcome: Outcome,
  { episode, mayBeLeased }: { readonly episode: string; readonly mayBeLeased: boolean },
): Decision {
  const { operation, caller, recorded } = step;
  const { kind, id, grants = [], asks = [], labels = [] } = caller;
  const scope = scopeOf(step);
  const facts = {
    operation,
    caller: { kind, id },
    grants,
    asks,
    scope,
    hidden: [],
    labels,
    labelsMaybe: [],
    mayBeLeased,
  };
  return { seq: recorded?.seq ?? 0, atMs: 0, episode, facts, ...outcome };
}

interface Noted {
  readonly outcome: Outcome;
  readonly now: Said;
  readonly result: ChangedStep["result"];
}

function note(step: ReplayStep, { outcome, now, result }: Noted, { differences }: State): void {
  const { was, rule, source } = outcome;
  const said: Said = {
    effect: was,
    ...(rule === undefined ? {} : { rule }),
    ...(source === undefined ? {} : { source }),
  };
  differences.push(differenceOf(step, { was: said, now, result }));
}

type Difference = Pick<ChangedStep, "was" | "now" | "result">;

function differenceOf(step: ReplayStep, difference: Difference): ChangedStep {
  const target = targetOf(scopeOf(step));
  return {
    step: step.step,
    tool: step.operation.id,
    summary: step.summary.slice(0, 500),
    ...(Object.keys(target).length === 0 ? {} : { target }),
    ...difference,
  };
}

/** As the corridor says it. */
const refusal = ({ operation }: ReplayStep, { rule, source, reason }: Said): Problem =>
  new Problem(Denied, reason ?? "a rule denies it", { key: gateKey(operation), rule, source });

const budgetSaid = (allowance: unknown, reason: string): Said => ({
  effect: "deny",
  ...(typeof allowance === "string" ? { rule: `allowance:${allowance}` } : {}),
  reason,
});
