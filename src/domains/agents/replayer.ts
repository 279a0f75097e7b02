/**
 * Replays recorded runs: the program works once more through the same code as it did, and everything outside of it is the
 * record. There is no context of the hub in here, so nothing can be reached.
 */
import { strict as assert } from "node:assert";
import { keptOf } from "../../base/kept-result.ts";
import { callerName, type Label } from "../../contract/caller.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Context } from "../../contract/operation.ts";
import { isProblem, type ProblemDefinition } from "../../contract/problem.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  BeliefHeld,
  IntentProposed,
  ObservationRecorded,
} from "../episodes/contract.ts";
import { agentOf, type Asked, askedAgain, type Cast } from "./asked.ts";
import { conduct } from "./conduct.ts";
import {
  CallRepaired,
  type Replayed,
  type Replayer,
  type ReplayOptions,
  type ReplayRecord,
  ToolsAccepted,
} from "./contract.ts";
import { createHands } from "./hands.ts";
import { changeFrom } from "./manifests.ts";
import type { ReplayReport } from "./replay.ts";
import { checkAnswers } from "./replay-answers.ts";
import { type Course, createCourse, type Ending } from "./replay-course.ts";
import { carryOut, say } from "./replay-follower.ts";
import { type Reading, readRun } from "./replay-reading.ts";
import { emptyRecord } from "./run-record.ts";

export interface ReplayerDeps extends Cast {
  readonly problems: () => ReadonlyMap<string, ProblemDefinition>;
  /** Cuts out what looks like a secret. */
  readonly redact: (value: unknown) => unknown;
  /** Runs when everything that can move has moved: a turn of the event loop. */
  readonly soon: (run: () => void) => void;
}

export const createReplayer = (deps: ReplayerDeps): Replayer => ({
  async replay(record, options = {}) {
    const reading = readRun(record.events);
    assert(reading !== null, "a recording begins with the start of a run");
    const asked = askedFor(reading, options, deps);
    return asked === null ? checkAnswers(reading, record) : replayed({ reading, asked, record, options }, deps);
  },
});

/** What the run was asked to be; null where its code is not this hub's. */
function askedFor({ started }: Reading, { given = {} }: ReplayOptions, cast: Cast): Asked | null {
  const { agent, title, folder, input, grants } = started.data;
  try {
    return askedAgain({ agent, title, folder, grants: given.grants ?? grants, input: given.input ?? input }, cast);
  } catch (error) {
    if (isProblem(error)) return null;
    throw error;
  }
}

interface Replaying {
  readonly reading: Reading;
  readonly asked: Asked;
  readonly record: ReplayRecord;
  readonly options: ReplayOptions;
}

async function replayed({ reading, asked, record, options }: Replaying, deps: ReplayerDeps): Promise<Replayed> {
  const { corrId, data } = reading.started;
  const strange = strangerIn(record.events, reading.started.caller);
  if (strange !== null) return strangersWord(strange, asked, reading);
  const stop = new AbortController();
  const problems = deps.problems();
  const course = createCourse({
    reading,
    options,
    problems,
    redact: deps.redact,
    soon: deps.soon,
    blob: (ref) => record.blob(ref),
    abort: (reason) => stop.abort(reason),
    declassify: (source) => hands.declassify(source),
  });
  const labels = options.given?.labels ?? data.labels ?? ["user"];
  const actorOf = (held: readonly Label[]): Context =>
    contextOf({ asked, labels: held, corrId, signal: stop.signal }, course);
  const hands = createHands({ labels, declassified: new Map(), actorOf });
  const actor = actorOf(labels);
  const run = conduct({
    asked,
    actor,
    hands,
    record: emptyRecord,
    carryOut: (call) => carryOut(call, course),
    recorder: { keep: (result) => keptOf(result).kept, recall: () => assert.fail("a replay has one record") },
    problems,
    pause: () => null,
    settle: () => settleAgain(asked, course),
    hub: () => actor,
    startedAtMs: null,
  });
  const isOver: Promise<Ending | null> = run.then(
    () => null,
    () => null,
  );
  options.signal?.addEventListener("abort", () => stop.abort(options.signal?.reason), { once: true });
  const ending = await Promise.race([course.ended, isOver]);
  options.signal?.throwIfAborted();
  return resultOf(ending, asked, course);
}

interface Acting {
  readonly asked: Asked;
  readonly labels: readonly Label[];
  readonly corrId: string;
  readonly signal: AbortSignal;
}

