/** Puts the kernel together from its ports and the list of domains. Two kernels can live in one process. */
import { strict as assert } from "node:assert";
import { createIds } from "../base/ids.ts";
import type { Caller } from "../contract/caller.ts";
import type { Domain } from "../contract/domain.ts";
import type { Context } from "../contract/operation.ts";
import { Problem } from "../contract/problem.ts";
import { ShuttingDown } from "../contract/standard-problems.ts";
import { type Archive, createArchive } from "./archive.ts";
import { createBus, type OwnedBus } from "./bus.ts";
import { type ContextDeps, createContext } from "./context.ts";
import { createDispatcher, type OwnedDispatcher } from "./dispatch.ts";
import { createJournal } from "./journal.ts";
import { createLook, type Look } from "./look.ts";
import type { Kernel } from "./kernel.ts";
import type {
  Approvals,
  BlobStore,
  Brake,
  Budget,
  Chance,
  Clock,
  Exits,
  Gate,
  Identity,
  Leases,
  Log,
  Redactor,
  Store,
  Telemetry,
  Policy,
  Vault,
  Witness,
} from "./ports.ts";
import { prefacedJournal } from "./prefaced.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import type { Rehearsal } from "./rehearse.ts";
import { noteSeam, seamText } from "./seams.ts";
import { sealedJournal, sealedQueue } from "./sealed.ts";
import { guardedJournal, guardedQueue } from "./stage-gate.ts";
import { createDoorkeeper } from "./stage-identify.ts";
import { stateOperations } from "./state-operations.ts";
import { createTable } from "./table.ts";
import { createViews } from "./views.ts";

/** The domains, and those of their services that answer the kernel's questions. */
export interface Composition {
  readonly domains: readonly Domain[];
  readonly identity: Identity;
  readonly gate: Gate;
  readonly policy: Policy;
  readonly approvals: Approvals;
  readonly budget: Budget;
  readonly exits?: Exits;
  readonly leases?: Leases;
  readonly brake?: Brake;
  readonly witness?: Witness;
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
  readonly vault?: Vault;
  readonly node: string;
  readonly limits: {
    readonly busCapacity: number;
    readonly busReplay: number;
    readonly workers: number;
    readonly recordBytesMax: number;
    readonly recordAgeMsMax: number;
  };
  readonly telemetry: Telemetry;
}

/** What `app` hands to services that serve the kernel itself: agents act, tasks enqueue, events stream. */
export interface KernelParts {
  readonly kernel: Kernel;
  readonly bus: OwnedBus;
  readonly recorder: Recorder;
  readonly scheduler: Scheduler;
  readonly archive: Archive;
  /** For what leaves the hub by other ways than a call. */
  readonly gate: Gate;
  readonly node: string;
  /** A context for work that no request began: a run of an agent, the start of a domain. */
  act(options: {
    readonly caller: Caller;
    readonly corrId: string;
    readonly signal?: AbortSignal;
    /** When what it says happened, where that is told a moment later. */
    readonly atMs?: number;
  }): Context;
  /** What such a call would come to before a person is asked about it; throws what refuses it. Nothing runs. */
  rehearse(call: {
    readonly operation: string;
    readonly input: unknown;
    readonly caller: Caller;
    readonly corrId: string;
  }): Promise<Rehearsal>;
  /** Reads past the rules for a question about them, on behalf of the person who asks. */
  look(asked: Context): Look;
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
  const stop = new AbortController();
  const seam = noteSeam(store);
  if (seam !== null) log.error(seamText(seam), { ...seam });
  const newId = createIds({ now: clock.nowMs, randomBytes: chance.randomBytes }).next;
  const late: Late = {};
  const parts = createParts(options, late);
  const { domains, ...ports } = options.compose(parts);
  const definitions = domains.flatMap((domain) => domain.views);
  const views = createViews({ views: definitions, store, pause: () => new Promise((resolve) => clock.soon(resolve)) });
  const journal = prefacedJournal(openJournal(options, { views, newId, publish: parts.bus.publish }), ports.witness);
  const told = guardedJournal(journal, ports.gate);
  const context: ContextDeps = { journal: told, clock, chance, newId, shutdown: stop.signal };
  const table = createTable({ domains, derived: stateOperations(definitions, () => views) });
  const ownQueue = guardedQueue(ports.gate, {
    journal,
    views,
    clock,
    chance,
    newId,
    log,
    concurrency: options.limits.workers,
    leaseMs: (operation) => table.operations.get(operation)?.operation.deadlineMs,
    canRecover: (operation) => table.operations.get(operation)?.operation.canRecover === true,
    execute: (task, signal) => executeTask(dispatcher, task, signal),
  });
  const queue = sealedQueue(ownQueue, options.vault);
  const dispatcher = createDispatcher({
    ...context,
    ...ports,
    table,
    queue: () => queue,
    redactor: options.redactor,
    ...(options.vault === undefined ? {} : { vault: options.vault }),
    onSample: options.telemetry.onSample,
    onDefect: (error, where) => log.error("a defect", { ...where, error: stackOf(error) }),
  });
  const kernel: StartedKernel = {
    table,
    bus: parts.bus,
    journal,
    views,
    queue,
    parts,
    stages: dispatcher.stages,
    dispatch: dispatcher.dispatch,
    ...createDoorkeeper(table, ports.identity),
    async start() {
      views.open((view, seq, headSeq) => log.info("rebuilding a view", { view, seq, headSeq }));
      for (const domain of domains) await domain.start?.(parts.act({ caller: system, corrId: newId() }));
      await queue.start();
      const run = async (signal: AbortSignal): Promise<void> => void (await parts.recorder.prune(signal));
      parts.scheduler.every({ name: "record.prune", firstMs: pruneFirstMs, intervalMs: pruneIntervalMs, run });
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Problem(ShuttingDown, "the hub is stopping"));
      await queue.stop();
      await parts.scheduler[Symbol.asyncDispose]();
      await ports.witness?.settle();
      await journal.close();
      store[Symbol.dispose]();
    },
  };
  const archive = createArchive({ store, journal, views: definitions, seam });
  Object.assign(late, { kernel, dispatcher, context, archive, gate: ports.gate });
  return kernel;
}

