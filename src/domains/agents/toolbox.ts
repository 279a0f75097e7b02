/**
 * An agent's hands. Each tool call is a numbered step: proposed when it changes something, walked through the corridor,
 * recorded as the agent saw it. In a resumed run the recorded steps answer from the record and nothing is done twice.
 */
import { digestOf } from "../../base/canonical-json.ts";
import type { KeptResult } from "../../base/kept-result.ts";
import { etaMs } from "../../base/units.ts";
import type { Label } from "../../contract/caller.ts";
import type { Context, Operation } from "../../contract/operation.ts";
import { isProblem, Problem, type ProblemDefinition } from "../../contract/problem.ts";
import type { Recorder } from "../../kernel/recorder.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  BeliefHeld,
  IntentProposed,
  ObservationRecorded,
  type Recorded,
  type Target,
  targetOf,
} from "../episodes/contract.ts";
import { CallRepaired, RecordDiverged, RecordGone, RunProgress, type Tools, UndeclaredTool } from "./contract.ts";
import type { Hands, Source } from "./hands.ts";
import { labelsOf } from "./labels.ts";
import type { RunRecord, StepRecord } from "./run-record.ts";
import { isRefusal, toldAgain, toldOf } from "./told.ts";

/** Progress more often than this tells nobody anything. */
const progressEveryMs = 200;

/** One step on its way into the world. */
export interface StepCall {
  readonly step: number;
  readonly operation: Operation;
  readonly input: unknown;
  readonly summary: string;
  readonly argsDigest: string;
  /** The agent, with the labels of what it has learned. */
  readonly hand: Context;
}
export interface Carried {
  readonly output: unknown;
  /** What ran: a person who was asked may have changed it. */
  readonly input: unknown;
  readonly atMs: number;
  readonly durationMs: number;
}

/** How a step of a live run is done. A replay has another way, which reaches nothing. */
export async function throughCorridor({ operation, input, hand }: StepCall): Promise<Carried> {
  const atMs = hand.now();
  const { output, input: ran } = await hand.carryOut(operation, input as never);
  return { output, input: ran, atMs, durationMs: Math.max(0, hand.now() - atMs) };
}

export interface ToolboxOptions {
  readonly agent: string;
  /** Ids of all that the agent may call. */
  readonly tools: ReadonlySet<string>;
  /** Acts as the agent, under its grants. */
  readonly actor: Context;
  /** The same, with the labels of what the run has learned. */
  readonly hands: Hands;
  /** A replay answers at once. */
  readonly carryOut: (call: StepCall) => Carried | Promise<Carried>;
  readonly recorder: Pick<Recorder, "keep" | "recall">;
  readonly record: RunRecord;
  readonly startedAtMs: number;
  readonly problems: ReadonlyMap<string, ProblemDefinition>;
  /** Null unless somebody paused the run; else resolves when it goes on. */
  readonly pause: () => Promise<void> | null;
}

/** The fields that every event about one step shares. */
interface Step {
  readonly agent: string;
  readonly step: number;
  readonly tool: string;
  readonly summary: string;
  readonly argsDigest: string;
}

export interface Toolbox extends Tools {
  /** Resolves when no step is under way: what was done is recorded by then, also when the run was stopped meanwhile. */
  quiet(): Promise<void>;
}

export function createToolbox(options: ToolboxOptions): Toolbox {
  const { actor, record, agent, hands } = options;
  const busy = new Map<number, Promise<unknown>>();
  let stepNumber = 0;
  let workedMs = 0;
  let progressAtMs = 0;
  return {
    signal: actor.signal,
    startedAtMs: options.startedAtMs,
    workedMs: () => workedMs,
    async call(operation, input, summary) {
      actor.signal.throwIfAborted();
      stepNumber += 1;
      const step: Step = {
        agent,
        step: stepNumber,
        tool: operation.id,
        summary: summary.slice(0, 500),
        argsDigest: digestOf(input),
      };
      const known = record.steps.get(stepNumber);
      const answer = known === undefined ? undefined : await recalled(known, { step, operation, options });
      if (answer !== undefined) {
        workedMs += answer.durationMs;
        return answer.result;
      }
      const paused = options.pause();
      if (paused !== null) await paused;
      const hand = known === undefined ? hands.now() : hands.asOf(known.seq);
      const target = targetOf(operation.scope?.(input) ?? {});
      const performance = perform(step, { operation, input, target, options, hand });
      busy.set(step.step, performance);
      try {
        const { result, durationMs } = await performance;
        workedMs += durationMs;
        return result;
      } finally {
        busy.delete(step.step);
      }
    },
    async quiet() {
      await Promise.allSettled(busy.values());
    },
    ...tellerOf({ agent, actor, record }),
    progress({ phase, done, total, unit }) {
      if (actor.signal.aborted) return;
      const now = actor.now();
      if (now - progressAtMs < progressEveryMs && done !== total) return;
      progressAtMs = now;
      const eta = total === null ? undefined : etaMs({ done, total, elapsedMs: now - options.startedAtMs });
      void actor.emit(RunProgress, {
        agent,
        phase,
        done,
        total,
        unit,
        etaMs: eta === undefined ? null : Math.round(eta),
      });
    },
  };
}

