/** One attempt of a task: under a lease, and ending in exactly one of finished, retried, failed, cancelled or left. */
import type { Caller } from "../contract/caller.ts";
import type { EventDefinition } from "../contract/event.ts";
import { isProblem, Problem } from "../contract/problem.ts";
import type { Static } from "../contract/schema.ts";
import { Cancelled, DeadlineExceeded, ShuttingDown, StoreFailed, StoreFull } from "../contract/standard-problems.ts";
import {
  Interrupted,
  type OpenTask,
  TaskCancelled,
  TaskFailed,
  TaskFinished,
  TaskRetried,
  TaskStarted,
} from "../contract/task.ts";
import type { Journal } from "./kernel.ts";
import type { Chance, Clock, Log } from "./ports.ts";
import { type Entry, timerMsMax } from "./task-board.ts";

const retryBaseMs = 1000;
const retryMsMax = 60_000;
/** The lease of one attempt; a task that needs longer says so in its operation. */
const leaseMsDefault = 24 * 60 * 60 * 1000;
/** A pause after the store refused: long enough for somebody to free some space, short enough to be soon. */
const writeAgainMs = 5000;
/** A task that takes the hub down with it each time is not begun for ever. */
const recoveriesMax = 3;
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
  delayMsMax: task.attempt === 0 ? Math.max(0, task.notBeforeMs - task.enqueuedAtMs) : retryMsMax,
});

export interface Work {
  readonly emit: Emit;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** Aborted when the worker stops. */
  readonly stopped: AbortSignal;
  readonly execute: (task: OpenTask, signal: AbortSignal) => Promise<unknown>;
  /** Milliseconds an attempt of this operation may take. */
  readonly leaseMs?: (operation: string) => number | undefined;
  /** Whether a lost attempt of this operation may be made again beyond its number of tries. */
  readonly canRecover?: (operation: string) => boolean;
}

type Ran = { readonly kind: "done"; readonly output: unknown } | { readonly kind: "failed"; readonly error: unknown };

/** What is written at the end of an attempt, and how the task goes on from there. */
interface Ending {
  readonly definition: EventDefinition;
  readonly data: Readonly<Record<string, unknown>>;
  readonly next: Entry | "ended";
}

/** One attempt under its lease: how the task goes on afterwards, `ended`, or `left` for the next start of the hub. */
export async function attempt(
  task: OpenTask,
  controller: AbortController,
  work: Work,
): Promise<Entry | "ended" | "left"> {
  const { clock } = work;
  const leaseMs = Math.min(timerMsMax, work.leaseMs?.(task.operation) ?? leaseMsDefault);
  const active: OpenTask = { ...task, attempt: task.attempt + 1 };
  // Ordered before everything the task emits, so it may share their commit; see below for when it must not.
  const started = work
    .emit(TaskStarted, { taskId: task.taskId, attempt: active.attempt, leaseUntilMs: clock.nowMs() + leaseMs }, task)
    .then(
      () => true,
      (error: unknown) => {
        work.log.error("a task's start could not be written", { taskId: task.taskId, error: String(error) });
        controller.abort(error);
        return false;
      },
    );
  const endLease = clock.after(leaseMs, () =>
    controller.abort(new Problem(DeadlineExceeded, `the lease of ${leaseMs} ms ended`)),
  );
  try {
    // A task that is tried once must not begin before its start is on the disk: a crash in between would try it again.
    if (task.attemptsMax === 1) await started;
    const ran = await runOnce(active, controller.signal, work);
    // What is done is done, and its end shares the commit of its start. Of a failed attempt whose start could not be
    // written nothing is on the disk, so it counts for nothing.
    if (ran.kind === "failed" && !(await started))
      return { ...entryOf(task), notBeforeMs: clock.nowMs() + writeAgainMs, delayMsMax: writeAgainMs };
    const ending = endingOf(active, { ran, signal: controller.signal, work });
    return ending === "left" ? "left" : await write(ending, task, work);
  } finally {
    endLease();
  }
}

async function runOnce(task: OpenTask, signal: AbortSignal, work: Work): Promise<Ran> {
  try {
    signal.throwIfAborted();
    return { kind: "done", output: keptOutput(await work.execute(task, signal)) };
  } catch (error) {
    return { kind: "failed", error };
  }
}

function endingOf(
  task: OpenTask,
  { ran, signal, work }: { readonly ran: Ran; readonly signal: AbortSignal; readonly work: Work },
): Ending | "left" {
  if (ran.kind === "done") {
    return { definition: TaskFinished, data: { ...endedData(task), output: ran.output }, next: "ended" };
  }
  const reason: unknown = signal.aborted ? signal.reason : ran.error;
  if (isProblem(reason, ShuttingDown)) return "left";
  if (isProblem(reason, Cancelled)) {
    const data = { ...endedData(task), reason: reason.message.slice(0, 500) };
    return { definition: TaskCancelled, data, next: "ended" };
  }
  const code = isProblem(reason) ? reason.definition.code : "arw.internal";
  const detail = (reason instanceof Error ? reason.message : String(reason)).slice(0, 2000);
  const isWorthRetrying = !isProblem(reason) || reason.definition.status >= 500 || reason.definition.status === 429;
  if (!isWorthRetrying || task.attempt >= task.attemptsMax) {
    return { definition: TaskFailed, data: { ...endedData(task), code, detail }, next: "ended" };
  }
  const notBeforeMs = work.clock.nowMs() + backoffMs(task.attempt, work.chance.random());
  const data = { taskId: task.taskId, attempt: task.attempt, notBeforeMs, code, detail };
  return { definition: TaskRetried, data, next: { ...entryOf(task), notBeforeMs } };
}

/** What was done is done, so its end is written again and again while the store refuses, until the hub stops. */
async function write(ending: Ending, task: OpenTask, work: Work): Promise<Entry | "ended" | "left"> {
  while (!work.stopped.aborted) {
    try {
      await work.emit(ending.definition, ending.data, task);
      return ending.next;
    } catch (error) {
      work.log.error("a task's end could not be written", { taskId: task.taskId, error: String(error) });
      // Anything else would be refused again; the task is still open, and the next start settles it.
      if (!isProblem(error, StoreFull) && !isProblem(error, StoreFailed)) return "left";
      await pause(work, writeAgainMs);
    }
  }
  return "left";
}

const pause = ({ clock, stopped }: Work, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    const cancel = clock.after(delayMs, end);
    stopped.addEventListener("abort", end);
    function end(): void {
      cancel();
      stopped.removeEventListener("abort", end);
      resolve();
    }
  });

/** A task that ran when the hub died: tried again while it has attempts left, else a dead letter that says why. */
export async function settleLost(task: OpenTask, work: Work): Promise<Entry | null> {
  const detail = "the hub ended while the task ran";
  const { code } = Interrupted;
  const recoveries = work.canRecover?.(task.operation) === true ? recoveriesMax : 0;
  if (task.attempt >= task.attemptsMax + recoveries) {
    await work.emit(TaskFailed, { ...endedData(task), code, detail }, task);
    return null;
  }
  const notBeforeMs = work.clock.nowMs();
  await work.emit(TaskRetried, { taskId: task.taskId, attempt: task.attempt, notBeforeMs, code, detail }, task);
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
