/**
 * The journal: `emit` means committed and on the disk. Emits that arrive together share one transaction, which appends the
 * events, chained by hash, and writes every dirty view row. While the disk syncs it, the next one is already being written;
 * nothing lingers (docs/decisions/0019).
 */
import { strict as assert } from "node:assert";
import { type Envelope, type EventDefinition, type Origin, originName } from "../contract/event.ts";
import { Problem } from "../contract/problem.ts";
import { checkerOf } from "../contract/schema.ts";
import { Internal, ShuttingDown, StoreFailed, StoreFull, TooLarge } from "../contract/standard-problems.ts";
import { fromStored, Recorded } from "./envelope.ts";
import type { Journal } from "./kernel.ts";
import { type Clock, type Store, type StoredEvent, StoreFault } from "./ports.ts";
import { knownHead } from "./seams.ts";
import type { OwnedViews } from "./views.ts";

/** Events per transaction; keeps one commit within a few milliseconds. */
const commitEventsMax = 2048;
/** One event's data as JSON. Larger things belong into the blob store. */
export const eventBytesMax = 1_048_576;
/** Emits that wait for a commit; above it a producer is faster than the disk and is refused rather than buffered. */
const pendingEventsMax = 200_000;

export interface JournalOptions {
  readonly store: Store;
  readonly views: OwnedViews;
  readonly clock: Clock;
  readonly node: string;
  readonly newId: () => string;
  readonly publish: (envelope: Envelope) => void;
  /** A fold threw, which is a defect of ours: the event is refused and the hub goes on. */
  readonly onDefect: (error: unknown, kind: string) => void;
  readonly onCommit: (sample: { readonly events: number; readonly durationMs: number }) => void;
}

export interface OwnedJournal extends Journal {
  /** Appends rows of another journal behind the newest event, unchanged, in one transaction. Watchers and bus stay silent. */
  adopt(rows: readonly StoredEvent[]): void;
  /** Commits what waits and takes nothing more. */
  close(): Promise<void>;
}

/** One emit that waits for its commit. Settling it twice does nothing, as promises have it. */
interface Pending {
  readonly envelope: Recorded;
  readonly resolve: (envelope: Envelope) => void;
  readonly reject: (fault: Problem) => void;
}

export function createJournal(options: JournalOptions): OwnedJournal {
  const { store, clock } = options;
  const writer = createWriter(options);
  const syncs = createSyncs(options);
  let group: Pending[] = [];
  let isDue = false;
  let isClosed = false;
  const flush = (): void => {
    const entries = group;
    group = [];
    isDue = false;
    for (let from = 0; from < entries.length; from += commitEventsMax) {
      const some = entries.length <= commitEventsMax ? entries : entries.slice(from, from + commitEventsMax);
      try {
        syncs.refuseFailed();
        syncs.add(writer.commit(some));
      } catch (error) {
        const fault = storeProblem(error);
        for (const entry of from === 0 ? entries : entries.slice(from)) entry.reject(fault);
        return;
      }
    }
  };

  return {
    headSeq: syncs.headSeq,
    reached: syncs.reached,
    // Not `async`: one promise an event, which the commit settles itself. What is thrown in here rejects it.
    emit: (definition, data, origin) =>
      new Promise((resolve, reject) => {
        if (isClosed) throw new Problem(ShuttingDown, "the journal is closed; the event was not written");
        const envelope = prepare(definition, data, { origin, options });
        if (!definition.isDurable) {
          options.publish(envelope);
          resolve(envelope);
          return;
        }
        if (group.length + syncs.pendingCount() >= pendingEventsMax)
          throw new Problem(StoreFailed, "too many events wait for the disk");
        group.push({ envelope, resolve, reject });
        if (isDue) return;
        isDue = true;
        clock.soon(flush);
      }),
    // What is not on the disk yet has not happened: nobody is told of an event that a loss of power can take back.
    read: (query) =>
      store
        .events({
          ...query,
          toSeq: Math.min(query.toSeq ?? Number.MAX_SAFE_INTEGER, syncs.headSeq()),
          parts: "envelope",
        })
        .map(fromStored),
    adopt(rows) {
      flush();
      try {
        syncs.refuseFailed();
        writer.adopt(rows);
        syncs.adopted(writer.headSeq());
      } catch (error) {
        throw storeProblem(error);
      }
    },
    async close() {
      flush();
      isClosed = true;
      await syncs.idle();
    },
  };
}

/** One transaction that was written: its events, and when its work began. */
interface Written {
  readonly entries: readonly Pending[];
  readonly startedMs: number;
}

/**
 * What is written and waits for the disk. One sync is under way at a time, and the next covers all that came meanwhile; only
 * then is an event published and its caller told.
 */
