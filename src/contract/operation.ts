/** Operations: everything ARW can do. HTTP, CLI, MCP, gate keys, specs, client and docs are derived from these rows. */
import type { Caller, Label, Scope } from "./caller.ts";
import type { EnvelopeOf, EventDefinition } from "./event.ts";
import type { Problem, ProblemDefinition } from "./problem.ts";
import type { Static, TObject, TSchema } from "./schema.ts";

export type Effect = "read" | "write" | "destroy";
/** `one` answers once, `many` streams, `job` answers 202 and is run by the queue worker. */
export type Mode = "one" | "many" | "job";
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What a model reads and writes. What it reads from a cache is part of `input`. */
export interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number;
}

/**
 * What a call uses up, as far as it can be told. Tokens of the model in the call's scope become money by the price lists;
 * `microUsd` is for calls that know their price without one: 0 for a model of this machine, millionths, or `unknown`.
 */
export interface Cost {
  readonly tokens?: Tokens;
  readonly microUsd?: number | "unknown";
  readonly bytesOut?: number;
  readonly bytesWritten?: number;
}

export interface Operation<I extends TObject = TObject, O extends TSchema = TSchema> {
  /** `domain.verb`, dotted; the gate key is the same with `:`. */
  readonly id: string;
  readonly http: `${Method} /${string}`;
  /** CLI words and positionals, e.g. `brief <folder>`; without it the id's words with one option per field. */
  readonly cli?: string;
  readonly mode: Mode;
  readonly effect: Effect;
  readonly isIdempotent: boolean;
  /** Offered to agents and over MCP. */
  readonly isTool: boolean;
  /** May be enqueued from outside by its id. */
  readonly isTask: boolean;
  /** Public operations need no sign-in; everything else does. */
  readonly isPublic: boolean;
  /** Moves work along and decides nothing, however often it is called: the audit log leaves it out. */
  readonly isRoutine?: boolean;
  /** Decides about rights: only a person may call it, and nobody is asked whether somebody else may. */
  readonly isForPersons?: boolean;
  /** Starts no work and opens nothing new: a person may call it while the hub is halted. Reads need no mark. */
  readonly isOpenWhenHalted?: boolean;
  /**
   * Stops, narrows, takes back, ends rules, or shows what there is to take back. Rules that a person undoes by calls alone never
   * close it to a person, nor do other calls of theirs count against it.
   */
  readonly isWayOut?: boolean;
  /** A person's question about the rules reads it also where the rules would close it to them. A read that answers once. */
  readonly isReadPastRules?: boolean;
  /** Takes or gives a secret: not even a digest of its input is kept, and it is never held for a person's answer. */
  readonly isSecret?: boolean;
  /** `preview` may still change its shape or go away; everything else is stable. */
  readonly stability?: "stable" | "preview";
  /** One sentence that a stranger understands. */
  readonly about: string;
  readonly input: I;
  /** What `one` and `job` answer with, or each item of `many`. */
  readonly output: O;
  readonly problems: readonly ProblemDefinition[];
  readonly emits: readonly EventDefinition[];
  /** The permission manifest: what the operation needs from the world, e.g. `fs:read`. */
  readonly needs: readonly string[];
  /** What the input reaches outside the hub. Pure. */
  readonly scope?: (input: Static<I>) => Scope;
  /** The most that a call with this input can use up. Pure. Budgets take it before the call runs. */
  cost?(input: Static<I>): Cost;
  /** What the call did use up; null, or without it, all of `cost`. Of a stream each item is asked, and the last answer counts. Pure. */
  spent?(output: Static<O>, input: Static<I>): Cost | null;
  /** What a call used that ended with this problem; null, or without it, all of `cost`. Pure. */
  spentInVain?(problem: Problem, input: Static<I>): Cost | null;
  /**
   * Whose words this answer holds, where that does not follow from `needs`; `user` and none add nothing to what the caller had.
   * Null stands for a failure. Pure.
   */
  labelsOf?(output: Static<O> | null): readonly Label[];
  /** Content type of a `one` answer that is text rather than JSON, e.g. Prometheus metrics. */
  readonly media?: string;
  /** A job that may run longer or shorter than the default, milliseconds. */
  readonly deadlineMs?: number;
  /** How often the queue tries a job; 1 means that an interrupted one waits for a person. */
  readonly attemptsMax?: number;
  /** An attempt that the end of the hub cut off is made again, also the last one: the operation knows how far it came. */
  readonly canRecover?: boolean;
}

