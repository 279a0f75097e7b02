/**
 * What programs outside of the hub ask it to do, recorded as episodes of one step: what they asked and what they were answered,
 * redacted, so that it can be looked at, exported and served again. Their caller does not wait for it.
 */
import { digestOf } from "../../base/canonical-json.ts";
import type { Caller, Scope } from "../../contract/caller.ts";
import type { Context, Operation } from "../../contract/operation.ts";
import type { Problem } from "../../contract/problem.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Log, Redactor, Sighting, Witness } from "../../kernel/ports.ts";
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
import { isRefusal, toldOf } from "./told.ts";
import { runs } from "./views.ts";

export interface OutsideDeps {
  readonly parts: KernelParts;
  readonly redactor: Pick<Redactor, "value">;
  readonly log: Log;
  /** Operations that are recorded whoever calls them. */
  readonly always: ReadonlySet<string>;
  /** Runs after the I/O that is ready now: the answer is on its way by then. */
  readonly soon: (run: () => void) => void;
}

interface Seen {
  readonly operation: Operation;
  readonly input: unknown;
  readonly caller: Caller;
  readonly corrId: string;
  readonly scope: Scope;
}

export function createWitness(deps: OutsideDeps): Witness {
  /** Runs that began and that no view shows yet. */
  const young = new Set<string>();
  return {
    sees(call) {
      const { corrId } = call;
      if (!isOfOthers(call, deps.always)) return null;
      // What belongs to a run is recorded with it.
      if (young.has(corrId) || deps.parts.kernel.views.get(runs, corrId) !== undefined) return null;
      young.add(corrId);
      return sightingOf(call, deps, () => young.delete(corrId));
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

function sightingOf(call: Seen, deps: OutsideDeps, hasBegun: () => void): Sighting {
  const { parts, log, soon } = deps;
  const { operation, caller, corrId } = call;
  const isRead = operation.effect === "read";
  // Of what changes something everything is written at once: somebody may want to undo it.
  const actor = parts.act({ caller, corrId, isUnhurried: isRead });
  const agent = caller.id;
  const atMs = actor.now();
  const note = (error: unknown): void =>
    log.warn("a call from outside was not recorded", { corrId, error: String(error) });
  const finish = (work: () => Promise<unknown>): void => soon(() => void work().catch(note));
  const step = isRead ? null : stepOf(call, digestOf(call.input));
  begin(call, { actor, step }).catch(note).finally(hasBegun);
  const answered = (output: unknown): void => {
    const durationMs = Math.max(0, actor.now() - atMs);
    finish(() => tellAnswer(output, { call, actor, step, atMs, durationMs, deps }));
  };
  return {
    answered,
    streamed: (items) => answered({ items: compacted(items) }),
    failed: (problem) => finish(async () => refused(problem, actor, await questionOf(call, step, deps))),
    put: (words) => finish(() => actor.emit(RunFinished, { agent, outcome: words.slice(0, 1000), notDone: [] })),
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
async function questionOf(call: Seen, step: Step | null, { parts, redactor }: OutsideDeps): Promise<Question> {
  const { input } = call;
  const clean = redactor.value(input);
  const kept = await parts.recorder.keep(clean);
  const isWhole = clean === input && kept.kept === "inline";
  return { asked: keptValue(kept), step: step ?? stepOf(call, isWhole ? kept.resultRef : digestOf(input)) };
}

interface Answer {
  readonly call: Seen;
  readonly actor: Context;
  readonly step: Step | null;
  readonly atMs: number;
  readonly durationMs: number;
  readonly deps: OutsideDeps;
}

async function tellAnswer(output: unknown, { call, actor, step, atMs, durationMs, deps }: Answer): Promise<void> {
  const { operation, caller } = call;
  const { parts, redactor } = deps;
  // What an agent is answered was redacted on its way.
  const isRedacted = caller.kind === "agent" && operation.mode !== "many";
  const kept = await parts.recorder.keep(isRedacted ? output : redactor.value(output));
  const [label] = labelsOf(operation, output);
  const { asked, step: known } = await questionOf(call, step, deps);
  const { agent, summary, folder, path, host, ...named } = known;
  const said = { agent, summary, ...targetOf({ folder, path, host }), ...(label === undefined ? {} : { label }) };
  const recorded = { ...named, atMs, durationMs, ...kept };
  const definition = operation.effect === "read" ? ObservationRecorded : ActionApplied;
  await both(actor.emit(definition, { ...said, asked, recorded }), () =>
    actor.emit(RunFinished, { agent, outcome: "It was answered", notDone: [] }),
  );
}

interface Beginning {
  readonly actor: Context;
  /** Null where nothing is to be changed. */
  readonly step: Step | null;
}

async function begin({ operation, scope, caller }: Seen, { actor, step }: Beginning): Promise<void> {
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
