/** One attempt of a task: under a lease, and ending in exactly one of finished, retried, failed, cancelled or left. */
import type { Caller } from "../contract/caller.ts";
import type { EventDefinition } from "../contract/event.ts";
import { isProblem, Problem } from "../contract/problem.ts";
import type { Static } from "../contract/schema.ts";
import { Cancelled, DeadlineExceeded, ShuttingDown } from "../contract/standard-problems.ts";
import { type OpenTask, TaskCancelled, TaskFailed, TaskFinished, TaskRetried, TaskStarted } from "../contract/task.ts";
import type { Journal } from "./kernel.ts";
import type { Chance, Clock, Log } from "./ports.ts";
import { type Entry, timerMsMax } from "./task-board.ts";

const retryBaseMs = 1000;
const retryMsMax = 60_000;
/** The lease of one attempt; a task that needs longer says so in its operation. */
const leaseMsDefault = 24 * 60 * 60 * 1000;
/** A result above this is not kept with the task: events and views carry it to everybody. */
const outputBytesMax = 65_536;

export type Emit = <E extends EventDefinition>(
  definition: E,
  data: Static<E["data"]>,
  origin: { readonly caller: Caller; readonly corrId: string },
) => Promise<{ readonly seq: number; readonly data: Static<E["data"]> }>;

export const createEmitter =
  (journal: Journal): Emit =>
  (definition, data, { caller, corrId }) =>
    journal.emit(definition, data, { caller: withoutGrants(caller), corrId, causeId: null }) as never;

const withoutGrants = ({ kind, id }: Caller): Caller => ({ kind, id });

export const endedData = (task: OpenTask) => ({
  taskId: task.taskId,
  operation: task.operation,
  corrId: task.corrId,
  attempt: task.attempt,
  enqueuedAtMs: task.enqueuedAtMs,
  ...(task.idemKey === undefined ? {} : { idemKey: task.idemKey }),
});

export const entryOf = (task: OpenTask): Entry => ({
  taskId: task.taskId,
  priority: task.priority,
  seq: task.enqueuedSeq,
  notBeforeMs: task.notBeforeMs,
});

export interface Work {
  readonly emit: Emit;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly execute: (task: OpenTask, signal: AbortSignal) => Promise<unknown>;
  /** Milliseconds an attempt of this operation may take. */
  readonly leaseMs?: (operation: string) => number | undefined;
}

/** One attempt under its lease: how the task goes on afterwards, `ended`, or `left` for the next start of the hub. */
export async function attempt(
  task: OpenTask,
  controller: AbortController,
  work: Work,
): Promise<Entry | "ended" | "left"> {
  const { clock, emit } = work;
  const number = task.attempt + 1;
  const leaseMs = Math.min(timerMsMax, work.leaseMs?.(task.operation) ?? leaseMsDefault);
  const active: OpenTask = { ...task, attempt: number };
  // Ordered before everything the task emits, so it may share their commit; see below for when it must not.
  const started = emit(
    TaskStarted,
    { taskId: task.taskId, attempt: number, leaseUntilMs: clock.nowMs() + leaseMs },
    task,
  );
  const endLease = clock.after(leaseMs, () =>
    controller.abort(new Problem(DeadlineExceeded, `the lease of ${leaseMs} ms ended`)),
  );
  try {
    // A task that is tried once must not begin before its start is on the disk: a crash in between would try it again.
    if (task.attemptsMax === 1) await started;
    const [output] = await Promise.all([work.execute(active, controller.signal), started]);
    await emit(TaskFinished, { ...endedData(active), output: keptOutput(output) }, task);
    return "ended";
  } catch (error) {
    return await settleFailure(active, { error, controller, work });
  } finally {
    endLease();
  }
}

async function settleFailure(
  task: OpenTask,
  { error, controller, work }: { readonly error: unknown; readonly controller: AbortController; readonly work: Work },
): Promise<Entry | "ended" | "left"> {
  const reason: unknown = controller.signal.aborted ? controller.signal.reason : error;
  if (isProblem(reason, ShuttingDown)) return "left";
  try {
    if (isProblem(reason, Cancelled)) {
      await work.emit(TaskCancelled, { ...endedData(task), reason: reason.message.slice(0, 500) }, task);
      return "ended";
    }
    const code = isProblem(reason) ? reason.definition.code : "arw.internal";
    const detail = (reason instanceof Error ? reason.message : String(reason)).slice(0, 2000);
    const isWorthRetrying = !isProblem(reason) || reason.definition.status >= 500 || reason.definition.status === 429;
    if (!isWorthRetrying || task.attempt >= task.attemptsMax) {
      await work.emit(TaskFailed, { ...endedData(task), code, detail }, task);
      return "ended";
    }
    const notBeforeMs = work.clock.nowMs() + backoffMs(task.attempt, work.chance.random());
    await work.emit(TaskRetried, { taskId: task.taskId, attempt: task.attempt, notBeforeMs, code, detail }, task);
    return { ...entryOf(task), notBeforeMs };
  } catch (failure) {
    // The journal itself refused. The task is still open there, and the next start settles it.
    work.log.error("a task's end could not be written", { taskId: task.taskId, error: String(failure) });
    return "left";
  }
}

/** A task that ran when the hub died: tried again while it has attempts left, else a dead letter that says why. */
export async function settleLost(task: OpenTask, work: Work): Promise<Entry | null> {
  const detail = "the hub ended while the task ran";
  if (task.attempt >= task.attemptsMax) {
    await work.emit(TaskFailed, { ...endedData(task), code: "arw.interrupted", detail }, task);
    return null;
  }
  const notBeforeMs = work.clock.nowMs();
  await work.emit(
    TaskRetried,
    { taskId: task.taskId, attempt: task.attempt, notBeforeMs, code: "arw.interrupted", detail },
    task,
  );
  return { ...entryOf(task), notBeforeMs };
}

/** Doubles per attempt up to the ceiling; the upper half is random, so that what failed together does not return together. */
export function backoffMs(attemptNumber: number, random: number): number {
  const full = Math.min(retryMsMax, retryBaseMs * 2 ** Math.min(20, attemptNumber - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

function keptOutput(output: unknown): unknown {
  const json = JSON.stringify(output ?? null);
  return json.length <= outputBytesMax ? (output ?? null) : { isOmitted: true, sizeBytes: json.length };
}
