/** What one recorded run would have come to: replayed as it was, then with the change. */
import type { Envelope } from "../../contract/event.ts";
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { checkerOf, type Static } from "../../contract/schema.ts";
import type { Table } from "../../kernel/kernel.ts";
import { type Replayer, RunStarted, type ReplayStep } from "../agents/contract.ts";
import { Conditions, type Recording, type RecordingSource } from "../capsules/contract.ts";
import { createBranch } from "./branch.ts";
import { changes, NothingChanged, NotReplayable, type Run } from "./contract.ts";
import { type Bench, benchOf } from "./decision.ts";
import { editsOf, withHint } from "./edits.ts";
import { foreignRun } from "./foreign-run.ts";
import type { Candidate, RecordedRules, Rules, TrialBudget } from "./port.ts";
import { type Behind, behindGap, gapIn, type RecordGap, spentWith } from "./record-gap.ts";
import { readRecordedRun } from "./recorded-run.ts";
import { reportOf } from "./run-report.ts";
import { type Answers, asksModel, modelsOf, readAnswers } from "./step-answers.ts";

export interface RunDeps {
  readonly table: () => Pick<Table, "operations">;
  readonly rules: Rules;
  readonly recordings: RecordingSource;
  readonly replayer: Replayer;
  /** Throws `BadAllowance`. */
  readonly budgetOf: (allowances: readonly string[]) => TrialBudget;
}

type Input = Static<typeof Run.input>;
type Told = Static<typeof Run.output>;

export async function whatIfRun(input: Input, { signal }: Context, deps: RunDeps): Promise<Told> {
  const changed = changes.filter((name) => {
    const given = input[name];
    return Array.isArray(given) ? given.length > 0 : given !== undefined;
  });
  if (changed.length === 0) throw new Problem(NothingChanged, "nothing is said to be different");
  // What cannot be tried is refused before anything is read.
  const budget = changed.includes("budget") ? deps.budgetOf(input.budget ?? []) : null;
  const recording = await deps.recordings.of(input.run, signal);
  const { agent, title, episode } = recording.manifest.run;
  if (!recording.events.some(({ kind, data }) => kind === RunStarted.kind && data !== null))
    throw new Problem(NotReplayable, `${input.run} holds no beginning of a run`);
  using held = new DisposableStack();
  const { bench, policyThen } = await benchFor(input, recording, { rules: deps.rules, held });
  const head = { episode, agent, title, changed: [...changed], policyThen };
  const baseline = await replayAsItWas(recording, deps, signal);
  if (baseline === null) return { ...head, ...(await foreignRun(recording, { bench, table: deps.table(), changed })) };
  const { answers, gap, behind, steps } = baseline;
  const edits = editsOf(input.edit ?? [], answers);
  if (!behind.mayAskModel) refuseIdleModel(input.model, answers);
  const run = readRecordedRun(recording.events);
  const given = givenWith(input.hint, recording.events);
  const trial = { bench, budget, model: input.model ?? null, edits, isGivenOther: given !== null };
  const branch = createBranch({ run, answers, gap, episode, ...trial });
  const replayed = await deps.replayer.replay(recording, {
    beforeStep: branch.beforeStep,
    signal,
    ...(given === null ? {} : { given: { input: given } }),
  });
  return {
    ...head,
    ...reportOf({ run, answers, gap, steps, spentThen: spentWith(answers, behind), branch, replayed, edits }),
  };
}

interface AsItWas {
  readonly answers: Answers;
  readonly gap: RecordGap | null;
  readonly behind: Behind;
  readonly steps: number;
}

/** Every step with its input and its recorded answer, as far as the record goes; null where the code is not this hub's. Throws `NotReplayable`. */
async function replayAsItWas(
  recording: Recording,
  { replayer, table }: RunDeps,
  signal: AbortSignal,
): Promise<AsItWas | null> {
  const steps: ReplayStep[] = [];
  const replayed = await replayer.replay(recording, {
    signal,
    beforeStep(step) {
      steps.push(step);
      return { kind: "recorded" };
    },
  });
  if (replayed.report.mode === "answers") return null;
  const gap = await gapIn(replayed, { recording, replayer, signal });
  const answers = await readAnswers(steps, (ref) => recording.blob(ref));
  const nothing = { mayAskModel: false, workedMs: 0 };
  const behind = gap === null ? nothing : behindGap(recording, answers, table().operations);
  return { answers, gap, behind, steps: gap === null ? answers.all.length : replayed.report.steps.recorded };
}

interface Benching {
  readonly rules: Rules;
  readonly held: DisposableStack;
}

/** The rules of then and those that are tried; no bench where the rules stay. */
async function benchFor(
  { policy, policyName: name, isAlone }: Input,
  recording: Recording,
  { rules, held }: Benching,
): Promise<{ readonly bench: Bench | null; readonly policyThen: Told["policyThen"] }> {
  const recorded = await recordedRules(recording);
  const was = recorded === null ? null : await rules.recorded(recorded);
  if (was !== null) held.use(was);
  const policyThen = was === null ? "today" : "recorded";
  if (policy === undefined) return { bench: null, policyThen };
  const candidate: Candidate = { text: policy, name, isAlone };
  const tried = recorded === null || was === null ? rules.over(candidate) : rules.recordedOver(recorded, candidate);
  return { bench: benchOf(was ?? held.use(rules.inForce()), held.use(await tried)), policyThen };
}

/** Null where the record does not name them. */
async function recordedRules({ manifest, blob }: Recording): Promise<RecordedRules | null> {
  const { conditions } = manifest.inForce;
  const bytes = conditions === null ? null : await blob(conditions);
  if (bytes === null) return null;
  const read = JSON.parse(new TextDecoder().decode(bytes)) as Static<typeof Conditions>;
  return checkerOf(Conditions).check(read) ? read : null;
}

/** Another model changes nothing where none was asked, as words change nothing that nobody reads. */
function refuseIdleModel(model: string | undefined, { all }: Answers): void {
  if (model === undefined) return;
  const asked = all.filter(({ step }) => asksModel(step.operation));
  if (asked.length === 0)
    throw new Problem(NothingChanged, "no step of the run asked a model, so another one would have changed nothing");
  if (asked.every((each) => modelsOf(each).includes(model)))
    throw new Problem(NothingChanged, `the run asked no model but ${model}`);
}

/** Null without a hint, and where the run was given no words that it could stand behind. */
function givenWith(hint: string | undefined, events: readonly Envelope[]): unknown {
  if (hint === undefined) return null;
  const started = events.find(({ kind, data }) => kind === RunStarted.kind && data !== null);
  const { input } = (started?.data ?? {}) as { readonly input?: unknown };
  const given = withHint(input, hint);
  if (given === null)
    throw new Problem(NothingChanged, "the run was given no task in words, so a hint would not have reached it");
  return given;
}
