/**
 * What the kernel needs from outside. Each port is small, its contract stands in the comments, and `test/contract/` holds one
 * suite per port that every adapter runs.
 */
import type { Caller, Scope } from "../contract/caller.ts";
import type { Envelope } from "../contract/event.ts";
import type { Cost, Operation, Preview } from "../contract/operation.ts";
import type { Problem } from "../contract/problem.ts";

/** Time. `nowMs` is wall clock (may jump), `monotonicMs` never goes back. */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
  /** Calls once after `delayMs`; the returned function cancels. A pending timer does not keep the process alive. */
  after(delayMs: number, run: () => void): () => void;
  /** Runs after the I/O that is ready now: the boundary of one group commit. */
  soon(run: () => void): void;
}

export interface Chance {
  randomBytes(count: number): Uint8Array;
  /** Uniform in [0, 1). */
  random(): number;
}

/** A journal row as it is stored. Columns, so that a tombstone can drop `data` and the chain still verifies. */
export interface StoredEvent {
  readonly seq: number;
  readonly format: number;
  readonly id: string;
  readonly timeMs: number;
  readonly kind: string;
  readonly version: number;
  readonly corrId: string;
  readonly causeId: string | null;
  readonly node: string;
  readonly caller: string;
  /** JSON text; `null` after its retention ended. */
  readonly data: string | null;
  /** Hex SHA-256 of the JSON text. */
  readonly dataHash: string;
  /** Hash of the row before; 64 zeros for the first. */
  readonly prevHash: string;
  /** Hex SHA-256 over every column above. */
  readonly hash: string;
}

/** `json: null` deletes the row. */
export interface RowWrite {
  readonly view: string;
  readonly key: string;
  readonly json: string | null;
}

export interface EventQuery {
  readonly afterSeq?: number;
  /** Inclusive. */
  readonly toSeq?: number;
  readonly limit: number;
  /** `desc` reads from the end. */
  readonly order?: "asc" | "desc";
  readonly corrId?: string;
  /** Exact kinds. */
  readonly kinds?: readonly string[];
  /** With `envelope` the hashes may be left empty: they are a third of a row, and who folds or shows events needs none. */
  readonly parts?: "all" | "envelope";
}

export interface RowQuery {
  readonly view: string;
  /** Exclusive start, in the direction of `order`. */
  readonly afterKey?: string;
  readonly limit: number;
  readonly order: "asc" | "desc";
}

export interface ViewState {
  readonly version: number;
  /** Every event up to here is folded into the stored rows. */
  readonly seq: number;
}

/**
 * The one durable store of a hub: journal and view rows. Synchronous by decision (docs/decisions): one writer, group commit.
 * - `commit` is atomic and durable when it returns; events arrive with ascending, gap-free `seq`. With `sync: "later"` every
 *   reader sees it and it outlives the process, but a loss of power may take it back, with all that came behind it, until
 *   a `sync` that began after it has ended.
 * - A failed commit throws `StoreFault` and leaves the store as it was.
 * - `sync` calls back once, perhaps at once. After a fault nobody knows what is on the disk, so nothing more is committed.
 * - `rebuild` replaces a view's rows and its state in one transaction.
 * - `together` makes one transaction of all that is written inside.
 * - `drop` empties the data of events and writes rows, in one transaction. Nothing else of an event ever changes.
 * - `reclaim` gives at most `pages` freed pages back to the disk, and answers how many; 0 when there are none.
 */
export interface Store extends Disposable {
  readonly abilities: { readonly isDurable: boolean };
  head(): { readonly seq: number; readonly hash: string };
  commit(batch: {
    readonly events: readonly StoredEvent[];
    readonly rows: readonly RowWrite[];
    readonly views: readonly string[];
    readonly sync?: "now" | "later";
    /** Up to where the views are folded; the last of the events when it is not said. */
    readonly foldedSeq?: number;
  }): void;
  sync(done: (fault: StoreFault | null) => void): void;
  events(query: EventQuery): StoredEvent[];
  row(view: string, key: string): string | undefined;
  rows(query: RowQuery): { readonly key: string; readonly json: string }[];
  viewStates(): ReadonlyMap<string, ViewState>;
  rebuild(view: string, state: ViewState, rows: Iterable<{ readonly key: string; readonly json: string }>): void;
  together(write: () => void): void;
  drop(batch: { readonly seqs: readonly number[]; readonly rows: readonly RowWrite[] }): void;
  reclaim(pages: number): number;
}

