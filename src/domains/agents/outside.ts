/**
 * What programs outside of the hub ask it to do, recorded as episodes of one step: what they asked and what they were answered,
 * redacted, so that it can be looked at, exported and served again. Their caller does not wait for it.
 */
import { digestOf } from "../../base/canonical-json.ts";
import type { KeptResult } from "../../base/kept-result.ts";
import type { Caller, Scope } from "../../contract/caller.ts";
import type { Context, Operation } from "../../contract/operation.ts";
import type { Problem } from "../../contract/problem.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, Log, Redactor, Sighting, Witness } from "../../kernel/ports.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  keptValue,
  IntentProposed,
  ObservationRecorded,
  targetOf,
} from "../episodes/contract.ts";
import { RunFailed, RunFinished, RunStarted } from "./contract.ts";
import { labelsOf } from "./labels.ts";
import { createRound, type Round } from "./outside-round.ts";
import { isRefusal, toldOf } from "./told.ts";
import { runs } from "./views.ts";

export interface OutsideDeps {
  readonly parts: KernelParts;
  readonly redactor: Pick<Redactor, "value">;
  readonly log: Log;
  /** Operations that are recorded whoever calls them. */
  readonly always: ReadonlySet<string>;
  readonly clock: Pick<Clock, "after" | "soon" | "nowMs">;
}

interface Seen {
  readonly operation: Operation;
  readonly input: unknown;
  readonly caller: Caller;
  readonly corrId: string;
  readonly scope: Scope;
}

export function createWitness(deps: OutsideDeps): Witness {
  const { parts, always, clock } = deps;
  const round = createRound(clock);
  const scribe = createScribe(deps.log);
  /** Runs whose beginning is not written yet. */
  const young = new Map<string, OutsideRun>();
  return {
    sees(call) {
      const { corrId } = call;
      if (!isOfOthers(call, always)) return null;
      // What belongs to a run is recorded with it.
      if (young.has(corrId) || parts.kernel.views.get(runs, corrId) !== undefined) return null;
      const run = createOutsideRun(call, { deps, round, scribe, hasBegun: () => young.delete(corrId) });
      young.set(corrId, run);
      run.enter();
      return run.sighting;
    },
    precede(corrId) {
      round.now();
      if (young.size > 0) young.get(corrId)?.begin();
    },
    async settle() {
      round.now();
      await scribe.idle();
    },
  };
}

const programKinds: ReadonlySet<string> = new Set(["agent", "plugin"]);

/** A tool that a program uses, and a model, whoever asks it. Jobs are runs of their own; secrets are nobody's to keep. */
function isOfOthers({ operation, caller }: Seen, always: ReadonlySet<string>): boolean {
  const { id, isTool, mode, isSecret, isRoutine } = operation;
  if (always.has(id)) return true;
  return isTool && mode === "one" && isSecret !== true && isRoutine !== true && programKinds.has(caller.kind);
}

