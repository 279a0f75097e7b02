/** Runs agents under their grants, and stops and resumes them. */
import { abortable } from "../../base/async.ts";
import { type Caller, callerName, coversPattern, type Grant } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Cancelled, Denied, NotFound, ShuttingDown } from "../../contract/standard-problems.ts";
import { type OpenTask, openTasks } from "../../contract/task.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import {
  type AgentProgram,
  AlreadyRan,
  Declassify,
  NotInterrupted,
  NotRunning,
  Resume,
  Run,
  RunCancelled,
  RunDidNotFinish,
  RunFailed,
  RunFinished,
  RunInterrupted,
  RunProgress,
  RunResumed,
  RunStarted,
  Stop,
  ToolsAccepted,
  ValueDeclassified,
  refuseUnheld,
} from "./contract.ts";
import type { Policy } from "../../kernel/ports.ts";
import { createDeclassify } from "./declassify.ts";
import { createHands, type Hands } from "./hands.ts";
import { formerEnd, isTriedAgain, waitsForWorker } from "./run-ends.ts";
import { emptyRecord, readRunRecord, type RunRecord } from "./run-record.ts";
import { manifestOperations, programOf, settleTools } from "./manifests.ts";
import { createToolbox } from "./toolbox.ts";
import { agentTools, declassified, type RunRow, runs } from "./views.ts";

interface AgentsDeps {
  readonly parts: KernelParts;
  readonly programs: readonly AgentProgram[];
  /** For what the rules say of each tool. */
  readonly policy: Policy;
}

interface Active {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
  readonly hands: Hands;
}

type RunInput = Static<typeof Run.input>;

