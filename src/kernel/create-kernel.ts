/** Puts the kernel together from its ports and the list of domains. Two kernels can live in one process. */
import { createIds } from "../base/ids.ts";
import type { Caller } from "../contract/caller.ts";
import type { Domain } from "../contract/domain.ts";
import type { Envelope } from "../contract/event.ts";
import type { Context } from "../contract/operation.ts";
import { Problem } from "../contract/problem.ts";
import { ShuttingDown } from "../contract/standard-problems.ts";
import type { View } from "../contract/view.ts";
import { createBus, type OwnedBus } from "./bus.ts";
import { createContext } from "./context.ts";
import { createDispatcher, type OwnedDispatcher } from "./dispatch.ts";
import { createJournal } from "./journal.ts";
import type { Kernel, Sample, Table } from "./kernel.ts";
import type { Approvals, BlobStore, Chance, Clock, Gate, Identity, Log, Redactor, Store } from "./ports.ts";
import { createQueue, type OwnedQueue } from "./queue.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { stateOperations } from "./state-operations.ts";
import { createTable } from "./table.ts";
import { createViews } from "./views.ts";

/** The domains, and those of their services that answer the kernel's questions. */
export interface Composition {
  readonly domains: readonly Domain[];
  readonly identity: Identity;
  readonly gate: Gate;
  readonly approvals: Approvals;
}

export interface KernelOptions {
  /** Called once with the parts that a service may need from the kernel; those work from `start` on. */
  readonly compose: (parts: KernelParts) => Composition;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly node: string;
  readonly limits: {
    readonly busCapacity: number;
    readonly busReplay: number;
    readonly workers: number;
    readonly recordBytesMax: number;
    readonly recordAgeMsMax: number;
  };
  readonly onSample: (sample: Sample) => void;
  readonly onCommit: (sample: { readonly events: number; readonly durationMs: number }) => void;
}

/** What `app` hands to services that serve the kernel itself: agents act, tasks enqueue, events stream. */
export interface KernelParts {
  readonly kernel: Kernel;
  readonly bus: OwnedBus;
  readonly recorder: Recorder;
  readonly scheduler: Scheduler;
  readonly node: string;
  /** A context for work that no request began: a run of an agent, the start of a domain. */
  act(options: { readonly caller: Caller; readonly corrId: string; readonly signal?: AbortSignal }): Context;
}

export interface StartedKernel extends Kernel {
  readonly parts: KernelParts;
  /** Brings the views up to date, mends what a crash left, and lets the queue work. */
  start(): Promise<void>;
  readonly stages: readonly string[];
}

const system: Caller = { kind: "system", id: "hub" };

export function createKernel(options: KernelOptions): StartedKernel {
  const { store, clock, chance, log } = options;
  const shutdown = new AbortController();
  const ids = createIds({ now: clock.nowMs, randomBytes: chance.randomBytes });
  const newId = ids.next;
  const bus = createBus({
    capacity: options.limits.busCapacity,
    replay: options.limits.busReplay,
    onDefect: (error) => log.error("a listener of the bus failed", { error: String(error) }),
  });
  const scheduler = createScheduler({ clock, log });
  const recorder = createRecorder({
    blobs: options.blobs,
    clock,
    log,
    sizeBytesMax: options.limits.recordBytesMax,
    ageMsMax: options.limits.recordAgeMsMax,
  });
  const late = {} as { kernel: StartedKernel; dispatcher: OwnedDispatcher; table: Table };
  const parts: KernelParts = {
    get kernel() {
      return late.kernel;
    },
    bus,
    recorder,
    scheduler,
    node: options.node,
    act: ({ caller, corrId, signal }) =>
      createContext(contextDeps, {
        caller,
        corrId,
        causeId: null,
        signal,
        dispatch: (request) => late.dispatcher.dispatch(request),
      }),
  };
  const { domains, identity, gate, approvals } = options.compose(parts);
  const viewList = domains.flatMap((domain) => domain.views as readonly View[]);
  const views = createViews({ views: viewList, store, pause: () => new Promise((resolve) => clock.soon(resolve)) });
  const journal = createJournal({
    store,
    views,
    clock,
    node: options.node,
    newId,
    publish: (envelope: Envelope) => bus.publish(envelope),
    onDefect: (error, kind) => log.error("a view could not fold an event", { kind, error: String(error) }),
    onCommit: options.onCommit,
  });
  const contextDeps = { journal, clock, chance, newId, shutdown: shutdown.signal };
  const table = createTable({ domains, derived: stateOperations(viewList, () => views) });
  const queue: OwnedQueue = createQueue({
    journal,
    views,
    clock,
    chance,
    newId,
    log,
    concurrency: options.limits.workers,
    leaseMs: (operation) => table.operations.get(operation)?.operation.deadlineMs,
    execute: (task, signal) => executeTask(late.dispatcher, task, signal),
  });
  const dispatcher = createDispatcher({
    ...contextDeps,
    table,
    queue: () => queue,
    identity,
    gate,
    approvals,
    redactor: options.redactor,
    onSample: options.onSample,
    onDefect: (error, where) => log.error("a defect", { ...where, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  });
  const kernel: StartedKernel = {
    table,
    bus,
    journal,
    views,
    queue,
    parts,
    stages: dispatcher.stages,
    dispatch: dispatcher.dispatch,
    async start() {
      views.open((view, seq, headSeq) => log.info("rebuilding a view", { view, seq, headSeq }));
      for (const domain of domains) await domain.start?.(parts.act({ caller: system, corrId: newId() }));
      await queue.start();
      scheduler.every({
        name: "record.prune",
        firstMs: pruneFirstMs,
        intervalMs: pruneIntervalMs,
        run: async (signal) => void (await recorder.prune(signal)),
      });
    },
    async [Symbol.asyncDispose]() {
      shutdown.abort(new Problem(ShuttingDown, "the hub is stopping"));
      await queue.stop();
      await scheduler[Symbol.asyncDispose]();
      await journal.close();
      store[Symbol.dispose]();
    },
  };
  late.kernel = kernel;
  late.dispatcher = dispatcher;
  return kernel;
}

/** After the busy first minute, then daily. */
const pruneFirstMs = 60_000;
const pruneIntervalMs = 24 * 60 * 60 * 1000;

async function executeTask(
  dispatcher: OwnedDispatcher,
  task: { readonly operation: string; readonly payload: unknown; readonly caller: Caller; readonly corrId: string; readonly approvalId?: string },
  signal: AbortSignal,
): Promise<unknown> {
  const { outcome } = await dispatcher.dispatch({
    operationId: task.operation,
    input: task.payload,
    credentials: { kind: "caller", caller: task.caller },
    corrId: task.corrId,
    signal,
    isInline: true,
    ...(task.approvalId === undefined ? {} : { approvalId: task.approvalId }),
  });
  return outcome.kind === "answer" ? outcome.output : null;
}
