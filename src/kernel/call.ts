/** One call on its way through the corridor, and what every stage may ask of it. */
import type { Caller, Scope } from "../contract/caller.ts";
import { type Bound, type Context, deadlineMsOf, gateKey, type Operation } from "../contract/operation.ts";
import type { ProblemDefinition } from "../contract/problem.ts";
import { type Checker, checkerOf } from "../contract/schema.ts";
import { standardProblems } from "../contract/standard-problems.ts";
import { type ContextDeps, createContext } from "./context.ts";
import type { Answered, CallRequest, Outcome, Queue, Table } from "./kernel.ts";
import type {
  Approvals,
  Brake,
  Budget,
  Clock,
  Exits,
  Gate,
  Identity,
  LeaseHold,
  Leases,
  Policy,
  Redactor,
  Reservation,
  Ruling,
  Sample,
  Sighting,
  Vault,
  Witness,
} from "./ports.ts";
import { type GuardedKeys, guardedKeys } from "./stage-gate.ts";

export interface DispatchOptions extends ContextDeps {
  readonly table: Table;
  readonly queue: () => Queue;
  readonly identity: Identity;
  readonly brake?: Brake;
  readonly gate: Gate;
  readonly policy: Policy;
  readonly approvals: Approvals;
  readonly budget: Budget;
  readonly exits?: Exits;
  readonly leases?: Leases;
  readonly witness?: Witness;
  readonly redactor: Redactor;
  readonly vault?: Vault;
  readonly clock: Clock;
  readonly onSample: (sample: Sample) => void;
  readonly onDefect: (error: unknown, where: { readonly operation: string; readonly corrId: string }) => void;
}

/** What only calls from inside may say. */
export interface InnerRequest extends CallRequest {
  /** Runs a job here and now instead of queueing it: the worker, and calls between domains. */
  readonly isInline?: boolean;
  /** A handler makes it on the way of a call that came through the door, and was held to its caller's reach there. */
  readonly isNested?: boolean;
  /** The queue's worker makes it. */
  readonly isTask?: boolean;
  readonly approvalId?: string;
}

/** What is known of an operation before its first call, so that a call computes none of it. */
export interface Prepared {
  readonly bound: Bound;
  readonly operation: Operation;
  readonly key: string;
  readonly guards: GuardedKeys;
  readonly input: Checker;
  readonly output: Checker;
  readonly codes: ReadonlySet<string>;
}

export function preparedOf(bound: Bound): Prepared {
  const { operation } = bound;
  const key = gateKey(operation);
  return {
    bound,
    operation,
    key,
    guards: guardedKeys(operation),
    input: checkerOf(operation.input),
    output: checkerOf(operation.output),
    codes: new Set([...standardProblems, ...operation.problems].map((each: ProblemDefinition) => each.code)),
  };
}

/**
 * A class, though nothing is hidden: V8 takes an object literal that is made on every call for something that lives long,
 * and puts it, and all that it names, into old memory. What a constructor makes stays young.
 */
export class Call {
  readonly request: InnerRequest;
  readonly prepared: Prepared;
  readonly corrId: string;
  readonly startedMs: number;
  /** The caller left, or its right to be here ended. */
  abort: AbortSignal | undefined;
  /** Aborted when the deadline passes; made when somebody asks for the signal, which most handlers never do. */
  late: AbortController | null = null;
  caller: Caller | null = null;
  input: unknown;
  scope: Scope = noScope;
  /** What the policies said; null before they were asked. */
  ruling: Ruling | null = null;
  /** Its part of the lease that lets it pass. */
  lease: LeaseHold | null = null;
  /** What was taken from allowances for this call. */
  reservation: Reservation | null = null;
  context: Context | null = null;
  /** Of the state before the handler ran: an answer may be newer than its tag, never older. */
  etag: string | undefined = undefined;
  output: unknown = undefined;
  /** The handler was called, or the queue. */
  hasBegun = false;
  /** Set early by a stage that ends the walk. */
  outcome: Outcome | null = null;
  /** The question whose answer let this call pass. */
  approvalId: string | null = null;
  /** What a person made of the input before they allowed it. */
  editedInput: unknown = undefined;
  /** Somebody records it, as it came from outside. */
  sighting: Sighting | null = null;

  constructor(request: InnerRequest, prepared: Prepared, { newId, clock }: Pick<DispatchOptions, "newId" | "clock">) {
    this.request = request;
    this.prepared = prepared;
    this.corrId = request.corrId ?? newId();
    this.startedMs = clock.monotonicMs();
    this.abort = request.signal;
    this.input = request.input;
  }
}

/** Replaced as a whole, and never written to. */
const noScope: Scope = Object.freeze({});

export type StageName =
  | "identify"
  | "gate"
  | "decode"
  | "policy"
  | "lease"
  | "approve"
  | "budget"
  | "admit"
  | "run"
  | "egress"
  | "encode";
export type Stage = { readonly name: StageName; readonly run: (call: Call) => void | Promise<void> };

/** The corridor itself, for calls that a call makes. */
export type Dispatch = (request: InnerRequest) => Promise<Answered>;

export const nobody: Caller = { kind: "person", id: "anonymous" };

export function contextOf(call: Call, options: DispatchOptions, dispatch: Dispatch): Context {
  call.context ??= createContext(options, {
    caller: call.caller ?? nobody,
    corrId: call.corrId,
    causeId: call.request.causeId ?? null,
    signal: () => signalOf(call),
    dispatch,
  });
  return call.context;
}

/** The caller's leaving and the deadline in one signal. */
function signalOf(call: Call): AbortSignal | undefined {
  if (deadlineMsOf(call.prepared.operation) === null) return call.abort;
  call.late ??= new AbortController();
  return call.abort === undefined ? call.late.signal : AbortSignal.any([call.abort, call.late.signal]);
}
