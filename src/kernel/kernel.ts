/** The kernel as surfaces and `app` see it: the table, the corridor, the journal, the bus, the views and the queue. */
import type { Caller } from "../contract/caller.ts";
import type { Domain } from "../contract/domain.ts";
import type { Envelope, EventDefinition, Origin } from "../contract/event.ts";
import type { Bound, Operation } from "../contract/operation.ts";
import type { Problem, ProblemDefinition } from "../contract/problem.ts";
import type { View } from "../contract/view.ts";
import type { Credentials } from "./ports.ts";

/** Everything the hub can do, with the operations that the views derive. Built once, at start, from one explicit list. */
export interface Table {
  readonly domains: readonly Domain[];
  readonly operations: ReadonlyMap<string, Bound>;
  readonly events: ReadonlyMap<string, EventDefinition>;
  readonly views: ReadonlyMap<string, View>;
  readonly problems: ReadonlyMap<string, ProblemDefinition>;
  /** Digest of every id, schema and version: equal tables behave alike. */
  readonly hash: string;
}

export interface CallRequest {
  readonly operationId: string;
  readonly input: unknown;
  readonly credentials: Credentials;
  readonly signal?: AbortSignal;
  /** A checked id that the request brought; a fresh one otherwise. */
  readonly corrId?: string;
  readonly causeId?: string | null;
  /** The header's text. Answers `unchanged` when the operation's ETag is among these, or for `*` when there is an answer. */
  readonly ifNoneMatch?: string;
}

/** What a call comes to, when it comes to something. Everything else is a thrown `Problem`. */
export type Outcome =
  /** `editedInput` is what ran where a person changed the input before they allowed the call. */
  | { readonly kind: "answer"; readonly output: unknown; readonly etag?: string; readonly editedInput?: unknown }
  | { readonly kind: "unchanged"; readonly etag: string }
  | { readonly kind: "stream"; readonly items: AsyncIterable<unknown> }
  /** A job was queued: 202. */
  | { readonly kind: "accepted"; readonly taskId: string }
  /** The call waits for a person: 202, another shape. */
  | { readonly kind: "held"; readonly approvalId: string };

export interface Answered {
  readonly corrId: string;
  readonly outcome: Outcome;
}

export interface Dispatcher {
  /** Rejects with a `Problem` only. A surface that must name the correlation id of a failure passes `corrId` itself. */
  dispatch(request: CallRequest): Promise<Answered>;
}

/** Asked by surfaces before they read what a call brings. */
export interface Doorkeeper {
  /** False where the corridor refuses whoever calls as one whom it does not know. Counts nothing and tells nobody. */
  mayEnter(operationId: string, credentials: Credentials): boolean;
}

export interface GapMark {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly skipped: number;
}

export type Delivery = Envelope | GapMark;
export interface Subscription extends AsyncIterable<Delivery>, Disposable {
  readonly name: string;
  readonly pending: number;
  readonly skipped: number;
  readonly lastGap: GapMark | null;
  /** Takes what waits, at most `count`, without waiting. */
  take(count: number): readonly Delivery[];
  readonly isClosed: boolean;
  /** Calls once when something waits (again), or when it is closed. */
  onReady(run: () => void): void;
}

export interface SubscriberState {
  /** The sort of reader, a space, and which one it is. */
  readonly name: string;
  readonly pending: number;
  readonly skipped: number;
  /** The newest loss, whether or not the reader has come to it. */
  readonly lastGap: GapMark | null;
}

export interface BusCounters {
  readonly published: number;
  /** Handed over: to listeners at once, to readers when they take it. What waits or was lost is not among them. */
  readonly delivered: number;
  readonly lagged: number;
  readonly noReceivers: number;
  readonly receivers: number;
}

export interface Bus {
  /** Called synchronously for each matching event, in order. A thrown error is counted, never passed on. */
  listen(prefixes: readonly string[], run: (envelope: Envelope) => void): () => void;
  /** A bounded reader: the oldest goes when it is full, and one gap per loss says so. */
  subscribe(options: {
    readonly name: string;
    readonly prefixes: readonly string[];
    readonly corrId?: string;
    readonly capacity?: number;
  }): Subscription;
  counters(): BusCounters;
  /** The newest durable events kept in memory. */
  readonly ring: { readonly held: number; readonly capacity: number };
  readonly subscribers: readonly SubscriberState[];
  /** Events lost by readers of one sort since the start, by the first word of the readers' names. */
  losses(): ReadonlyMap<string, number>;
}