/** `newer`: written by a newer program; `locked`: encrypted, and not opened. Both are left untouched. */
export type StoreFaultReason = "full" | "corrupt" | "failed" | "newer" | "locked";

export class StoreFault extends Error {
  readonly reason: StoreFaultReason;
  constructor(reason: StoreFaultReason, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = "StoreFault";
    this.reason = reason;
  }
}

/** Content-addressed bytes. `get` answers null for what is absent or no longer matches its digest. */
export interface BlobStore {
  put(bytes: Uint8Array): Promise<string>;
  get(ref: string): Promise<Uint8Array | null>;
  has(ref: string): Promise<boolean>;
  remove(ref: string): Promise<void>;
  list(): AsyncIterable<{ readonly ref: string; readonly sizeBytes: number; readonly modifiedMs: number }>;
}

/** How a request proves who it is. `caller` is for calls that are already inside: workers, timers, calls between domains. */
export type Credentials =
  | { readonly kind: "none"; readonly address: string }
  | { readonly kind: "token"; readonly token: string; readonly address: string }
  | { readonly kind: "cookie"; readonly cookie: string; readonly address: string }
  | { readonly kind: "caller"; readonly caller: Caller };

export interface Identity {
  /**
   * Throws the `Unauthenticated` or `TooManyRequests` problem; null when the caller stays anonymous. What is wanted decides
   * which limit the call counts towards.
   */
  identify(credentials: Credentials, wanted: Operation): Caller | null;
  /**
   * False where `identify` finds nobody or throws for that. Counts nothing: it is asked before anything of the call is read.
   * Without it everybody counts as known until they are identified.
   */
  isKnown?(credentials: Credentials): boolean;
  /** Aborts when the proof that this caller came by is worth nothing any more: revoked, replaced, expired, signed out. */
  ending?(caller: Caller): AbortSignal | undefined;
}

/** The emergency stop. */
export interface Brake {
  /** Throws the `Halted` problem for what may not go on. Asked for every call: one look at a field while the hub works. */
  check(caller: Caller, operation: Operation): void;
  /** Aborts when the brake is pulled; another one once it is released. */
  readonly signal: AbortSignal;
}

export interface Denial {
  /** Id or pattern of the rule that decided. */
  readonly rule: string;
  /** Where the rule was written: `config:gate.deny`, `env:ARW_GATING_DENY`. */
  readonly source: string;
  readonly reason: string;
  /** Which of the keys it was, where several were asked about. */
  readonly key?: string;
  /** The nearest change that would let the call pass, for whoever may make it. */
  readonly next?: string;
  /** Set where a quota is used up: the same call passes after so many milliseconds. */
  readonly retryAfterMs?: number;
}

/** Deny rules over keys. Never looks at input. O(length of the key). */
export interface Gate {
  /** Changes nothing and counts nothing, however often it is asked. */
  check(key: string, caller: Caller | null): Denial | null;
  /**
   * Counts a call that passed every other stage under the quotas of all its keys, or says what is used up. Resolves when the
   * count is durable, and rejects when it could not be written; without a quota it answers at once.
   */
  admit(keys: readonly string[], caller: Caller | null): Denial | null | Promise<Denial | null>;
}

export interface HeldCall {
  readonly operation: string;
  readonly key: string;
  readonly input: unknown;
  readonly argsDigest: string;
  readonly scope: Scope;
  readonly caller: Caller;
  readonly corrId: string;
  readonly preview: Preview;
}

/**
 * `input` is what runs in place of what was asked for, where the person changed it; `leaseId` the lease that the same answer
 * gave, with which the call ends.
 */
export type Decision =
  | { readonly kind: "granted"; readonly input?: unknown; readonly leaseId?: string }
  | { readonly kind: "denied"; readonly reason: string };