function openJournal(
  options: KernelOptions,
  given: Pick<Parameters<typeof createJournal>[0], "views" | "newId" | "publish">,
): ReturnType<typeof createJournal> {
  const { store, clock, log } = options;
  const journal = createJournal({
    ...given,
    store,
    clock,
    node: options.node,
    onDefect: (error, kind) => log.error("a view could not fold an event", { kind, error: String(error) }),
    onCommit: options.telemetry.onCommit,
  });
  return sealedJournal(journal, options.vault);
}

/** What is there once the kernel is whole. */
interface Late {
  readonly kernel?: StartedKernel;
  readonly dispatcher?: OwnedDispatcher;
  readonly context?: ContextDeps;
  readonly archive?: Archive;
  readonly gate?: Gate;
}

/** The parts that services get before the kernel is whole; what is late is there when they begin to work. */
function createParts(options: KernelOptions, late: Late): KernelParts {
  const { clock, log, limits } = options;
  const made = <T>(part: T | undefined): T => {
    assert(part !== undefined, "a service used the kernel before it was whole");
    return part;
  };
  return {
    get kernel() {
      return made(late.kernel);
    },
    get archive() {
      return made(late.archive);
    },
    get gate() {
      return made(late.gate);
    },
    node: options.node,
    bus: createBus({
      capacity: limits.busCapacity,
      replay: limits.busReplay,
      onPublish: options.telemetry.onEvent,
      onDefect: (error) => log.error("a listener of the bus failed", { error: String(error) }),
    }),
    scheduler: createScheduler({ clock, log }),
    recorder: createRecorder({
      blobs: options.blobs,
      clock,
      log,
      sizeBytesMax: limits.recordBytesMax,
      ageMsMax: limits.recordAgeMsMax,
    }),
    act: ({ caller, corrId, signal, atMs }) =>
      createContext(made(late.context), {
        caller,
        corrId,
        causeId: null,
        ...(atMs === undefined ? {} : { atMs }),
        signal: () => signal,
        dispatch: made(late.dispatcher).dispatch,
      }),
    rehearse: ({ operation, caller, ...call }) =>
      made(late.dispatcher).rehearse({ ...call, operationId: operation, credentials: { kind: "caller", caller } }),
    look: (asked) => createLook(made(late.kernel).table, asked),
  };
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** After the busy first minute, then daily. */
const pruneFirstMs = 60_000;
/** How far records may grow beyond their ceiling is what an hour brings. */
const pruneIntervalMs = 60 * 60 * 1000;

async function executeTask(
  dispatcher: OwnedDispatcher,
  task: {
    readonly operation: string;
    readonly payload: unknown;
    readonly caller: Caller;
    readonly corrId: string;
    readonly approvalId?: string;
  },
  signal: AbortSignal,
): Promise<unknown> {
  const { outcome } = await dispatcher.dispatch({
    operationId: task.operation,
    input: task.payload,
    credentials: { kind: "caller", caller: task.caller },
    corrId: task.corrId,
    signal,
    isInline: true,
    isTask: true,
    ...(task.approvalId === undefined ? {} : { approvalId: task.approvalId }),
  });
  return outcome.kind === "answer" ? outcome.output : null;
}