type Defaults = "mode" | "isTool" | "isTask" | "isPublic" | "problems" | "emits" | "needs" | "isIdempotent";
type OperationOptions<I extends TObject, O extends TSchema> = Omit<Operation<I, O>, Defaults> &
  Partial<Pick<Operation<I, O>, Defaults>>;

/** Reads are idempotent by nature; everything else says so itself. */
export const op = <I extends TObject, O extends TSchema>(options: OperationOptions<I, O>): Operation<I, O> =>
  Object.freeze({
    mode: "one" as const,
    isIdempotent: options.effect === "read",
    isTool: false,
    isTask: false,
    isPublic: false,
    problems: [],
    emits: [],
    needs: [],
    ...options,
  });

export const gateKey = (operation: Pick<Operation, "id">): string => operation.id.replaceAll(".", ":");

/** How long an operation that answers once may take. Jobs have the lease of their task instead. */
const deadlineMsDefault = 60_000;

/** Streams last as long as somebody reads, and a job has the lease of its task unless it says otherwise. */
export const deadlineMsOf = ({ mode, deadlineMs }: Pick<Operation, "mode" | "deadlineMs">): number | null =>
  mode === "many" ? null : (deadlineMs ?? (mode === "job" ? null : deadlineMsDefault));

/** What every handler receives: the only way out of a domain. */
export interface Context {
  /** Caller left, deadline passed, episode stopped, or the hub stops. */
  readonly signal: AbortSignal;
  readonly caller: Caller;
  readonly corrId: string;
  /** Epoch milliseconds from the injected clock. */
  now(): number;
  /** Uniform in [0, 1) from the injected source. */
  random(): number;
  /** A fresh UUIDv7. */
  id(): string;
  /** Resolves when the event is committed and every view agrees; live events resolve at once. */
  emit<E extends EventDefinition>(definition: E, data: Static<E["data"]>): Promise<EnvelopeOf<E>>;
  /** Calls another operation through the corridor, as the same caller unless told otherwise. Jobs and streams included. */
  call<I extends TObject, O extends TSchema>(operation: Operation<I, O>, input: Static<I>): Promise<Static<O>>;
  /** As `call`, and says with which input it was made: a person who was asked about it may have changed it. */
  carryOut<I extends TObject, O extends TSchema>(
    operation: Operation<I, O>,
    input: Static<I>,
  ): Promise<{ readonly output: Static<O>; readonly input: Static<I> }>;
}

/** What a person is shown when a call is held: enough to decide without opening anything else. */
export interface Preview {
  /** One line: what would be done to what. */
  readonly summary: string;
  /** Unified diff where the call changes text. */
  readonly diff?: string;
  readonly canUndo: boolean;
}

export interface Bound {
  readonly operation: Operation;
  readonly run: (input: never, ctx: Context) => unknown;
  readonly preview?: (input: never, ctx: Context) => Promise<Preview>;
  /** Refuses a job before it is queued, so that its caller is told at once. */
  readonly admit?: (input: never, ctx: Context) => Promise<void>;
  /** Strong ETag of what `run` would answer, cheap to compute; enables `If-None-Match`. */
  readonly etag?: (input: never) => string;
}

/** Ties a handler to its operation with full types; `many` handlers return an async iterable of outputs. */
export const bind = <I extends TObject, O extends TSchema>(
  operation: Operation<I, O>,
  run: (input: Static<I>, ctx: Context) => Promise<Static<O>> | Static<O> | AsyncIterable<Static<O>>,
  options: {
    readonly preview?: (input: Static<I>, ctx: Context) => Promise<Preview>;
    readonly admit?: (input: Static<I>, ctx: Context) => Promise<void>;
    readonly etag?: (input: Static<I>) => string;
  } = {},
): Bound => ({ operation: operation, run, ...options });
