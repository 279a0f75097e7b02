/**
 * The durable queue. Its truth is the `tasks` view, a fold of the journal; beside it stands a board in memory that is built
 * from the view at start. The worker runs tasks through the corridor like any other call.
 */
import { canonicalJson } from "../base/canonical-json.ts";
import { Problem } from "../contract/problem.ts";
import type { Static } from "../contract/schema.ts";
import { Cancelled, ShuttingDown } from "../contract/standard-problems.ts";
import {
  endedTasks,
  KeyReused,
  type OpenTask,
  openTasks,
  openTasksMax,
  QueueFull,
  TaskCancelled,
  TaskEnqueued,
} from "../contract/task.ts";
import type { EnqueueRequest, Journal, Queue, Views } from "./kernel.ts";
import { attempt, createEmitter, endedData, entryOf, settleLost, type Work } from "./task-attempt.ts";
import { createTaskBoard } from "./task-board.ts";

/** Tries of a task that says nothing about it: four retries reach over a minute. */
const attemptsMaxDefault = 5;
/** Idempotency keys known at once; above it the older half is forgotten, but for tasks that have not ended. */
const keysMax = 200_000;
const recoverPageRows = 5000;
/** Ended tasks whose idempotency keys are still known after a restart: as many as the view keeps. */
const endedKnownMax = 10_000;

export interface QueueOptions extends Omit<Work, "emit" | "stopped"> {
  readonly journal: Journal;
  readonly views: Views;
  readonly newId: () => string;
  /** Tasks at the same time. */
  readonly concurrency: number;
}

export interface OwnedQueue extends Queue {
  /** Reads the view, settles what a crash left running, and begins to work. */
  start(): Promise<void>;
  /** Aborts what runs and waits for it; nothing is lost, it waits for the next start. */
  stop(): Promise<void>;
  /** Resolves when nothing is ready or running; for tests and benchmarks. */
  idle(): Promise<void>;
}

type Accepted = { readonly taskId: string; readonly corrId: string };

export function createQueue(options: QueueOptions): OwnedQueue {
  const { views } = options;
  const emit = createEmitter(options.journal);
  const stopping = new AbortController();
  const work: Work = { ...options, emit, stopped: stopping.signal };
  const open = new Set<string>();
  const once = createOnce(open, createFormerTasks(options));
  const worker = createWorker({ ...options, work, open });

  const accept = async (request: EnqueueRequest): Promise<Accepted> => {
    if (open.size >= openTasksMax) throw new Problem(QueueFull, `${open.size} tasks wait or run`);
    const taskId = options.newId();
    open.add(taskId);
    try {
      const envelope = await emit(TaskEnqueued, enqueuedData(taskId, request, options.clock.nowMs()), request);
      worker.place({
        taskId,
        priority: request.priority ?? 0,
        seq: envelope.seq,
        notBeforeMs: envelope.data.notBeforeMs,
      });
      return { taskId, corrId: request.corrId };
    } catch (error) {
      open.delete(taskId);
      throw error;
    }
  };
  return {
    abilities: { isDurable: true, hasDelay: true, hasPriority: true },
    enqueue: async (request) =>
      request.idemKey === undefined
        ? { ...(await accept(request)), isNew: true }
        : await once.run(request.idemKey, request, () => accept(request)),
    async cancel(taskId, reason, caller) {
      if (await worker.cancel(taskId, reason)) return true;
      const task = open.has(taskId) ? views.get(openTasks, taskId) : undefined;
      if (task === undefined) return false;
      open.delete(taskId);
      try {
        await emit(TaskCancelled, { ...endedData(task), reason }, { caller, corrId: task.corrId });
      } catch (error) {
        open.add(taskId);
        // Its turn may have come and gone meanwhile.
        worker.place(entryOf(task));
        throw error;
      }
      return true;
    },
    halt: worker.halt,
    release: worker.release,
    depth: () => ({ queued: open.size - worker.runningCount, running: worker.runningCount }),
    async start() {
      for (const task of eachTask(views)) {
        open.add(task.taskId);
        once.remember(task);
        const entry = task.status === "running" ? await settleLost(task, work) : entryOf(task);
        if (entry === null) open.delete(task.taskId);
        else worker.place(entry);
      }
      for (const { row } of views.list(endedTasks, { limit: endedKnownMax }).rows) once.remember(row);
      worker.start();
    },
    async stop() {
      stopping.abort();
      await worker.stop();
    },
    idle: worker.idle,
  };
}

/** Events of one correlation id looked through for a task that ended; a task from outside has an id of its own. */
const formerEventsMax = 10_000;

type Asked = Pick<EnqueueRequest, "operation" | "payload">;

/** Whether a task is what is asked for again. One whose payload is no longer kept counts as the same. */
function createFormerTasks({ views, journal }: Pick<QueueOptions, "views" | "journal">) {
  const textOf = (operation: string, payload: unknown): string =>
    canonicalJson({ operation, payload: payload ?? null });
  const enqueued = ({ taskId, corrId }: Accepted): Pick<OpenTask, "operation" | "payload"> | undefined => {
    const open = views.get(openTasks, taskId);
    if (open !== undefined) return open;
    const events = journal.read({ corrId, kinds: [TaskEnqueued.kind], limit: formerEventsMax });
    const found = events.find(({ data }) => (data as { taskId?: string } | null)?.taskId === taskId);
    return found?.data as Static<typeof TaskEnqueued.data> | undefined;
  };
  return {
    isSame(task: Accepted, { operation, payload }: Asked): boolean {
      const former = enqueued(task);
      return former === undefined || textOf(former.operation, former.payload) === textOf(operation.id, payload);
    },
  };
}

