/** Runs agents under their grants, and stops and resumes them. */
import { abortable } from "../../base/async.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied, ShuttingDown } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import {
  type AgentFinder,
  type AgentProgram,
  AlreadyRan,
  CallRepaired,
  Declassify,
  Delegate,
  GoOn,
  Run,
  RunCancelled,
  RunDidNotFinish,
  RunFailed,
  RunFinished,
  RunInterrupted,
  RunPaused,
  RunProgress,
  RunResumed,
  RunStarted,
  ToolsAccepted,
  UnknownAgent,
  ValueDeclassified,
} from "./contract.ts";
import type { Policy } from "../../kernel/ports.ts";
import { type Asked, askedOf, type Cast, heldOf, newRunOf, startPreview } from "./asked.ts";
import { createDeclassify } from "./declassify.ts";
import { delegated, goOnPreview } from "./going-on.ts";
import { createHands, type Hands } from "./hands.ts";
import { formerEnd, isTriedAgain, waitsForWorker } from "./run-ends.ts";
import { emptyRecord, readRunRecord, type RunRecord } from "./run-record.ts";
import { manifestOperations, settleTools } from "./manifests.ts";
import { createPause, type PauseGate } from "./pause.ts";
import { type Active, steering } from "./steering.ts";
import { createToolbox } from "./toolbox.ts";
import { agentTools, declassified, runs } from "./views.ts";

interface AgentsDeps {
  readonly parts: KernelParts;
  readonly programs: readonly AgentProgram[];
  /** Agents that somebody wrote; none without it. */
  readonly finder?: AgentFinder;
  /** For what the rules say of each tool. */
  readonly policy: Policy;
}

type RunInput = Static<typeof Run.input>;

export function createAgents({ parts, programs, finder = nobody, policy }: AgentsDeps): Domain {
  const cast: Cast = { programs, finder };
  const active = new Map<string, Active>();
  const row = (episode: string) => parts.kernel.views.get(runs, episode);

  const run = async (input: RunInput, ctx: Context): Promise<Static<typeof Run.output>> => {
    const known = row(ctx.corrId);
    const isOver = known !== undefined && known.status !== "running" && !active.has(ctx.corrId);
    if (isOver && isTriedAgain(parts, ctx.corrId)) return formerEnd(parts, ctx.corrId);
    return await begin({ parts, active }, await askedOf(input, cast, { known, ctx }), ctx);
  };

  return {
    name: "agents",
    operations: [
      bind(Run, run, {
        admit: async (input, ctx) => void (await heldOf(input, cast, ctx)),
        // An agent hands on what it holds, whatever a person says; others wait as tasks, and a person's yes gives what it shows.
        preview: async (input, ctx) => {
          const asked = ctx.caller.kind === "agent" ? heldOf(input, cast, ctx) : newRunOf(input, cast, ctx);
          return startPreview(input.agent, await asked);
        },
      }),
      ...steering({ parts, active }),
      bind(GoOn, ({ agent }) => ({ agent }), { preview: (input) => Promise.resolve(goOnPreview(input)) }),
      bind(Delegate, (input, ctx) => delegated(input, finder, ctx)),
      ...manifestOperations({ parts, cast, policy }),
      bind(Declassify, createDeclassify({ parts, handsOf: (episode) => active.get(episode)?.hands })),
    ],
    events: [
      RunStarted,
      RunProgress,
      RunFinished,
      RunFailed,
      RunCancelled,
      RunInterrupted,
      RunPaused,
      RunResumed,
      CallRepaired,
      ToolsAccepted,
      ValueDeclassified,
    ],
    views: [runs, agentTools, declassified],
    start: () => sayWhatWasInterrupted(parts),
  };
}

interface House {
  readonly parts: KernelParts;
  readonly active: Map<string, Active>;
}

const nobody: AgentFinder = {
  find: () => Promise.resolve(null),
  list: () => Promise.resolve([]),
  recorded: (agent) => {
    throw new Problem(UnknownAgent, `there is no agent ${agent}`);
  },
};

function begin({ parts, active }: House, asked: Asked, ctx: Context): Promise<Static<typeof Run.output>> {
  const { corrId } = ctx;
  const { program } = asked;
  const known = parts.kernel.views.get(runs, corrId);
  // A run that began in this very turn has no row yet; one that was resumed is running before anybody runs it.
  if (active.has(corrId) || (known !== undefined && known.status !== "running")) {
    throw new Problem(AlreadyRan, `episode ${corrId} is ${known?.status ?? "running"}`);
  }
  const controller = new AbortController();
  const ended = Promise.withResolvers<void>();
  const signal = AbortSignal.any([ctx.signal, controller.signal]);
  // Who resumes a run makes what it was given no more their own words.
  const labels = known?.labels ?? ctx.caller.labels ?? ["user"];
  const { grants, asks, allowances } = asked;
  const held = { grants: [...grants], ...(asks.length === 0 ? {} : { asks: [...asks] }) };
  const caller: Caller = {
    kind: "agent",
    id: program.id,
    labels,
    ...held,
    ...(allowances.length === 0 ? {} : { allowances: [...allowances] }),
  };
  const pause = createPause(signal);
  const actor = parts.act({ caller, corrId, signal });
  // Read and made in one turn: whatever is declassified from here on is told to the hands.
  const record = known === undefined ? emptyRecord : readRunRecord(parts.kernel.journal, corrId);
  const hands = createHands({
    labels,
    declassified: record.declassified,
    actorOf: (hold) => parts.act({ caller: { ...caller, labels: [...hold] }, corrId, signal }),
  });
  active.set(corrId, { controller, ended: ended.promise, hands, pause });
  const run: Conduct = {
    program,
    input: asked,
    actor,
    hands,
    pause,
    record,
    parts,
    starter: ctx.caller,
    startedAtMs: known?.startedAtMs ?? null,
  };
  return conduct(run).finally(() => {
    active.delete(corrId);
    ended.resolve();
  });
}