function createSyncs({ store, clock, publish, onCommit }: JournalOptions) {
  let headSeq = knownHead(store).seq;
  let waiting: Written[] = [];
  let waitingCount = 0;
  let underWay: readonly Written[] = [];
  let failure: Problem | null = null;
  const idleWaiters: (() => void)[] = [];
  const readers = createReaders();

  const settle = ({ entries, startedMs }: Written): void => {
    headSeq = Math.max(headSeq, entries.at(-1)?.envelope.seq ?? 0);
    onCommit({ events: entries.length, durationMs: clock.monotonicMs() - startedMs });
    for (const { envelope, resolve } of entries) {
      publish(envelope);
      resolve(envelope);
    }
  };
  const refuse = (fault: StoreFault): void => {
    failure = storeProblem(fault);
    for (const { entries } of [...underWay, ...waiting]) for (const { reject } of entries) reject(failure);
    underWay = [];
    waiting = [];
    waitingCount = 0;
    readers.reached(Number.POSITIVE_INFINITY);
    begin();
  };
  const begin = (): void => {
    if (underWay.length > 0) return;
    if (waiting.length === 0) {
      for (const wake of idleWaiters.splice(0)) wake();
      return;
    }
    underWay = waiting;
    const count = waitingCount;
    waiting = [];
    store.sync((fault) => {
      if (fault !== null) return refuse(fault);
      const done = underWay;
      underWay = [];
      waitingCount -= count;
      for (const each of done) settle(each);
      readers.reached(headSeq);
      begin();
    });
  };
  return {
    headSeq: () => headSeq,
    pendingCount: () => waitingCount,
    reached: (seq: number): Promise<void> =>
      seq <= headSeq || failure !== null || underWay.length === 0 ? Promise.resolve() : readers.wait(seq),
    add(written: Written | null): void {
      if (written === null) return;
      waiting.push(written);
      waitingCount += written.entries.length;
      begin();
    },
    /** Behind it everything before is on the disk as well. */
    adopted(seq: number): void {
      headSeq = seq;
    },
    /** Once the disk refused a sync, nobody knows what it holds; what was written behind would rest on nothing. */
    refuseFailed(): void {
      if (failure !== null) throw failure;
    },
    idle: (): Promise<void> =>
      underWay.length === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve)),
  };
}

/** Those who wait until the journal shows a position. */
function createReaders() {
  let waiting: { readonly seq: number; readonly resolve: () => void }[] = [];
  return {
    wait: (seq: number): Promise<void> => new Promise((resolve) => waiting.push({ seq, resolve })),
    reached(seq: number): void {
      if (waiting.length === 0) return;
      const woken = waiting.filter((each) => each.seq <= seq);
      waiting = waiting.filter((each) => each.seq > seq);
      for (const { resolve } of woken) resolve();
    },
  };
}

/** The checked event with its one JSON text; its position comes with the commit. */
function prepare(
  definition: EventDefinition,
  data: unknown,
  { origin, options }: { readonly origin: Origin; readonly options: JournalOptions },
): Recorded {
  const { kind, version } = definition;
  const checker = checkerOf(definition.data);
  if (!checker.check(data)) {
    assert.fail(`event ${kind} does not fit its schema: ${JSON.stringify(checker.faults(data))}`);
  }
  const dataJson = definition.isDurable ? JSON.stringify(data) : null;
  if (dataJson !== null && dataJson.length > eventBytesMax) {
    throw new Problem(TooLarge, `event ${kind} has ${dataJson.length} bytes of data`, {
      sizeBytesMax: eventBytesMax,
    });
  }
  const head = {
    seq: 0,
    id: options.newId(),
    timeMs: origin.atMs ?? options.clock.nowMs(),
    kind,
    version,
    corrId: origin.corrId,
    causeId: origin.causeId,
    node: options.node,
    caller: originName(origin),
  };
  return new Recorded(head, data, dataJson);
}

/** Writes one transaction: chain, fold, commit. Either all of its events are there afterwards or none. */
function createWriter({ store, views, clock, onDefect }: JournalOptions) {
  // Behind rows that were cut off, too: their positions are not given out again.
  let { seq: headSeq, hash: headHash } = knownHead(store);

  const commit = (entries: readonly Pending[]): Written | null => {
    const startedMs = clock.monotonicMs();
    const rows: StoredEvent[] = [];
    const written: Pending[] = [];
    let prevHash = headHash;
    for (const entry of entries) {
      const { envelope } = entry;
      envelope.place(headSeq + written.length + 1);
      try {
        views.fold(envelope);
      } catch (error) {
        onDefect(error, envelope.kind);
        entry.reject(new Problem(Internal, `a view could not take ${envelope.kind}`, { cause: error }));
        continue;
      }
      const row = envelope.toRow(prevHash);
      prevHash = row.hash;
      rows.push(row);
      written.push(entry);
    }
    if (rows.length === 0) return null;
    try {
      store.commit({ events: rows, rows: views.dirtyRows(), views: views.names, sync: "later" });
    } catch (error) {
      views.discard();
      throw error;
    }
    headSeq += rows.length;
    headHash = prevHash;
    views.committed(headSeq, (error, view) => onDefect(error, `a watcher of ${view}`));
    return { entries: written, startedMs };
  };
  const adopt = (rows: readonly StoredEvent[]): void => {
    const [first] = rows;
    if (first === undefined) return;
    if (first.seq !== headSeq + 1 || first.prevHash !== headHash) {
      throw new Problem(StoreFailed, `event ${first.seq} does not follow the newest one, ${headSeq}`);
    }
    try {
      for (const row of rows) if (row.data !== null) views.fold(fromStored(row));
      store.commit({ events: rows, rows: views.dirtyRows(), views: views.names });
    } catch (error) {
      views.discard();
      throw error;
    }
    headSeq += rows.length;
    headHash = rows.at(-1)?.hash ?? headHash;
    views.settled(headSeq);
  };
  return { commit, adopt, headSeq: () => headSeq };
}

function storeProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof StoreFault && error.reason === "full") {
    return new Problem(StoreFull, "the event was not written: the disk is full", { cause: error });
  }
  return new Problem(StoreFailed, "the event was not written", { cause: error });
}