export interface Journal {
  /** Newest committed position. */
  headSeq(): number;
  /**
   * Resolves once `read` shows the event at this position. Views are a sync of the disk ahead: who answers with a row and
   * the events that made it waits for those. What the disk refused is never shown, and nobody waits for it.
   */
  reached(seq: number): Promise<void>;
  /** Appends, folds, commits, publishes; one promise per group commit. Throws problems `StoreFull`, `StoreFailed`. */
  emit<E extends EventDefinition>(definition: E, data: unknown, origin: Origin): Promise<Envelope>;
  /** Committed events; each carries its JSON text under `jsonText`. */
  read(query: {
    readonly afterSeq?: number;
    readonly toSeq?: number;
    readonly limit: number;
    readonly order?: "asc" | "desc";
    readonly corrId?: string;
    readonly kinds?: readonly string[];
  }): readonly Envelope[];
}

export interface ViewChange {
  readonly view: string;
  readonly seq: number;
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface Views {
  get<Row>(view: View<Row>, key: string): Row | undefined;
  list<Row>(
    view: View<Row>,
    options: { readonly afterKey?: string; readonly limit: number; where?(row: Row): boolean },
  ): { readonly rows: readonly { readonly key: string; readonly row: Row }[]; readonly nextKey: string | null };
  /** Position of the newest event. */
  headSeq(): number;
  /** Position of the last event that changed the view. */
  changedSeq(view: string): number;
  /** Called after each commit, synchronously. */
  onChange(view: string, run: (changes: readonly ViewChange[]) => void): () => void;
  /** First and newest position of what belongs to one episode; null where the journal has nothing of it. */
  spanOf(corrId: string): { readonly firstSeq: number; readonly lastSeq: number } | null;
  /** Folds the journal up to `seq` anew: the view as it was then. */
  at<Row>(view: View<Row>, seq: number): Promise<ReadonlyMap<string, Row>>;
}

export interface EnqueueRequest {
  readonly operation: Operation;
  readonly payload: unknown;
  readonly caller: Caller;
  readonly corrId: string;
  readonly priority?: number;
  readonly idemKey?: string;
  readonly delayMs?: number;
  readonly attemptsMax?: number;
  readonly approvalId?: string;
}

export interface Queue {
  readonly abilities: { readonly isDurable: boolean; readonly hasDelay: boolean; readonly hasPriority: boolean };
  enqueue(
    request: EnqueueRequest,
  ): Promise<{ readonly taskId: string; readonly corrId: string; readonly isNew: boolean }>;
  /** Cancels a waiting task, or aborts the one that runs. False when it is not there. */
  cancel(taskId: string, reason: string, caller: Caller): Promise<boolean>;
  depth(): { readonly queued: number; readonly running: number };
  /** Claims nothing any more and aborts what runs with this reason; resolves when all of it has ended. Also before the start. */
  halt(reason: Problem): Promise<void>;
  /** Claims again. */
  release(): void;
}

export interface Kernel extends Dispatcher, Doorkeeper, AsyncDisposable {
  readonly table: Table;
  readonly bus: Bus;
  readonly journal: Journal;
  readonly views: Views;
  readonly queue: Queue;
}

export interface ForeignRequest {
  readonly body: Readonly<Record<string, unknown>>;
  /** What stands for `*` at the end of the path. */
  readonly rest: string;
  /** A header line by its name in lower case. */
  header(name: string): string | undefined;
  /** Calls an operation as whoever sent the request. */
  call(operationId: string, input: Readonly<Record<string, unknown>>): Promise<Answered>;
}

export type ForeignAnswer =
  | { readonly kind: "json"; readonly body: unknown; readonly status?: number }
  /** Taken, and there is nothing to say: 202. */
  | { readonly kind: "taken" }
  /** Each item is the text of one frame. */
  | { readonly kind: "stream"; readonly frames: AsyncIterable<string> };

/**
 * A door for a protocol of others. Its requests are translated to operations and walk the corridor as whoever sent them; what
 * is answered and refused takes the form of the protocol. Whatever surface has addresses serves it.
 */
export interface ForeignRoute {
  readonly method: "GET" | "POST";
  /** May end in `/*`. */
  readonly path: string;
  /** The operation that its requests come to: who may not call it is refused by it, before their request is read. */
  readonly asks?: string;
  /** Refusals at this address and everywhere below it take the form of the protocol, such as of an address that is not there. */
  readonly below?: string;
  serve(request: ForeignRequest): Promise<ForeignAnswer>;
  /** A refusal as the protocol writes it. */
  failure(error: Problem, corrId: string): { readonly status: number; readonly body: unknown };
  /** A stream that fails after it began ends with this frame. */
  lastFrame(error: Problem, corrId: string): string;
}