/** More runs than this were not going at once. */
const interruptedMax = 10_000;

async function sayWhatWasInterrupted(parts: KernelParts): Promise<void> {
  const going = parts.kernel.views.list(runs, { limit: interruptedMax, where: (run) => run.status === "running" });
  for (const { row } of going.rows) {
    if (waitsForWorker(parts, row.episode)) continue;
    const actor = parts.act({ caller: { kind: "system", id: "hub" }, corrId: row.episode });
    await actor.emit(RunInterrupted, { agent: row.agent, reason: "the hub ended while the run was going" });
  }
}

interface Conduct {
  readonly program: AgentProgram;
  readonly input: Asked;
  readonly actor: Context;
  readonly hands: Hands;
  readonly pause: PauseGate;
  readonly record: RunRecord;
  readonly parts: KernelParts;
  readonly starter: Caller;
  /** When the run began, if it is resumed. */
  readonly startedAtMs: number | null;
}

async function conduct(run: Conduct): Promise<Static<typeof Run.output>> {
  const { program, input, actor, hands, record, parts } = run;
  const agent = program.id;
  const tools = createToolbox({
    agent,
    tools: new Set(program.tools.map(({ id }) => id)),
    actor,
    hands,
    recorder: parts.recorder,
    record,
    startedAtMs: run.startedAtMs ?? (await announce(run)),
    problems: parts.kernel.table.problems,
    pause: run.pause.wait,
  });
  try {
    await settleTools(run);
    // A program that ignores its signal is left behind: its next call is refused, and what it answers is dropped.
    const { outcome, notDone, output } = await abortable(program.run(input.input, tools), actor.signal);
    await actor.emit(RunFinished, {
      agent,
      outcome: outcome.slice(0, 1000),
      notDone: notDone.slice(0, 50).map((each) => each.slice(0, 500)),
      ...keptOutput(output),
    });
    return { episode: actor.corrId, outcome, notDone: [...notDone], output };
  } catch (error) {
    await tools.quiet();
    await sayHowItEnded(error, agent, run);
    throw actor.signal.aborted ? actor.signal.reason : asOwnProblem(error);
  }
}

/** A larger answer is the task's alone; whoever asks for it after a crash in between learns its size. */
const outputBytesMax = 65_536;

function keptOutput(output: unknown): { readonly output?: unknown } {
  const sizeBytes = (JSON.stringify(output) ?? "").length;
  return { output: sizeBytes <= outputBytesMax ? (output ?? null) : { isOmitted: true, sizeBytes } };
}

/** Whatever problem a tool had, the run has one: that it did not finish. */
function asOwnProblem(error: unknown): unknown {
  if (!(error instanceof Problem) || Run.problems.some((each) => each.code === error.definition.code)) return error;
  return new Problem(RunDidNotFinish, error.message, { causeCode: error.definition.code, cause: error });
}

async function announce({ program, input, actor }: Pick<Conduct, "program" | "input" | "actor">): Promise<number> {
  const { title, folder, grants } = input;
  const target = folder === undefined ? {} : { folder };
  const started = await actor.emit(RunStarted, {
    agent: program.id,
    model: program.model,
    title,
    input: input.input,
    grants: [...grants],
    labels: [...(actor.caller.labels ?? [])],
    tools: program.tools.map(({ id }) => id),
    ...target,
  });
  return started.timeMs;
}

/** That a run ended is the hub's own book: what a rule keeps from being told is how, and never that it goes on. */
async function sayHowItEnded(
  error: unknown,
  agent: string,
  { actor, parts }: Pick<Conduct, "actor" | "parts">,
): Promise<void> {
  const reason: unknown = actor.signal.aborted ? actor.signal.reason : error;
  const text = (reason instanceof Error ? reason.message : String(reason)).slice(0, 500);
  const code = isProblem(reason) ? reason.definition.code : "arw.internal";
  const say = async (by: Context, how: { readonly text: string; readonly code: string }): Promise<void> => {
    if (isProblem(reason, ShuttingDown)) await by.emit(RunInterrupted, { agent, reason: how.text });
    else if (actor.signal.aborted) await by.emit(RunCancelled, { agent, reason: how.text });
    else await by.emit(RunFailed, { agent, code: how.code, error: how.text });
  };
  try {
    await say(actor, { text, code });
  } catch (denied) {
    if (!isProblem(denied, Denied)) throw denied;
    const hub = parts.act({ caller: { kind: "system", id: "hub" }, corrId: actor.corrId });
    await say(hub, { text: "a rule keeps back how it ended", code: Denied.code });
  }
}