/** What a run says of itself, each once: a resumed run comes by what it said already. */
function tellerOf({ agent, actor, record }: Pick<ToolboxOptions, "agent" | "actor" | "record">) {
  let beliefNumber = 0;
  let repairNumber = 0;
  return {
    async believe({ topic, statement, sources }: Parameters<Tools["believe"]>[0]): Promise<void> {
      actor.signal.throwIfAborted();
      beliefNumber += 1;
      if (beliefNumber <= record.beliefs) return;
      const told = { topic, statement: statement.slice(0, 1000), sources: sources.slice(0, 20) };
      await actor.emit(BeliefHeld, { agent, ...told });
    },
    async repaired({ tool, how, faults }: Parameters<Tools["repaired"]>[0]): Promise<void> {
      actor.signal.throwIfAborted();
      repairNumber += 1;
      if (repairNumber <= record.repairs) return;
      const told = faults.slice(0, 20).map((each) => each.slice(0, 300));
      await actor.emit(CallRepaired, { agent, tool: tool.slice(0, 200), how, faults: told });
    },
  };
}

interface Recall {
  readonly step: Step;
  readonly operation: Pick<Operation, "effect" | "needs" | "labelsOf">;
  readonly options: ToolboxOptions;
}

/** Failures tell of the world, too. */
function learn(hands: Hands, labels: readonly Label[], told: Omit<Source, "label">): void {
  for (const label of labels) hands.learn({ ...told, label });
}

interface Answered {
  readonly result: never;
  readonly durationMs: number;
}

/** The recorded answer of a step; undefined when a read has to be done again because its result is no longer kept. */
async function recalled(known: StepRecord, { step, operation, options }: Recall): Promise<Answered | undefined> {
  if (known.tool !== step.tool || known.argsDigest !== step.argsDigest) {
    throw new Problem(
      RecordDiverged,
      `step ${step.step} was ${known.tool} and is ${step.tool} with other arguments now`,
    );
  }
  if (known.kind === "stopped") {
    learn(options.hands, labelsOf(operation, null), { step: step.step, digest: known.digest });
    throw toldAgain(known, options.problems);
  }
  const found = await options.recorder.recall(known.recorded);
  if (found.kind === "result") {
    learn(options.hands, labelsOf(operation, found.result), { step: step.step, digest: known.digest });
    return { result: found.result as never, durationMs: known.recorded.durationMs };
  }
  if (operation.effect === "read") return undefined;
  throw new Problem(RecordGone, `the result of step ${step.step}, ${step.tool}, is no longer kept`);
}

const undeclared = ({ agent, tool }: Step): Problem =>
  new Problem(UndeclaredTool, `${tool} is not in the list of tools that ${agent} declares`, {
    rule: UndeclaredTool.code,
    source: `agent:${agent}`,
  });

const labelled = ([label]: readonly Label[]) => (label === undefined ? undefined : { label });

/** What is said of a step. Written member by member: thousands of steps are made again in a second. */
interface Said extends Target {
  agent: string;
  summary: string;
  label?: Label;
}

function saidOf(agent: string, summary: string, { folder, path, host }: Target): Said {
  const said: Said = { agent, summary };
  if (folder !== undefined) said.folder = folder;
  if (path !== undefined) said.path = path;
  if (host !== undefined) said.host = host;
  return said;
}

function recordedAs({ step, tool, argsDigest }: Step, { atMs, durationMs }: Carried, answer: KeptResult): Recorded {
  const { kept, resultRef, resultSizeBytes } = answer;
  const facts = { step, tool, argsDigest, atMs, durationMs, kept, resultRef, resultSizeBytes };
  return kept === "inline" ? { ...facts, result: answer.result } : facts;
}

interface Performance {
  readonly operation: Operation;
  readonly input: unknown;
  readonly target: Target;
  readonly options: ToolboxOptions;
  readonly hand: Context;
}

async function perform(step: Step, { operation, input, target, options, hand }: Performance): Promise<Answered> {
  const { actor, recorder, record, hands } = options;
  const { agent, summary, argsDigest } = step;
  // The record is what the agent asked for, so that a resume finds its step; what is told is what was done.
  const changed = (ran: unknown): Said =>
    saidOf(agent, `${summary.slice(0, 450)} (with changes by a person)`, operation.scope?.(ran as never) ?? {});
  if (operation.effect !== "read" && !record.intents.has(step.step))
    await actor.emit(IntentProposed, { ...step, ...target });
  let labels = labelsOf(operation, null);
  let digest: string | null = null;
  try {
    if (!options.tools.has(operation.id)) throw undeclared(step);
    const call: StepCall = { step: step.step, operation, input, summary, argsDigest, hand };
    const carrying = options.carryOut(call);
    const carried = carrying instanceof Promise ? await carrying : carrying;
    const { output: result, input: ran, durationMs } = carried;
    const keeping = recorder.keep(result);
    const kept = keeping instanceof Promise ? await keeping : keeping;
    digest = kept.resultRef;
    labels = labelsOf(operation, result);
    const definition = operation.effect === "read" ? ObservationRecorded : ActionApplied;
    const said = ran === input ? saidOf(agent, summary, target) : changed(ran);
    const [label] = labels;
    if (label !== undefined) said.label = label;
    await actor.emit(definition, { ...said, recorded: recordedAs(step, carried, kept) });
    return { result: result as never, durationMs };
  } catch (error) {
    // A stopped run says so itself, at its end; the step simply did not happen.
    if (actor.signal.aborted) throw actor.signal.reason;
    if (!isProblem(error)) throw error;
    const told = toldOf(error);
    digest = digestOf({ code: told.code, reason: told.reason });
    const { code, reason, ...more } = told;
    const said = { ...step, ...target, ...labelled(labels), resultRef: digest, code };
    if (isRefusal(code)) await actor.emit(ActionRefused, { ...said, ...more, reason });
    else await actor.emit(ActionFailed, { ...said, ...more, error: reason });
    // The agent is told what is recorded, and no more: in a resume and in a replay it hears the same.
    throw toldAgain(told, options.problems, error);
  } finally {
    learn(hands, labels, { step: step.step, digest });
  }
}
