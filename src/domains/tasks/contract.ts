/** Tasks: the durable queue, usable from outside. */
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, oneOf, Type } from "../../contract/schema.ts";
import { InvalidInput, NotFound } from "../../contract/standard-problems.ts";
import {
  EndedTask,
  KeyReused,
  OpenTask,
  Priority,
  QueueFull,
  TaskCancelled,
  TaskEnqueued,
  TaskId,
} from "../../contract/task.ts";

export const UnknownKind = problem({
  code: "tasks.unknown-kind",
  status: 422,
  title: "Unknown kind of task",
  about: "No operation of this name may be enqueued. `kinds` lists those that may.",
});
export const Task = Type.Union([OpenTask, EndedTask]);

export const Enqueue = op({
  id: "tasks.enqueue",
  http: "POST /tasks/enqueue",
  cli: "tasks enqueue <kind>",
  effect: "write",
  about: "Put an operation into the queue; it survives restarts and is retried.",
  input: closed({
    kind: Type.String({ minLength: 1, maxLength: 200, description: "Id of an operation marked as task." }),
    payload: Type.Optional(Type.Unknown({ description: "The operation's input." })),
    priority: Type.Optional(Priority),
    idemKey: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: "The same key enqueues once; with another payload it is refused.",
      }),
    ),
    delayMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 31_536_000_000,
        default: 0,
        description: "Wait this many milliseconds first.",
      }),
    ),
    attemptsMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  }),
  output: closed({ taskId: TaskId, corrId: CorrelationId, isNew: Type.Boolean() }),
  problems: [UnknownKind, QueueFull, KeyReused, InvalidInput],
  emits: [TaskEnqueued],
});
export const ListTasks = op({
  id: "tasks.list",
  http: "GET /tasks",
  cli: "tasks list",
  effect: "read",
  isWayOut: true,
  about: "List tasks: those that wait or run first, then those that ended, newest first.",
  input: closed({
    status: Type.Optional(oneOf(["queued", "running", "finished", "failed", "cancelled"])),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  }),
  output: closed({ tasks: Type.Array(Task), depth: closed({ queued: Type.Integer(), running: Type.Integer() }) }),
});
export const GetTask = op({
  id: "tasks.get",
  http: "GET /tasks/{taskId}",
  cli: "tasks get <taskId>",
  effect: "read",
  isWayOut: true,
  about: "Show one task.",
  input: closed({ taskId: TaskId }),
  output: Task,
  problems: [NotFound],
});
export const CancelTask = op({
  id: "tasks.cancel",
  http: "POST /tasks/{taskId}/cancel",
  cli: "tasks cancel <taskId>",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isOpenWhenHalted: true,
  about: "Take a task out of the queue, or stop it where it runs.",
  input: closed({ taskId: TaskId }),
  output: closed({ taskId: TaskId, status: Type.String() }),
  problems: [NotFound],
  emits: [TaskCancelled],
});
