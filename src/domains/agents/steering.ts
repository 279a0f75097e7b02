/** What persons do with a run that is going or stands still: stop it, pause it, let it go on. */
import { callerName } from "../../contract/caller.ts";
import { bind, type Bound, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { Cancelled, NotFound } from "../../contract/standard-problems.ts";
import { type OpenTask, openTasks } from "../../contract/task.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import {
  NotInterrupted,
  NotRunning,
  Pause,
  Resume,
  Run,
  RunCancelled,
  RunInterrupted,
  RunPaused,
  RunResumed,
  Stop,
} from "./contract.ts";
import type { Hands } from "./hands.ts";
import type { PauseGate } from "./pause.ts";
import { readRunRecord } from "./run-record.ts";
import { type RunRow, runs } from "./views.ts";

export interface Active {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
  readonly hands: Hands;
  readonly pause: PauseGate;
}

interface Steering {
  readonly parts: KernelParts;
  readonly active: ReadonlyMap<string, Active>;
}

export function steering({ parts, active }: Steering): readonly Bound[] {
  /** Episodes whose resume is being written. */
  const resuming = new Set<string>();
  const row = (episode: string) => parts.kernel.views.get(runs, episode);
  const known = (episode: string): RunRow => {
    const found = row(episode);
    if (found === undefined) throw new Problem(NotFound, `there is no episode ${episode}`);
    return found;
  };
  return [
    bind(Stop, async ({ episode }, ctx) => {
      const found = row(episode);
      const reason = `stopped by ${callerName(ctx.caller)}`;
      if (found === undefined) return { episode, status: await cancelQueued(parts, { episode, reason, ctx }) };
      const going = active.get(episode);
      if (going !== undefined) {
        going.controller.abort(new Problem(Cancelled, reason));
        await going.ended;
      } else await cancelIdle(found, parts, { episode, reason, ctx });
      return { episode, status: row(episode)?.status ?? "cancelled" };
    }),
    bind(Pause, async ({ episode }, { caller }) => {
      const { agent, status } = known(episode);
      const pause = active.get(episode)?.pause;
      if (pause === undefined)
        throw new Problem(NotRunning, `episode ${episode} is ${status}`, { episodeStatus: status });
      if (!pause.isClosed()) {
        pause.close();
        await parts.act({ caller, corrId: episode }).emit(RunPaused, { agent });
      }
      return { episode, status: "paused" };
    }),
    bind(Resume, async ({ episode }, ctx) => {
      const found = known(episode);
      const { agent, status } = found;
      const pause = active.get(episode)?.pause;
      if (pause?.isClosed() === true) {
        const recordedSteps = stepsOf(parts, episode);
        await parts.act({ caller: ctx.caller, corrId: episode }).emit(RunResumed, { agent, recordedSteps });
        pause.open();
        return { episode, status: "running" };
      }
      if (status !== "interrupted" || active.has(episode) || resuming.has(episode)) {
        throw new Problem(NotInterrupted, `episode ${episode} is ${status}`, { episodeStatus: status });
      }
      resuming.add(episode);
      try {
        await resume(found, parts, ctx);
      } finally {
        resuming.delete(episode);
      }
      return { episode, status: row(episode)?.status ?? "running" };
    }),
  ];
}

const stepsOf = (parts: KernelParts, episode: string): number =>
  readRunRecord(parts.kernel.journal, episode).steps.size;

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
