/**
 * The durable queue's words. The queue is a view of the journal, so its events live here, where kernel and domains both
 * see them.
 */
import { Caller } from "./caller.ts";
import { event } from "./event.ts";
import { problem } from "./problem.ts";
import { closed, CorrelationId, EpochMs, oneOf, type Static, Type } from "./schema.ts";
import { on, view } from "./view.ts";

export const TaskId = Type.String({ minLength: 1, maxLength: 64, description: "UUIDv7 of the task." });
export const Priority = Type.Integer({
  minimum: -100,
  maximum: 100,
  default: 0,
  description: "Higher goes first; equal ones go in the order they came.",
});
const Payload = Type.Unknown({ description: "The input of the operation." });

export const TaskEnqueued = event({
  kind: "task.enqueued",
  about: "A task was accepted; it survives a restart from here on.",
  data: closed({
    taskId: TaskId,
    operation: Type.String({ maxLength: 200 }),
    payload: Payload,
    caller: Caller,
    corrId: CorrelationId,
    priority: Priority,
    idemKey: Type.Optional(Type.String({ maxLength: 200 })),
    notBeforeMs: EpochMs,
    attemptsMax: Type.Integer({ minimum: 1, maximum: 100 }),
    /** Set when the call was held and a person allowed it: the approve stage lets exactly this call pass. */
    approvalId: Type.Optional(Type.String({ maxLength: 64 })),
  }),
});
export const TaskStarted = event({
  kind: "task.started",
  about: "A worker took the task under a lease.",
  data: closed({ taskId: TaskId, attempt: Type.Integer({ minimum: 1 }), leaseUntilMs: EpochMs }),
});
const Ended = {
  taskId: TaskId,
  operation: Type.String({ maxLength: 200 }),
  corrId: CorrelationId,
  attempt: Type.Integer({ minimum: 0 }),
  enqueuedAtMs: EpochMs,
  idemKey: Type.Optional(Type.String({ maxLength: 200 })),
};
export const TaskFinished = event({
  kind: "task.finished",
  about: "The task is done.",
  data: closed({ ...Ended, output: Type.Unknown({ description: "What the operation answered." }) }),
});
export const TaskRetried = event({
  kind: "task.retried",
  about: "An attempt failed; the task waits for its next one.",
  data: closed({
    taskId: TaskId,
    attempt: Type.Integer({ minimum: 0 }),
    notBeforeMs: EpochMs,
    code: Type.String({ maxLength: 200 }),
    detail: Type.String({ maxLength: 2000 }),
  }),
});
export const TaskFailed = event({
  kind: "task.failed",
  about: "The last attempt failed; the task is a dead letter now.",
  data: closed({ ...Ended, code: Type.String({ maxLength: 200 }), detail: Type.String({ maxLength: 2000 }) }),
});
export const TaskCancelled = event({
  kind: "task.cancelled",
  about: "The task was stopped before it ended.",
  data: closed({ ...Ended, reason: Type.String({ maxLength: 500 }) }),
});

/** An open task: it waits, or a worker holds it. */
export const OpenTask = closed({
  taskId: TaskId,
  operation: Type.String(),
  status: oneOf(["queued", "running"]),
  payload: Payload,
  caller: Caller,
  corrId: CorrelationId,
  priority: Type.Integer(),
  idemKey: Type.Optional(Type.String()),
  notBeforeMs: EpochMs,
  leaseUntilMs: Type.Optional(EpochMs),
  attempt: Type.Integer(),
  attemptsMax: Type.Integer(),
  approvalId: Type.Optional(Type.String()),
  enqueuedAtMs: EpochMs,
  enqueuedSeq: Type.Integer(),
});
export type OpenTask = Static<typeof OpenTask>;

/** A task that ended, kept for whoever asks. */
export const EndedTask = closed({
  taskId: TaskId,
  operation: Type.String(),
  status: oneOf(["finished", "failed", "cancelled"]),
  corrId: CorrelationId,
  attempt: Type.Integer(),
  enqueuedAtMs: EpochMs,
  endedAtMs: EpochMs,
  idemKey: Type.Optional(Type.String()),
  output: Type.Optional(Type.Unknown()),
  code: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
});
export type EndedTask = Static<typeof EndedTask>;

export const Interrupted = problem({
  code: "arw.interrupted",
  status: 409,
  title: "Cut off by the end of the hub",
  about: "The hub ended while this ran. An episode can be resumed; any other task can be sent again.",
});
export const KeyReused = problem({
  code: "tasks.key-reused",
  status: 422,
  title: "Key stands for another task",
  about: "The idempotency key came before with another operation or payload. A new task needs a key of its own.",
});
export const QueueFull = problem({
  code: "tasks.queue-full",
  status: 503,
  title: "Queue is full",
  about: "Too many tasks wait. Try again when some are done.",
});

/** The queue refuses above this: a million waiting tasks is a fault upstream, and still restarts in seconds. */
export const openTasksMax = 2_000_000;
const endedTasksMax = 10_000;

const open = on<OpenTask>();
/** Every task that has not ended. The queue keeps its heaps beside it in memory and rebuilds them from it at start. */
export const openTasks = view(OpenTask)({
  name: "tasks",
  version: 1,
  about: "Tasks that wait or run.",
  rowsMax: openTasksMax,
  overflow: "guarded",
  order: "asc",
  folds: [
    open(
      TaskEnqueued,
      (e) => e.data.taskId,
      (_row, e) => ({
        ...e.data,
        status: "queued" as const,
        attempt: 0,
        enqueuedAtMs: e.timeMs,
        enqueuedSeq: e.seq,
      }),
    ),
    open(
      TaskStarted,
      (e) => e.data.taskId,
      (row, e) =>
        row ? { ...row, status: "running", attempt: e.data.attempt, leaseUntilMs: e.data.leaseUntilMs } : null,
    ),
    open(
      TaskRetried,
      (e) => e.data.taskId,
      (row, e) => {
        if (!row) return null;
        const { leaseUntilMs: _ended, ...rest } = row;
        return { ...rest, status: "queued", notBeforeMs: e.data.notBeforeMs };
      },
    ),
    open(
      TaskFinished,
      (e) => e.data.taskId,
      () => null,
    ),
    open(
      TaskFailed,
      (e) => e.data.taskId,
      () => null,
    ),
    open(
      TaskCancelled,
      (e) => e.data.taskId,
      () => null,
    ),
  ],
});

const ended = on<EndedTask>();
export const endedTasks = view(EndedTask)({
  name: "endedTasks",
  version: 1,
  about: "Tasks that finished, failed or were cancelled, newest first.",
  rowsMax: endedTasksMax,
  folds: [
    ended(
      TaskFinished,
      (e) => e.data.taskId,
      (_row, e) => ({ ...e.data, status: "finished", endedAtMs: e.timeMs }),
    ),
    ended(
      TaskFailed,
      (e) => e.data.taskId,
      (_row, e) => ({ ...e.data, status: "failed", endedAtMs: e.timeMs }),
    ),
    ended(
      TaskCancelled,
      (e) => e.data.taskId,
      (_row, e) => {
        const { reason, ...rest } = e.data;
        return { ...rest, status: "cancelled", detail: reason, endedAtMs: e.timeMs };
      },
    ),
  ],
});

export const taskEvents = [TaskEnqueued, TaskStarted, TaskFinished, TaskRetried, TaskFailed, TaskCancelled];