/** What the policies say of one call. */
export interface Ruling {
  readonly effect: "allow" | "ask" | "deny";
  /** The policy that decided. */
  readonly rule: string;
  /** Where it stands. */
  readonly source: string;
  readonly reason: string;
  /** False where a question has to be asked each time, and no lease answers it. */
  readonly isLeasable?: boolean;
  /** The nearest change that would let the call pass, for whoever may make it. */
  readonly next?: string;
  /** The lease that lets the call pass. */
  readonly leaseId?: string;
  /** What holds where that lease has no room for the call; set with `leaseId`, and then an ask or a deny. */
  readonly otherwise?: Ruling;
}

/** What the policies are asked about a call. */
export type PolicyCall = Pick<HeldCall, "operation" | "key" | "caller" | "scope"> &
  Partial<Pick<HeldCall, "corrId">> &
  Pick<Operation, "effect" | "needs" | "isForPersons"> & {
    /** No call of its own: a hop or a connection on the way of one. */
    readonly isStep?: boolean;
  };

/** Decides by the user's policies. Runs for every call, so what is known is answered at once; pure, and never rejects. */
export interface Policy {
  rule(call: PolicyCall): Ruling | Promise<Ruling>;
}

/** Permissions that end by themselves. */
export interface Leases {
  /** Takes one use, and the most that the call can use up; null when no lease covers the call and has that much left. */
  enter(call: PolicyCall & { readonly cost: Amounts }): LeaseHold | null;
}

/** A call's part of a lease, taken in memory. */
export interface LeaseHold {
  readonly leaseId: string;
  readonly grantedBy: string;
  /** Aborts with the problem to answer with when the lease ends. */
  readonly signal: AbortSignal;
  /** Resolves once what was taken is durable. */
  use(): void | Promise<void>;
  /** Gives back what was not used. */
  settle(spent: Amounts): void | Promise<void>;
  /** The call is over. Gives all of it back, unless it was written down. */
  leave(): void;
}

/** What a call is about to use up. */
export type BudgetCall = Pick<HeldCall, "key" | "caller" | "scope" | "corrId"> & {
  readonly cost: Cost;
  /** The longest that it may take; null without an end. */
  readonly durationMsMax: number | null;
  /**
   * No call of its own, as the call that it belongs to was counted: a connection on its way, which counts as a call of the host
   * alone, or more bytes on that connection.
   */
  readonly part?: "connection" | "bytes";
};

export interface Reservation {
  /** Gives back what was not used; `null` when nobody can say, which leaves all of it taken. */
  settle(spent: Cost | null, durationMs: number): Promise<void>;
}

/** A cost in the units that ceilings count. */
export interface Amounts {
  readonly tokens: number;
  /** Millionths. */
  readonly microUsd: number | "unknown";
  readonly bytesOut: number;
  readonly bytesWritten: number;
}

/**
 * Ceilings. `reserve` takes the most that the call can use from every allowance that speaks of it, or from none, and resolves
 * once that is durable; null when none does. Throws `BudgetExceeded`. `ask` takes nothing: it says which soft limit the call
 * would pass that wants a person to be asked, or null. `bytesOutLeft` is how much may be sent before one of them says no or
 * asks; null when none counts it. `amounts` turns tokens of the model in the scope into money by the price
 * of this moment; `unknown` where there is none.
 */
export interface Budget {
  reserve(call: BudgetCall): null | Promise<Reservation>;
  ask(call: BudgetCall): Ruling | null;
  bytesOutLeft(call: Pick<BudgetCall, "key" | "caller" | "scope" | "corrId">): number | null;
  amounts(cost: Cost, scope: Scope): Amounts;
}

/** Asks a person. `request` resolves once the question is durable. */
export interface Approvals {
  request(
    call: HeldCall & { readonly ruling: Ruling; readonly isResumable: boolean },
  ): Promise<{ readonly approvalId: string }>;
  /** Rejects with `signal.reason` when the caller leaves; the question is then withdrawn. */
  decision(approvalId: string, signal: AbortSignal): Promise<Decision>;
  /** Whether calling it is answering a question, which is never a question itself. */
  isAnswer?(operation: string): boolean;
  /** True when a person granted exactly this call, as it was asked or as they changed it. */
  isGranted(approvalId: string, call: Pick<HeldCall, "operation" | "argsDigest">): boolean;
}

