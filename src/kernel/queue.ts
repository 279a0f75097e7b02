/**
 * The durable queue. Its truth is the `tasks` view, a fold of the journal; beside it stand two heaps in memory, ready and
 * delayed, that are built from the view at start. The worker runs tasks through the corridor like any other call.
 */
import { createHeap } from "../base/heap.ts";
import type { Caller } from "../contract/caller.ts";
import type { EventDefinition } from "../contract/event.ts";
import { isProblem, Problem } from "../contract/problem.ts";
import type { Static } from "../contract/schema.ts";
import { Cancelled, DeadlineExceeded, ShuttingDown } from "../contract/standard-problems.ts";
import {
  endedTasks,
  type OpenTask,
  openTasks,
  openTasksMax,
  QueueFull,
  TaskCancelled,
  TaskEnqueued,
  TaskFailed,
  TaskFinished,
  TaskRetried,
  TaskStarted,
} from "../contract/task.ts";
import type { EnqueueRequest, Journal, Queue, Views } from "./kernel.ts";
import type { Chance, Clock, Log } from "./ports.ts";

/** Tries of a task that says nothing about it: four retries reach over a minute. */
const attemptsMaxDefault = 5;
const retryBaseMs = 1000;
const retryMsMax = 60_000;
/** The lease of one attempt; a task that needs longer says so in its operation. */
const leaseMsDefault = 24 * 60 * 60 * 1000;
/** A result above this is not kept with the task: events and views carry it to everybody. */
const outputBytesMax = 65_536;
/** Timers hold 31 bits. */
const timerMsMax = 2_000_000_000;
const recoverPageRows = 5000;

export interface QueueOptions {
  readonly journal: Journal;
  readonly views: Views;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly newId: () => string;
  readonly log: Log;
  /** Tasks at the same time. */
  readonly concurrency: number;
  readonly execute: (task: OpenTask, signal: AbortSignal) => Promise<unknown>;
  /** Milliseconds an attempt of this operation may take. */
  readonly leaseMs?: (operation: string) => number | undefined;
}

export interface OwnedQueue extends Queue {
  /** Reads the view, settles what a crash left running, and begins to work. */
  start(): Promise<void>;
  /** Aborts what runs and waits for it; nothing is lost, it waits for the next start. */
  stop(): Promise<void>;
  /** Resolves when nothing is ready or running; for tests and benchmarks. */
  idle(): Promise<void>;
}

interface Entry {
  readonly taskId: string;
  readonly priority: number;
  readonly seq: number;
  readonly notBeforeMs: number;
}

interface Running {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

export function createQueue(options: QueueOptions): OwnedQueue {
  const { clock, views } = options;
  const ready = createHeap<Entry>((a, b) => (a.priority === b.priority ? a.seq < b.seq : a.priority > b.priority));
  const delayed = createHeap<Entry>((a, b) => (a.notBeforeMs === b.notBeforeMs ? a.seq < b.seq : a.notBeforeMs < b.notBeforeMs));
  const running = new Map<string, Running>();
  const open = new Set<string>();
  const idem = new Map<string, Promise<{ taskId: string; corrId: string }>>();
  const idleWaiters: (() => void)[] = [];
  let cancelTimer: (() => void) | null = null;
  let timerAtMs = Number.POSITIVE_INFINITY;
  let isStarted = false;
  let isStopping = false;

  const emit = createEmitter(options);
  const place = (entry: Entry): void => {
    if (entry.notBeforeMs > clock.nowMs()) {
      delayed.push(entry);
      armTimer();
    } else ready.push(entry);
  };
  const armTimer = (): void => {
    const next = delayed.peek();
    if (next === undefined || next.notBeforeMs >= timerAtMs) return;
    cancelTimer?.();
    timerAtMs = next.notBeforeMs;
    cancelTimer = clock.after(Math.min(timerMsMax, Math.max(0, next.notBeforeMs - clock.nowMs())), () => {
      timerAtMs = Number.POSITIVE_INFINITY;
      cancelTimer = null;
      const now = clock.nowMs();
      for (let due = delayed.peek(); due !== undefined && due.notBeforeMs <= now; due = delayed.peek()) {
        delayed.pop();
        ready.push(due);
      }
      armTimer();
      pump();
    });
  };
  const pump = (): void => {
    while (isStarted && !isStopping && running.size < options.concurrency) {
      const entry = ready.pop();
      if (entry === undefined) break;
      const task = open.has(entry.taskId) ? views.get(openTasks, entry.taskId) : undefined;
      if (task !== undefined) launch(task);
    }
    if (running.size === 0 && ready.size === 0) for (const wake of idleWaiters.splice(0)) wake();
  };
  const launch = (task: OpenTask): void => {
    const controller = new AbortController();
    const done = attempt(task, controller, { ...options, emit }).then((next) => {
      running.delete(task.taskId);
      if (next === "ended") open.delete(task.taskId);
      else if (next !== "left") place(next);
      pump();
    });
    running.set(task.taskId, { controller, done });
  };

  const accept = async (request: EnqueueRequest): Promise<{ taskId: string; corrId: string }> => {
    if (open.size >= openTasksMax) throw new Problem(QueueFull, `${open.size} tasks wait or run`);
    const taskId = options.newId();
    open.add(taskId);
    try {
      const envelope = await emit(TaskEnqueued, enqueuedData(taskId, request, clock.nowMs()), request);
      place({ taskId, priority: request.priority ?? 0, seq: envelope.seq, notBeforeMs: envelope.data.notBeforeMs });
      pump();
      return { taskId, corrId: request.corrId };
    } catch (error) {
      open.delete(taskId);
      throw error;
    }
  };

  return {
    abilities: { isDurable: true, hasDelay: true, hasPriority: true },
    async enqueue(request) {
      const { idemKey } = request;
      if (idemKey === undefined) return { ...(await accept(request)), isNew: true };
      const known = idem.get(idemKey);
      if (known !== undefined) return { ...(await known), isNew: false };
      const accepted = accept(request);
      idem.set(idemKey, accepted);
      try {
        return { ...(await accepted), isNew: true };
      } catch (error) {
        idem.delete(idemKey);
        throw error;
      }
    },
    async cancel(taskId, reason, caller) {
      const active = running.get(taskId);
      if (active !== undefined) {
        active.controller.abort(new Problem(Cancelled, reason));
        await active.done;
        return true;
      }
      const task = open.has(taskId) ? views.get(openTasks, taskId) : undefined;
      if (task === undefined) return false;
      open.delete(taskId);
      await emit(TaskCancelled, { ...endedData(task), reason }, { caller, corrId: task.corrId });
      return true;
    },
    depth: () => ({ queued: open.size - running.size, running: running.size }),
    async start() {
      for (const task of eachTask(views)) {
        open.add(task.taskId);
        if (task.idemKey !== undefined) idem.set(task.idemKey, Promise.resolve({ taskId: task.taskId, corrId: task.corrId }));
        const entry = task.status === "running" ? await settleLost(task, { ...options, emit }) : entryOf(task);
        if (entry === null) open.delete(task.taskId);
        else place(entry);
      }
      for (const { row } of views.list(endedTasks, { limit: recoverPageRows * 2 }).rows) {
        if (row.idemKey !== undefined) idem.set(row.idemKey, Promise.resolve({ taskId: row.taskId, corrId: row.corrId }));
      }
      isStarted = true;
      pump();
    },
    async stop() {
      isStopping = true;
      cancelTimer?.();
      for (const each of running.values()) each.controller.abort(new Problem(ShuttingDown, "the hub is stopping"));
      await Promise.all([...running.values()].map((each) => each.done));
    },
    idle: () =>
      running.size === 0 && ready.size === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve)),
  };
}