function contextOf({ asked, labels, corrId, signal }: Acting, course: Course): Context {
  const caller = agentOf(asked, labels);
  const name = callerName(caller);
  const outside = (): never => assert.fail("a replay reaches nothing but its record");
  return {
    signal,
    caller,
    corrId,
    now: () => course.nowMs,
    random: outside,
    id: outside,
    emit: (definition, data) =>
      definition.isDurable
        ? (say({ definition, data, caller: name }, course) as never)
        : // Passes by live, and is nowhere in the record.
          (Promise.resolve(null) as never),
    call: outside,
    carryOut: outside,
  };
}

/** The tools of the agent, against those that it ran with before by the record. */
async function settleAgain({ program }: Asked, course: Course): Promise<void> {
  const next = course.order.next();
  if (next?.kind !== ToolsAccepted.kind || course.departedAt() !== null) return;
  const { isFirst, tools, added, removed } = next.data as {
    readonly isFirst: boolean;
    readonly tools: readonly string[];
    readonly added: readonly string[];
    readonly removed: readonly string[];
  };
  const former = [...tools.filter((id) => !added.includes(id)), ...removed];
  const change = changeFrom(program, isFirst ? undefined : former);
  if (change !== null) await say({ definition: ToolsAccepted, data: change, caller: next.caller }, course);
}

function resultOf(ending: Ending | null, { program }: Asked, course: Course): Replayed {
  const { reading, order, made } = course;
  const departedAt = course.departedAt();
  const left = order.next();
  const base = { departedAt, made, unknownAfter: ending?.kind === "unknown" ? unknownAfter(ending) : null };
  const shortfall =
    ending === null && departedAt === null && left !== undefined
      ? { ...nowhere, seq: left.seq, why: "the record goes on, and the code has ended", recorded: left.data }
      : null;
  // An end that somebody else told is none that the code came to.
  const isUnended = ending?.kind === "open" && departedAt === null && reading.end === "finished";
  const goesOn = isUnended
    ? { ...nowhere, seq: null, why: "the run is said to have finished, and the code goes on" }
    : null;
  const divergence = ending?.kind === "diverged" ? ending.divergence : (shortfall ?? goesOn);
  return { ...base, report: reportOf({ ending, divergence, agent: program.id, reading, passed: order.at() }) };
}

/** What only the agent of a run says of itself and its steps; whoever else said it, the code does not say it again. */
const ownKinds: ReadonlySet<string> = new Set(
  [BeliefHeld, IntentProposed, ObservationRecorded, ActionApplied, ActionRefused, ActionFailed, CallRepaired].map(
    ({ kind }) => kind,
  ),
);
const strangerIn = (events: ReplayRecord["events"], caller: string): Envelope | null =>
  events.find((each) => each.caller !== caller && ownKinds.has(each.kind)) ?? null;

function strangersWord({ seq, kind, caller, data }: Envelope, { program }: Asked, reading: Reading): Replayed {
  const why = "somebody else speaks there as the agent of the run";
  const divergence = { step: null, seq, at: "/caller", why, recorded: { kind, caller, data }, made: null };
  const report = reportOf({ ending: null, divergence, agent: program.id, reading, passed: 0 });
  return { report, made: [], departedAt: null, unknownAfter: null };
}

const nowhere = { step: null, at: "", recorded: null, made: null };
const unknownAfter = ({ step, why }: Extract<Ending, { kind: "unknown" }>) => ({ step, why });

interface Reporting {
  readonly ending: Ending | null;
  readonly divergence: ReplayReport["divergence"];
  readonly agent: string;
  readonly reading: Reading;
  readonly passed: number;
}

function reportOf({ ending, divergence, agent, reading, passed }: Reporting): ReplayReport {
  const { started, total, places, steps, own } = reading;
  const seen = passed < own.length && divergence !== null ? (places[passed] ?? total) : total;
  const isIncomplete = ending?.kind === "incomplete";
  const notPassed = new Set(own.slice(passed));
  const replayedSteps =
    notPassed.size === 0 ? steps.size : [...steps.values()].filter(({ event }) => !notPassed.has(event)).length;
  return {
    episode: started.corrId,
    agent,
    mode: "program",
    verdict: divergence !== null ? "diverged" : isIncomplete ? "incomplete" : "equal",
    end: reading.end,
    events: { total, madeAgain: passed, taken: Math.max(0, seen - passed) },
    steps: { recorded: steps.size, replayed: replayedSteps },
    replayableToStep: isIncomplete ? ending.step - 1 : null,
    divergence,
  };
}