/**
 * Keeps the list of what left the hub and of what was refused. `turnedBack` writes before it gives up its turn, and resolves
 * once that is durable, or when a rule keeps it from being written.
 */
export interface Exits {
  /** A call to another machine that a rule, a person, a ceiling or the emergency stop refused before it began. */
  turnedBack(
    call: Pick<HeldCall, "key" | "caller" | "corrId"> & {
      /** `example.org:443`. */
      readonly host: string;
      readonly rule: string;
      readonly source: string;
      readonly reason: string;
    },
  ): Promise<void>;
}

/**
 * Records what programs outside of the hub ask it to do. `sees` is asked about every call that comes from outside and fits its
 * schema, before anybody decides about it; null where it is no episode of its own. What it has to say of a call may wait for others:
 * `precede` is called before anything else durable is written, with its episode, so that what happened before stands before it,
 * and `settle` resolves once nothing waits any more. All must be quick and never throw.
 */
export interface Witness {
  sees(call: {
    readonly operation: Operation;
    readonly input: unknown;
    readonly caller: Caller;
    readonly corrId: string;
    readonly scope: Scope;
  }): Sighting | null;
  precede(corrId: string): void;
  settle(): Promise<void>;
}

/** One such call. One of these is called, once. */
export interface Sighting {
  /** As its caller saw it. */
  answered(output: unknown): void;
  /** All items of a stream, or those that were read before its caller left. */
  streamed(items: readonly unknown[]): void;
  failed(problem: Problem): void;
  /** A person is asked, or the queue makes it: its caller got no answer. */
  put(words: string): void;
}

/** Cuts secrets out of what agents see and what is recorded. */
export interface Redactor {
  text(text: string): string;
  value<T>(value: T): T;
}

/** Knows the secrets that a person handed over, and keeps them out of what is written down or told. */
export interface Vault {
  text(text: string): string;
  /** The same reference when it holds none. */
  clean<T>(value: T): T;
}

/** Structured log lines; secrets are redacted behind it. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** One finished walk through the corridor, for metrics, log and feedback. */
export interface Sample {
  readonly operation: string;
  readonly caller: string;
  readonly corrId: string;
  readonly durationMs: number;
  /** `ok`, or the problem's code. */
  readonly code: string;
  readonly status: number;
  /** What an audit keeps of a call that changes something; absent for reads and routine calls, which pay nothing for it. */
  readonly change?: ChangeSample;
}

export interface ChangeSample {
  readonly key: string;
  readonly effect: "write" | "destroy";
  readonly isPublic: boolean;
  readonly isSecret: boolean;
  readonly scope: Scope;
  /** Digest of the arguments, computed by whoever needs it: text of a megabyte takes milliseconds. */
  argsDigest(): string;
  /** A call may be answered, put into the queue, or held for a person. */
  readonly outcome: "answered" | "queued" | "held" | "refused";
  /** The problem's words, or what permitted the call. */
  readonly detail: string | null;
  /** The question that let this call pass. */
  readonly approvalId: string | null;
}

/** Is told of every call and every commit; must be quick and never throw. */
export interface Telemetry {
  onSample(sample: Sample): void;
  onCommit(sample: { readonly events: number; readonly durationMs: number }): void;
  /** Every event that is published, whoever else wants it: an observer is no receiver. */
  onEvent?(envelope: Envelope): void;
}

/** Counts one route. Must be quick and never throw. */
export interface RouteMeter {
  arrived(): void;
  /** `durationMs` is null for streams, which last as long as somebody reads, and for clients that left early. */
  answered(status: number, durationMs: number | null): void;
}

export interface RouteMeters {
  /** One meter per method and route template; asked for at start, never per request. */
  of(method: string, route: string): RouteMeter;
}