export function createAgents({ parts, programs, policy }: AgentsDeps): Domain {
  const active = new Map<string, Active>();
  /** Episodes whose resume is being written. */
  const resuming = new Set<string>();
  const row = (episode: string) => parts.kernel.views.get(runs, episode);

  const run = async (input: RunInput, ctx: Context): Promise<Static<typeof Run.output>> => {
    const program = programOf(programs, input.agent);
    const known = row(ctx.corrId);
    const isOver = known !== undefined && known.status !== "running" && !active.has(ctx.corrId);
    if (isOver && isTriedAgain(parts, ctx.corrId)) return formerEnd(parts, ctx.corrId);
    return await begin({ parts, active }, { program, input, ctx });
  };

  return {
    name: "agents",
    operations: [
      bind(Run, run, { admit: ({ grants }, ctx) => mayHandOn(grants, ctx.caller) }),
      bind(Stop, async ({ episode }, ctx) => {
        const known = row(episode);
        const reason = `stopped by ${callerName(ctx.caller)}`;
        if (known === undefined) return { episode, status: await cancelQueued(parts, { episode, reason, ctx }) };
        const going = active.get(episode);
        if (going !== undefined) {
          going.controller.abort(new Problem(Cancelled, reason));
          await going.ended;
        } else await cancelIdle(known, parts, { episode, reason, ctx });
        return { episode, status: row(episode)?.status ?? "cancelled" };
      }),
      bind(Resume, async ({ episode }, ctx) => {
        const known = row(episode);
        if (known === undefined) throw new Problem(NotFound, `there is no episode ${episode}`);
        if (known.status !== "interrupted" || active.has(episode) || resuming.has(episode)) {
          throw new Problem(NotInterrupted, `episode ${episode} is ${known.status}`, { episodeStatus: known.status });
        }
        resuming.add(episode);
        try {
          await resume(known, parts, ctx);
        } finally {
          resuming.delete(episode);
        }
        return { episode, status: row(episode)?.status ?? "running" };
      }),
      ...manifestOperations({ parts, programs, policy }),
      bind(Declassify, createDeclassify({ parts, handsOf: (episode) => active.get(episode)?.hands })),
    ],
    events: [
      RunStarted,
      RunProgress,
      RunFinished,
      RunFailed,
      RunCancelled,
      RunInterrupted,
      RunResumed,
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
type Begun = Pick<Conduct, "program" | "input"> & { readonly ctx: Context };

function begin({ parts, active }: House, { program, input, ctx }: Begun): Promise<Static<typeof Run.output>> {
  const { corrId } = ctx;
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
  const caller: Caller = { kind: "agent", id: program.id, grants: input.grants, labels };
  const actor = parts.act({ caller, corrId, signal });
  // Read and made in one turn: whatever is declassified from here on is told to the hands.
  const record = known === undefined ? emptyRecord : readRunRecord(parts.kernel.journal, corrId);
  const hands = createHands({
    labels,
    declassified: record.declassified,
    actorOf: (held) => parts.act({ caller: { ...caller, labels: [...held] }, corrId, signal }),
  });
  active.set(corrId, { controller, ended: ended.promise, hands });
  const run: Conduct = {
    program,
    input,
    actor,
    hands,
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

/** The run is running from here on; a hub that ends before a worker takes it leaves its task in the queue. */
async function resume(known: RunRow, parts: KernelParts, { caller }: Context): Promise<void> {
  const { agent, title, input, grants, folder, episode } = known;
  const actor = parts.act({ caller, corrId: episode });
  const recordedSteps = readRunRecord(parts.kernel.journal, episode).steps.size;
  await actor.emit(RunResumed, { agent, recordedSteps });
  const payload = { agent, title, input, grants, ...(folder === undefined ? {} : { folder }) };
  try {
    await parts.kernel.queue.enqueue({ operation: Run, payload, caller, corrId: episode, attemptsMax: 1 });
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 500) : "it could not be queued";
    await actor.emit(RunInterrupted, { agent, reason });
    throw error;
  }
}

const ignoreAbsent = (error: unknown): void => {
  if (!isProblem(error, NotFound)) throw error;
};

interface Stopping {
  readonly episode: string;
  readonly reason: string;
  readonly ctx: Context;
}

/** Stops a run that nobody runs now: it is interrupted, or was resumed and no worker took it yet. */
async function cancelIdle({ agent, status }: RunRow, parts: KernelParts, stopping: Stopping): Promise<void> {
  const { episode, reason, ctx } = stopping;
  if (status !== "interrupted" && status !== "running")
    throw new Problem(NotRunning, `episode ${episode} is ${status}`, { episodeStatus: status });
  if (status === "running") await cancelQueued(parts, stopping).catch(ignoreAbsent);
  if (parts.kernel.views.get(runs, episode)?.status !== status) return;
  await parts.act({ caller: ctx.caller, corrId: episode }).emit(RunCancelled, { agent, reason });
}

/** Nobody gives an agent what they do not hold: who is no person their grants, and whoever comes by a token its keys. */
async function mayHandOn(grants: readonly Grant[], caller: Caller): Promise<void> {
  refuseUnheld(grants, caller);
  const { reach } = caller;
  const beyond =
    reach === undefined ? undefined : grants.find(({ key }) => !reach.keys.some((own) => coversPattern(own, key)));
  if (beyond === undefined) return;
  throw new Problem(Denied, `The token ${reach?.token} does not reach ${beyond.key}, and cannot grant it.`, {
    rule: `access.token:${reach?.token}`,
    source: "token",
    next: `grant less, or let somebody run it whose token reaches ${beyond.key}`,
  });
}

/** Tasks looked through for a run that has not begun. A longer queue has its ids, and `tasks.cancel`. */
const searchedTasksMax = 10_000;

/** A run that somebody stops before a worker took it has no episode yet, only a task. */
async function cancelQueued({ kernel }: KernelParts, { episode, reason, ctx }: Stopping): Promise<string> {
  const { queued, running } = kernel.queue.depth();
  const where = (task: OpenTask): boolean => task.corrId === episode;
  const [waiting] = queued + running > searchedTasksMax ? [] : kernel.views.list(openTasks, { limit: 1, where }).rows;
  if (waiting === undefined) throw new Problem(NotFound, `there is no episode ${episode}`);
  await kernel.queue.cancel(waiting.row.taskId, reason, ctx.caller);
  return "cancelled";
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
  readonly input: RunInput;
  readonly actor: Context;
  readonly hands: Hands;
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
    await sayHowItEnded(error, agent, actor);
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
    grants,
    labels: [...(actor.caller.labels ?? [])],
    tools: program.tools.map(({ id }) => id),
    ...target,
  });
  return started.timeMs;
}

async function sayHowItEnded(error: unknown, agent: string, actor: Context): Promise<void> {
  const reason: unknown = actor.signal.aborted ? actor.signal.reason : error;
  const text = (reason instanceof Error ? reason.message : String(reason)).slice(0, 500);
  if (isProblem(reason, ShuttingDown)) await actor.emit(RunInterrupted, { agent, reason: text });
  else if (actor.signal.aborted) await actor.emit(RunCancelled, { agent, reason: text });
  else
    await actor.emit(RunFailed, {
      agent,
      code: isProblem(reason) ? reason.definition.code : "arw.internal",
      error: text,
    });
}
