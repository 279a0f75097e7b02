/** The queue from outside: any operation marked as task, under the caller's own rights. */
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { checkerOf, type Static } from "../../contract/schema.ts";
import { InvalidInput, NotFound } from "../../contract/standard-problems.ts";
import { endedTasks, type OpenTask, openTasks, taskEvents } from "../../contract/task.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { CancelTask, Enqueue, GetTask, ListTasks, UnknownKind } from "./contract.ts";

const listDefault = 100;

export const createTasks = ({ parts }: { readonly parts: KernelParts }): Domain => ({
  name: "tasks",
  families: ["task"],
  operations: [
    bind(Enqueue, (input, ctx) => enqueue(parts, input, ctx)),
    bind(ListTasks, ({ status, limit }) => {
      const { views, queue } = parts.kernel;
      const count = limit ?? listDefault;
      const isOpen = status === undefined || status === "queued" || status === "running";
      const open = isOpen
        ? views.list(openTasks, {
            limit: count,
            ...(status === undefined ? {} : { where: (row: OpenTask) => row.status === status }),
          }).rows
        : [];
      const isEnded = status === undefined || !isOpen;
      const left = count - open.length;
      const ended =
        isEnded && left > 0
          ? views.list(endedTasks, {
              limit: left,
              ...(status === undefined ? {} : { where: (row) => row.status === status }),
            }).rows
          : [];
      return { tasks: [...open, ...ended].map((each) => each.row), depth: queue.depth() };
    }),
    bind(GetTask, ({ taskId }) => {
      const { views } = parts.kernel;
      const task = views.get(openTasks, taskId) ?? views.get(endedTasks, taskId);
      if (task === undefined) throw new Problem(NotFound, `there is no task ${taskId}`);
      return task;
    }),
    bind(CancelTask, async ({ taskId }, ctx) => {
      const { views, queue } = parts.kernel;
      const wasOpen = await queue.cancel(taskId, `cancelled by ${ctx.caller.kind}:${ctx.caller.id}`, ctx.caller);
      const ended = views.get(endedTasks, taskId);
      if (!wasOpen && ended === undefined) throw new Problem(NotFound, `there is no task ${taskId}`);
      return { taskId, status: ended?.status ?? "queued" };
    }),
  ],
  events: taskEvents,
  views: [openTasks, endedTasks],
});

/** The payload is checked now, so that a wrong one is told to whoever sent it rather than to a dead letter. */
async function enqueue(
  parts: KernelParts,
  input: Static<typeof Enqueue.input>,
  ctx: Context,
): Promise<Static<typeof Enqueue.output>> {
  const { table, queue } = parts.kernel;
  const operation = table.operations.get(input.kind)?.operation;
  if (operation === undefined || !operation.isTask) {
    const kinds = [...table.operations.values()]
      .filter((each) => each.operation.isTask)
      .map((each) => each.operation.id);
    throw new Problem(UnknownKind, `${input.kind} may not be enqueued`, { kinds });
  }
  const payload = input.payload ?? {};
  const checker = checkerOf(operation.input);
  if (!checker.check(payload)) {
    throw new Problem(InvalidInput, `the payload does not fit ${operation.id}`, {
      faults: checker.faults(payload).map((fault) => ({ ...fault, at: `/payload${fault.at}` })),
    });
  }
  const { priority, idemKey, delayMs, attemptsMax } = input;
  return await queue.enqueue({
    operation,
    payload,
    caller: ctx.caller,
    // A task is an episode of its own: the request that enqueued it may enqueue a hundred.
    corrId: ctx.id(),
    ...(priority === undefined ? {} : { priority }),
    ...(idemKey === undefined ? {} : { idemKey }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(attemptsMax === undefined ? {} : { attemptsMax }),
  });
}