/** One task per idempotency key, also while the first one is still being written. */
function createOnce(open: ReadonlySet<string>, formerTasks: ReturnType<typeof createFormerTasks>) {
  const known = new Map<string, Promise<Accepted>>();
  /** Keys in the order of their tasks, with the task once it is known; the oldest ended ones go. */
  const byAge: { readonly key: string; readonly taskId: string }[] = [];
  const note = (key: string, taskId: string): void => {
    byAge.push({ key, taskId });
    if (byAge.length <= keysMax) return;
    const kept = byAge
      .splice(0)
      .filter((each, index) => index >= keysMax / 2 || open.has(each.taskId) || !known.delete(each.key));
    byAge.push(...kept);
  };
  return {
    remember({ idemKey, taskId, corrId }: Accepted & { readonly idemKey?: string }): void {
      if (idemKey === undefined) return;
      known.set(idemKey, Promise.resolve({ taskId, corrId }));
      note(idemKey, taskId);
    },
    async run(
      key: string,
      asked: Asked,
      accept: () => Promise<Accepted>,
    ): Promise<Accepted & { readonly isNew: boolean }> {
      const former = known.get(key);
      if (former !== undefined) {
        const task = await former;
        if (formerTasks.isSame(task, asked)) return { ...task, isNew: false };
        throw new Problem(KeyReused, `the key stands for task ${task.taskId}`, { taskId: task.taskId });
      }
      const accepted = accept();
      known.set(key, accepted);
      try {
        const { taskId, corrId } = await accepted;
        note(key, taskId);
        return { taskId, corrId, isNew: true };
      } catch (error) {
        known.delete(key);
        throw error;
      }
    },
  };
}

interface WorkerOptions {
  readonly work: Work;
  readonly views: Views;
  readonly concurrency: number;
  /** Ids of the tasks that have not ended; one that is cancelled leaves it and is skipped when its turn comes. */
  readonly open: Set<string>;
}

function createWorker({ work, views, concurrency, open }: WorkerOptions) {
  const running = new Map<string, { readonly controller: AbortController; readonly done: Promise<void> }>();
  const idleWaiters: (() => void)[] = [];
  let isWorking = false;
  let isHalted = false;

  const pump = (): void => {
    while (isWorking && !isHalted && running.size < concurrency) {
      const entry = board.next();
      if (entry === undefined) break;
      const isOpen = open.has(entry.taskId) && !running.has(entry.taskId);
      const task = isOpen ? views.get(openTasks, entry.taskId) : undefined;
      if (task !== undefined) launch(task);
    }
    if (running.size === 0 && board.readyCount === 0) for (const wake of idleWaiters.splice(0)) wake();
  };
  const board = createTaskBoard({ clock: work.clock, onDue: pump });
  const carryOut = async (task: OpenTask, controller: AbortController): Promise<void> => {
    const next = await attempt(task, controller, work);
    running.delete(task.taskId);
    if (next === "ended") open.delete(task.taskId);
    else if (next !== "left") board.place(next);
    pump();
  };
  const launch = (task: OpenTask): void => {
    const controller = new AbortController();
    running.set(task.taskId, { controller, done: carryOut(task, controller) });
  };
  return {
    place(entry: Parameters<typeof board.place>[0]): void {
      board.place(entry);
      pump();
    },
    get runningCount() {
      return running.size;
    },
    async cancel(taskId: string, reason: string): Promise<boolean> {
      const active = running.get(taskId);
      if (active === undefined) return false;
      active.controller.abort(new Problem(Cancelled, reason));
      await active.done;
      return true;
    },
    async halt(reason: Problem): Promise<void> {
      isHalted = true;
      for (const each of running.values()) each.controller.abort(reason);
      await Promise.all([...running.values()].map((each) => each.done));
    },
    release(): void {
      isHalted = false;
      pump();
    },
    start(): void {
      isWorking = true;
      pump();
    },
    async stop(): Promise<void> {
      isWorking = false;
      board.stop();
      for (const each of running.values()) each.controller.abort(new Problem(ShuttingDown, "the hub is stopping"));
      await Promise.all([...running.values()].map((each) => each.done));
    },
    idle: (): Promise<void> =>
      running.size === 0 && board.readyCount === 0
        ? Promise.resolve()
        : new Promise((resolve) => idleWaiters.push(resolve)),
  };
}

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

function* eachTask(views: Views): Generator<OpenTask> {
  let afterKey: string | undefined;
  for (;;) {
    const page = views.list(openTasks, { limit: recoverPageRows, ...(afterKey === undefined ? {} : { afterKey }) });
    for (const { row } of page.rows) yield row;
    if (page.nextKey === null) return;
    afterKey = page.nextKey;
  }
}