/** Writes, and knows when all of it is written. */
function createScribe(log: Log) {
  let underWay = 0;
  const waiting: (() => void)[] = [];
  return {
    /** What `work` says without waiting is said at once. */
    async write(corrId: string, work: () => unknown): Promise<void> {
      underWay += 1;
      try {
        await work();
      } catch (error) {
        log.warn("a call from outside was not recorded", { corrId, error: String(error) });
      }
      underWay -= 1;
      if (underWay === 0) for (const wake of waiting.splice(0)) wake();
    },
    idle: (): Promise<void> => (underWay === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}

interface House {
  readonly deps: OutsideDeps;
  readonly round: Round;
  readonly scribe: ReturnType<typeof createScribe>;
  readonly hasBegun: () => void;
}

interface OutsideRun {
  readonly sighting: Sighting;
  /** The call is about to be made. */
  enter(): void;
  /** Writes that it began, unless that is said. */
  begin(): void;
}

/** What changes nothing is told in rounds. Of what changes something everything is written at once: somebody may want to undo it. */
function createOutsideRun(call: Seen, { deps, round, scribe, hasBegun }: House): OutsideRun {
  const { parts, clock } = deps;
  const { operation, caller, corrId } = call;
  const isRead = operation.effect === "read";
  const agent = caller.id;
  const atMs = clock.nowMs();
  const step = isRead ? null : stepOf(call, digestOf(call.input));
  const speaker = (saidAtMs: number): Context => parts.act({ caller, corrId, atMs: saidAtMs });
  let isBegun = false;
  let isWaiting = false;
  let last: (() => unknown) | null = null;
  const begin = (): void => {
    if (isBegun) return;
    isBegun = true;
    void scribe.write(corrId, () => begun(call, { actor: speaker(atMs), step }).finally(hasBegun));
  };
  const tell = (): void => {
    isWaiting = false;
    begin();
    if (last !== null) void scribe.write(corrId, last);
    last = null;
  };
  const wait = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    if (isRead) round.add(tell);
    else clock.soon(tell);
  };
  const end = (words: (actor: Context) => unknown): void => {
    const endedAtMs = Math.max(atMs, clock.nowMs());
    last = () => words(speaker(endedAtMs));
    wait();
  };
  const answered = (output: unknown): void => {
    const durationMs = Math.max(0, clock.nowMs() - atMs);
    end((actor) => tellAnswer(output, { call, actor, step, atMs, durationMs, deps }));
  };
  return {
    sighting: {
      answered,
      streamed: (items) => answered({ items: compacted(items) }),
      failed: (problem) =>
        end((actor) => then(questionOf(call, step, deps), (question) => refused(problem, actor, question))),
      put: (words) => end((actor) => actor.emit(RunFinished, { agent, outcome: words.slice(0, 1000), notDone: [] })),
    },
    begin,
    enter() {
      if (isRead) wait();
      else begin();
    },
  };
}

type Step = ReturnType<typeof stepOf>;

function stepOf({ operation, caller, scope }: Seen, argsDigest: string) {
  const { id: tool } = operation;
  const what = scope.model ?? scope.tool ?? scope.path ?? scope.host ?? scope.folder ?? "";
  const summary = `${tool} ${what}`.trim().slice(0, 500);
  return { agent: caller.id, step: 1, tool, summary, argsDigest, ...targetOf(scope) };
}

interface Question {
  readonly step: Step;
  readonly asked: ReturnType<typeof keptValue>;
}

/** What was asked, without secrets; its digest is that of the whole. */
function questionOf(call: Seen, step: Step | null, { parts, redactor }: OutsideDeps): Question | Promise<Question> {
  const { input } = call;
  const clean = redactor.value(input);
  return then(parts.recorder.keep(clean), (kept) => {
    const isWhole = clean === input && kept.kept === "inline";
    return { asked: keptValue(kept), step: step ?? stepOf(call, isWhole ? kept.resultRef : digestOf(input)) };
  });
}

/** At once where nothing is waited for: what is said next must stand behind it. */
const then = <A, B>(value: A | Promise<A>, use: (value: A) => B): B | Promise<B> =>
  value instanceof Promise ? value.then(use) : use(value);

interface Answer {
  readonly call: Seen;
  readonly actor: Context;
  readonly step: Step | null;
  readonly atMs: number;
  readonly durationMs: number;
  readonly deps: OutsideDeps;
}

function tellAnswer(output: unknown, answer: Answer): unknown {
  const { call, step, deps } = answer;
  // What an agent is answered was redacted on its way.
  const isRedacted = call.caller.kind === "agent" && call.operation.mode !== "many";
  return then(deps.parts.recorder.keep(isRedacted ? output : deps.redactor.value(output)), (kept) =>
    then(questionOf(call, step, deps), (question) => tellKept({ output, kept }, question, answer)),
  );
}

function tellKept(
  { output, kept }: { readonly output: unknown; readonly kept: KeptResult },
  { asked, step }: Question,
  { call, actor, atMs, durationMs }: Answer,
): Promise<unknown> {
  const { operation } = call;
  const [label] = labelsOf(operation, output);
  const { agent, summary, folder, path, host, ...named } = step;
  const said = { agent, summary, ...targetOf({ folder, path, host }), ...(label === undefined ? {} : { label }) };
  const recorded = { ...named, atMs, durationMs, ...kept };
  const definition = operation.effect === "read" ? ObservationRecorded : ActionApplied;
  return both(actor.emit(definition, { ...said, asked, recorded }), () =>
    actor.emit(RunFinished, { agent, outcome: "It was answered", notDone: [] }),
  );
}

interface Beginning {
  readonly actor: Context;
  /** Null where nothing is to be changed. */
  readonly step: Step | null;
}

async function begun({ operation, scope, caller }: Seen, { actor, step }: Beginning): Promise<void> {
  const agent = caller.id;
  const started = actor.emit(RunStarted, {
    agent,
    model: (scope.model ?? "unknown").slice(0, 120),
    title: `${operation.id} for ${agent}`.slice(0, 300),
    input: { outside: operation.id },
    grants: [],
    ...(caller.labels === undefined ? {} : { labels: [...caller.labels] }),
  });
  await (step === null ? started : both(started, () => actor.emit(IntentProposed, step)));
}

/** In one commit: the second is said before the first is on the disk. */
const both = (first: Promise<unknown>, second: () => Promise<unknown>): Promise<unknown> =>
  Promise.all([first, second()]);

async function refused(problem: Problem, actor: Context, { step, asked }: Question): Promise<void> {
  const { code, reason, ...more } = toldOf(problem);
  const said = { ...step, asked, code, ...more };
  const told = isRefusal(code)
    ? actor.emit(ActionRefused, { ...said, reason })
    : actor.emit(ActionFailed, { ...said, error: reason });
  await both(told, () => actor.emit(RunFailed, { agent: step.agent, code, error: reason }));
}

/** Words that follow each other are kept as one. */
function compacted(items: readonly unknown[]): readonly unknown[] {
  const whole: unknown[] = [];
  for (const item of items) {
    const last = whole.at(-1);
    if (isWords(last) && isWords(item) && last.kind === item.kind)
      whole[whole.length - 1] = { kind: item.kind, text: last.text + item.text };
    else whole.push(item);
  }
  return whole;
}

const isWords = (item: unknown): item is { readonly kind: string; readonly text: string } =>
  typeof item === "object" &&
  item !== null &&
  Object.keys(item).length === 2 &&
  typeof (item as { text?: unknown }).text === "string" &&
  typeof (item as { kind?: unknown }).kind === "string";