type Emit = <E extends EventDefinition>(
  definition: E,
  data: Static<E["data"]>,
  origin: { readonly caller: Caller; readonly corrId: string },
) => Promise<{ readonly seq: number; readonly data: Static<E["data"]> }>;

const createEmitter =
  ({ journal }: QueueOptions): Emit =>
  (definition, data, { caller, corrId }) =>
    journal.emit(definition, data, { caller: withoutGrants(caller), corrId, causeId: null }) as never;

const withoutGrants = ({ kind, id }: Caller): Caller => ({ kind, id });

const enqueuedData = (taskId: string, request: EnqueueRequest, nowMs: number): Static<typeof TaskEnqueued.data> => ({
  taskId,
  operation: request.operation.id,
  payload: request.payload,
  caller: request.caller,
  corrId: request.corrId,
  priority: request.priority ?? 0,
  notBeforeMs: nowMs + (request.delayMs ?? 0),
  attemptsMax: request.attemptsMax ?? request.operation.attemptsMax ?? attemptsMaxDefault,
  ...(request.idemKey === undefined ? {} : { idemKey: request.idemKey }),
  ...(request.approvalId === undefined ? {} : { approvalId: request.approvalId }),
});

const endedData = (task: OpenTask) => ({
  taskId: task.taskId,
  operation: task.operation,
  corrId: task.corrId,
  attempt: task.attempt,
  enqueuedAtMs: task.enqueuedAtMs,
  ...(task.idemKey === undefined ? {} : { idemKey: task.idemKey }),
});

const entryOf = (task: OpenTask): Entry => ({
  taskId: task.taskId,
  priority: task.priority,
  seq: task.enqueuedSeq,
  notBeforeMs: task.notBeforeMs,
});

function* eachTask(views: Views): Generator<OpenTask> {
  let afterKey: string | undefined;
  for (;;) {
    const page = views.list(openTasks, { limit: recoverPageRows, ...(afterKey === undefined ? {} : { afterKey }) });
    for (const { row } of page.rows) yield row;
    if (page.nextKey === null) return;
    afterKey = page.nextKey;
  }
}

type Working = QueueOptions & { readonly emit: Emit };

/** One attempt under its lease: how the task goes on afterwards, `ended`, or `left` for the next start of the hub. */
async function attempt(task: OpenTask, controller: AbortController, work: Working): Promise<Entry | "ended" | "left"> {
  const { clock, emit } = work;
  const number = task.attempt + 1;
  const leaseMs = Math.min(timerMsMax, work.leaseMs?.(task.operation) ?? leaseMsDefault);
  const active: OpenTask = { ...task, attempt: number };
  // Not awaited: it is ordered before everything the task emits, and it shares their commit.
  const started = emit(TaskStarted, { taskId: task.taskId, attempt: number, leaseUntilMs: clock.nowMs() + leaseMs }, task);
  const endLease = clock.after(leaseMs, () => controller.abort(new Problem(DeadlineExceeded, `the lease of ${leaseMs} ms ended`)));
  try {
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
  { error, controller, work }: { readonly error: unknown; readonly controller: AbortController; readonly work: Working },
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
async function settleLost(task: OpenTask, work: Working): Promise<Entry | null> {
  const detail = "the hub ended while the task ran";
  if (task.attempt >= task.attemptsMax) {
    await work.emit(TaskFailed, { ...endedData(task), code: "arw.interrupted", detail }, task);
    return null;
  }
  const notBeforeMs = work.clock.nowMs();
  await work.emit(TaskRetried, { taskId: task.taskId, attempt: task.attempt, notBeforeMs, code: "arw.interrupted", detail }, task);
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
