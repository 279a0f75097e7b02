/** Runs agents under their grants, and stops and resumes them. */
import { type Caller, callerName } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Cancelled, NotFound, ShuttingDown } from "../../contract/standard-problems.ts";
import { type OpenTask, openTasks } from "../../contract/task.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import {
  type AgentProgram,
  AlreadyRan,
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
  UnknownAgent,
} from "./contract.ts";
import { emptyRecord, readRunRecord } from "./run-record.ts";
import { createToolbox } from "./toolbox.ts";
import { runs } from "./views.ts";

interface AgentsDeps {
  readonly parts: KernelParts;
  readonly programs: readonly AgentProgram[];
}

interface Active {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

type RunInput = Static<typeof Run.input>;

export function createAgents({ parts, programs }: AgentsDeps): Domain {
  const active = new Map<string, Active>();
  const row = (episode: string) => parts.kernel.views.get(runs, episode);

  const begin = (program: AgentProgram, input: RunInput, ctx: Context): Promise<Static<typeof Run.output>> => {
    const known = row(ctx.corrId);
    // A run that began in this very turn has no row yet.
    if (active.has(ctx.corrId) || (known !== undefined && known.status !== "interrupted")) {
      throw new Problem(AlreadyRan, `episode ${ctx.corrId} is ${known?.status ?? "running"}`);
    }
    const controller = new AbortController();
    const ended = Promise.withResolvers<void>();
    active.set(ctx.corrId, { controller, ended: ended.promise });
    const signal = AbortSignal.any([ctx.signal, controller.signal]);
    const caller: Caller = { kind: "agent", id: program.id, grants: input.grants };
    const actor = parts.act({ caller, corrId: ctx.corrId, signal });
    return conduct({ program, input, actor, parts, resumedAtMs: known?.startedAtMs ?? null }).finally(() => {
      active.delete(ctx.corrId);
      ended.resolve();
    });
  };

  return {
    name: "agents",
    operations: [
      bind(Run, async (input, ctx) => {
        const program = programs.find((each) => each.id === input.agent);
        if (program === undefined) throw new Problem(UnknownAgent, `there is no agent ${input.agent}`);
        return await begin(program, input, ctx);
      }),
      bind(Stop, async ({ episode }, ctx) => {
        const known = row(episode);
        const reason = `stopped by ${callerName(ctx.caller)}`;
        if (known === undefined) return { episode, status: await cancelQueued(parts, { episode, reason, ctx }) };
        const going = active.get(episode);
        if (going !== undefined) {
          going.controller.abort(new Problem(Cancelled, reason));
          await going.ended;
        } else if (known.status === "interrupted") {
          await parts.act({ caller: ctx.caller, corrId: episode }).emit(RunCancelled, { agent: known.agent, reason });
        } else throw new Problem(NotRunning, `episode ${episode} is ${known.status}`, { episodeStatus: known.status });
        return { episode, status: row(episode)?.status ?? "cancelled" };
      }),
      bind(Resume, async ({ episode }, ctx) => {
        const known = row(episode);
        if (known === undefined) throw new Problem(NotFound, `there is no episode ${episode}`);
        if (known.status !== "interrupted" || active.has(episode)) {
          throw new Problem(NotInterrupted, `episode ${episode} is ${known.status}`, { episodeStatus: known.status });
        }
        const { agent, title, input, grants, folder } = known;
        const payload = { agent, title, input, grants, ...(folder === undefined ? {} : { folder }) };
        await parts.kernel.queue.enqueue({
          operation: Run,
          payload,
          caller: ctx.caller,
          corrId: episode,
          attemptsMax: 1,
        });
        return { episode, status: "running" };
      }),
    ],
    events: [RunStarted, RunProgress, RunFinished, RunFailed, RunCancelled, RunInterrupted, RunResumed],
    views: [runs],
    start: () => sayWhatWasInterrupted(parts),
  };
}

/** Tasks looked through for a run that has not begun. A longer queue has its ids, and `tasks.cancel`. */
const searchedTasksMax = 10_000;

/** A run that somebody stops before a worker took it has no episode yet, only a task. */
async function cancelQueued(
  { kernel }: KernelParts,
  { episode, reason, ctx }: { readonly episode: string; readonly reason: string; readonly ctx: Context },
): Promise<string> {
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
    const actor = parts.act({ caller: { kind: "system", id: "hub" }, corrId: row.episode });
    await actor.emit(RunInterrupted, { agent: row.agent, reason: "the hub ended while the run was going" });
  }
}

interface Conduct {
  readonly program: AgentProgram;
  readonly input: RunInput;
  readonly actor: Context;
  readonly parts: KernelParts;
  /** When the run began, if it is resumed. */
  readonly resumedAtMs: number | null;
}

async function conduct({ program, input, actor, parts, resumedAtMs }: Conduct): Promise<Static<typeof Run.output>> {
  const agent = program.id;
  const record = resumedAtMs === null ? emptyRecord : readRunRecord(parts.kernel.journal, actor.corrId);
  const startedAtMs = resumedAtMs ?? (await announce({ program, input, actor }));
  if (resumedAtMs !== null) await actor.emit(RunResumed, { agent, recordedSteps: record.steps.size });
  try {
    const tools = createToolbox({
      agent,
      actor,
      recorder: parts.recorder,
      record,
      startedAtMs,
      problems: parts.kernel.table.problems,
    });
    const { outcome, notDone, output } = await program.run(input.input, tools);
    await actor.emit(RunFinished, {
      agent,
      outcome: outcome.slice(0, 1000),
      notDone: notDone.slice(0, 50).map((each) => each.slice(0, 500)),
    });
    return { episode: actor.corrId, outcome, notDone: [...notDone], output };
  } catch (error) {
    await sayHowItEnded(error, agent, actor);
    throw actor.signal.aborted ? actor.signal.reason : asOwnProblem(error);
  }
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
