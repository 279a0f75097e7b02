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
}

interface Seen {
  readonly operation: Operation;
  readonly input: unknown;
  readonly caller: Caller;
  readonly corrId: string;
  readonly scope: Scope;
}

export const createWitness = (deps: OutsideDeps): Witness => ({
  sees(call) {
    if (!isOfOthers(call, deps.always)) return null;
    // What belongs to a run is recorded with it.
    if (deps.parts.kernel.views.get(runs, call.corrId) !== undefined) return null;
    return sightingOf(call, deps);
  },
});

const programKinds: ReadonlySet<string> = new Set(["agent", "plugin"]);

/** A tool that a program uses, and a model, whoever asks it. Jobs are runs of their own; secrets are nobody's to keep. */
function isOfOthers({ operation, caller }: Seen, always: ReadonlySet<string>): boolean {
  const { id, isTool, mode, isSecret, isRoutine } = operation;
  if (always.has(id)) return true;
  return isTool && mode === "one" && isSecret !== true && isRoutine !== true && programKinds.has(caller.kind);
}

function sightingOf(call: Seen, { parts, redactor, log }: OutsideDeps): Sighting {
  const { operation, caller, corrId, input } = call;
  const actor = parts.act({ caller, corrId });
  const agent = caller.id;
  const step = stepOf(call);
  const atMs = actor.now();
  const note = (error: unknown): void =>
    log.warn("a call from outside was not recorded", { corrId, error: String(error) });
  const finish = (work: () => Promise<unknown>): void => void work().catch(note);
  const asked = async () => keptValue(await parts.recorder.keep(redactor.value(input)));
  const answered = async (output: unknown): Promise<void> => {
    const kept = await parts.recorder.keep(redactor.value(output));
    const [label] = labelsOf(operation, output);
    const { agent: _agent, summary, folder, path, host, ...named } = step;
    const said = { agent, summary, ...targetOf({ folder, path, host }), ...(label === undefined ? {} : { label }) };
    const recorded = { ...named, atMs, durationMs: Math.max(0, actor.now() - atMs), ...kept };
    const definition = operation.effect === "read" ? ObservationRecorded : ActionApplied;
    await both(actor.emit(definition, { ...said, asked: await asked(), recorded }), () =>
      actor.emit(RunFinished, { agent, outcome: "It was answered", notDone: [] }),
    );
  };
  begin(call, { actor, step }).catch(note);
  return {
    answered: (output) => finish(() => answered(output)),
    streamed: (items) => finish(() => answered({ items: compacted(items) })),
    failed: (problem) => finish(async () => refused(problem, { actor, step, asked: await asked() })),
    put: (words) => finish(() => actor.emit(RunFinished, { agent, outcome: words.slice(0, 1000), notDone: [] })),
  };
}

type Step = ReturnType<typeof stepOf>;

function stepOf({ operation, input, caller, scope }: Seen) {
  const { id: tool } = operation;
  const what = scope.model ?? scope.tool ?? scope.path ?? scope.host ?? scope.folder ?? "";
  const summary = `${tool} ${what}`.trim().slice(0, 500);
  return { agent: caller.id, step: 1, tool, summary, argsDigest: digestOf(input), ...targetOf(scope) };
}

interface Telling {
  readonly actor: Context;
  readonly step: Step;
}

async function begin({ operation, scope, caller }: Seen, { actor, step }: Telling): Promise<void> {
  const { agent } = step;
  const started = actor.emit(RunStarted, {
    agent,
    model: (scope.model ?? "unknown").slice(0, 120),
    title: `${operation.id} for ${agent}`.slice(0, 300),
    input: { outside: operation.id },
    grants: [],
    ...(caller.labels === undefined ? {} : { labels: [...caller.labels] }),
  });
  await (operation.effect === "read" ? started : both(started, () => actor.emit(IntentProposed, step)));
}

/** In one commit: the second is said before the first is on the disk. */
const both = (first: Promise<unknown>, second: () => Promise<unknown>): Promise<unknown> =>
  Promise.all([first, second()]);

async function refused(
  problem: Problem,
  { actor, step, asked }: Telling & { readonly asked: ReturnType<typeof keptValue> },
): Promise<void> {
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
