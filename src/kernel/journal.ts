/**
 * The journal: `emit` means committed. Emits that arrive together share one transaction, and the next one starts as soon as
 * the last returned; nothing lingers. One transaction appends the events, chained by hash, and writes every dirty view row.
 */
import { strict as assert } from "node:assert";
import { type Deferred, deferred } from "../base/async.ts";
import { type Envelope, type EventDefinition, type Origin, originName } from "../contract/event.ts";
import { Problem } from "../contract/problem.ts";
import { checkerOf } from "../contract/schema.ts";
import { Internal, ShuttingDown, StoreFailed, StoreFull, TooLarge } from "../contract/standard-problems.ts";
import { chainHash, fromStored, Recorded, rowFormat, textHash } from "./envelope.ts";
import type { Journal } from "./kernel.ts";
import { type Clock, type Store, type StoredEvent, StoreFault } from "./ports.ts";
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
  /** Commits what waits and takes nothing more. */
  close(): Promise<void>;
}

interface Pending {
  readonly head: Omit<Envelope, "data" | "seq">;
  readonly data: unknown;
  readonly dataJson: string;
  envelope: Envelope | null;
  fault: Problem | null;
}

interface Group {
  readonly entries: Pending[];
  readonly done: Deferred<void>;
}

export function createJournal(options: JournalOptions): OwnedJournal {
  const { store, clock } = options;
  const writer = createWriter(options);
  let group: Group | null = null;
  let isClosed = false;
  let waiting = 0;

  const flush = (): void => {
    const current = group;
    group = null;
    if (current === null) return;
    waiting -= current.entries.length;
    try {
      for (let from = 0; from < current.entries.length; from += commitEventsMax) {
        writer.commit(current.entries.slice(from, from + commitEventsMax));
      }
      current.done.resolve();
    } catch (error) {
      for (const entry of current.entries) entry.fault ??= entry.envelope === null ? storeProblem(error) : null;
      current.done.resolve();
    }
  };

  return {
    headSeq: writer.headSeq,
    async emit(definition, data, origin) {
      if (isClosed) throw new Problem(ShuttingDown, "the journal is closed; the event was not written");
      const entry = prepare(definition, data, { origin, options });
      if (!definition.isDurable) {
        const live = new Recorded({ ...entry.head, seq: 0 }, data, null);
        options.publish(live);
        return live;
      }
      if (waiting >= pendingEventsMax) throw new Problem(StoreFailed, "too many events wait for the disk");
      waiting += 1;
      if (group === null) {
        group = { entries: [], done: deferred<void>() };
        clock.soon(flush);
      }
      const mine = group;
      mine.entries.push(entry);
      await mine.done.promise;
      if (entry.envelope !== null) return entry.envelope;
      throw entry.fault ?? new Problem(StoreFailed, "the event was not written");
    },
    read: (query) => store.events(query).map(fromStored),
    async close() {
      flush();
      isClosed = true;
    },
  };
}

function prepare(
  definition: EventDefinition,
  data: unknown,
  { origin, options }: { readonly origin: Origin; readonly options: JournalOptions },
): Pending {
  const checker = checkerOf(definition.data);
  assert(
    checker.check(data),
    `event ${definition.kind} does not fit its schema: ${JSON.stringify(checker.check(data) ? [] : checker.faults(data))}`,
  );
  const dataJson = definition.isDurable ? JSON.stringify(data) : "";
  if (dataJson.length > eventBytesMax) {
    throw new Problem(TooLarge, `event ${definition.kind} has ${dataJson.length} bytes of data`, {
      sizeBytesMax: eventBytesMax,
    });
  }
  const head = {
    id: options.newId(),
    timeMs: options.clock.nowMs(),
    kind: definition.kind,
    version: definition.version,
    corrId: origin.corrId,
    causeId: origin.causeId,
    node: options.node,
    caller: originName(origin),
  };
  return { head, data, dataJson, envelope: null, fault: null };
}

/** Writes one transaction: chain, fold, commit, publish. Either all of its events are there afterwards or none. */
function createWriter({ store, views, clock, publish, onDefect, onCommit }: JournalOptions) {
  let { seq: headSeq, hash: headHash } = store.head();

  const commit = (entries: readonly Pending[]): void => {
    const startedMs = clock.monotonicMs();
    const rows: StoredEvent[] = [];
    const envelopes: { entry: Pending; envelope: Envelope }[] = [];
    let seq = headSeq;
    let prevHash = headHash;
    for (const entry of entries) {
      const envelope = new Recorded({ ...entry.head, seq: seq + 1 }, entry.data, entry.dataJson);
      try {
        views.fold(envelope);
      } catch (error) {
        onDefect(error, entry.head.kind);
        entry.fault = new Problem(Internal, `a view could not take ${entry.head.kind}`, { cause: error });
        continue;
      }
      seq += 1;
      const row = storedRow(envelope, entry.dataJson, prevHash);
      prevHash = row.hash;
      rows.push(row);
      envelopes.push({ entry, envelope });
    }
    if (rows.length === 0) return;
    try {
      store.commit({ events: rows, rows: views.dirtyRows(), views: views.names });
    } catch (error) {
      views.discard();
      throw error;
    }
    headSeq = seq;
    headHash = prevHash;
    views.committed(seq, (error, view) => onDefect(error, `a watcher of ${view}`));
    onCommit({ events: rows.length, durationMs: clock.monotonicMs() - startedMs });
    for (const { entry, envelope } of envelopes) {
      entry.envelope = envelope;
      publish(envelope);
    }
  };
  return { commit, headSeq: () => headSeq };
}

function storedRow(envelope: Envelope, dataJson: string, prevHash: string): StoredEvent {
  const row = {
    seq: envelope.seq,
    format: rowFormat,
    id: envelope.id,
    timeMs: envelope.timeMs,
    kind: envelope.kind,
    version: envelope.version,
    corrId: envelope.corrId,
    causeId: envelope.causeId,
    node: envelope.node,
    caller: envelope.caller,
    dataHash: textHash(dataJson),
    prevHash,
  };
  return { ...row, data: dataJson, hash: chainHash(row) };
}

function storeProblem(error: unknown): Problem {
  if (error instanceof StoreFault && error.reason === "full") {
    return new Problem(StoreFull, "the event was not written: the disk is full", { cause: error });
  }
  return new Problem(StoreFailed, "the event was not written", { cause: error });
}
