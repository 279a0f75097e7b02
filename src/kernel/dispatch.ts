/**
 * The corridor: every call, from whatever surface, timer, worker or agent, walks the same named stages in the same order.
 * `record` always runs. A stage that is done at once costs no promise.
 */
import { digestOf } from "../base/canonical-json.ts";
import type { Caller, Scope } from "../contract/caller.ts";
import { type Bound, type Context, gateKey, type Operation, type Preview } from "../contract/operation.ts";
import { Problem, type ProblemDefinition } from "../contract/problem.ts";
import { type Checker, checkerOf, cleanValue } from "../contract/schema.ts";
import {
  ApprovalDenied,
  Cancelled,
  DeadlineExceeded,
  Denied,
  Internal,
  InvalidInput,
  NotFound,
  standardProblems,
  Unauthenticated,
} from "../contract/standard-problems.ts";
import { type ContextDeps, createContext } from "./context.ts";
import type { Answered, CallRequest, Outcome, Queue, Table } from "./kernel.ts";
import type { Approvals, ChangeSample, Clock, Gate, Identity, Redactor, Sample } from "./ports.ts";
import { checkedItems } from "./stream-items.ts";

/** How long an operation that answers once may take. Jobs have the lease of their task instead. */
const deadlineMsDefault = 60_000;

export interface DispatchOptions extends ContextDeps {
  readonly table: Table;
  readonly queue: () => Queue;
  readonly identity: Identity;
  readonly gate: Gate;
  readonly approvals: Approvals;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly onSample: (sample: Sample) => void;
  readonly onDefect: (error: unknown, where: { readonly operation: string; readonly corrId: string }) => void;
}

/** What only calls from inside may say. */
export interface InnerRequest extends CallRequest {
  /** Runs a job here and now instead of queueing it: the worker, and calls between domains. */
  readonly isInline?: boolean;
  readonly approvalId?: string;
}

/** What is known of an operation before its first call, so that a call computes none of it. */
interface Prepared {
  readonly bound: Bound;
  readonly operation: Operation;
  readonly key: string;
  readonly egressKey: string;
  readonly input: Checker;
  readonly output: Checker;
  readonly codes: ReadonlySet<string>;
}

interface Call {
  readonly request: InnerRequest;
  readonly prepared: Prepared;
  readonly corrId: string;
  readonly startedMs: number;
  readonly abort: AbortSignal | undefined;
  /** Aborted when the deadline passes; made when somebody asks for the signal, which most handlers never do. */
  late: AbortController | null;
  caller: Caller | null;
  input: unknown;
  scope: Scope;
  context: Context | null;
  /** Of the state before the handler ran: an answer may be newer than its tag, never older. */
  etag: string | undefined;
  output: unknown;
  /** Set early by a stage that ends the walk. */
  outcome: Outcome | null;
  /** The question whose answer let this call pass. */
  approvalId: string | null;
}

export type StageName = "identify" | "gate" | "decode" | "approve" | "run" | "egress" | "encode";
type Stage = { readonly name: StageName; readonly run: (call: Call) => void | Promise<void> };

export interface OwnedDispatcher {
  dispatch(request: InnerRequest): Promise<Answered>;
  /** The stages in their order, `record` last; a golden test holds it. */
  readonly stages: readonly string[];
}

export function createDispatcher(options: DispatchOptions): OwnedDispatcher {
  const known = new Map<string, Prepared>();
  const prepare = (id: string): Prepared => {
    const found = known.get(id);
    if (found) return found;
    const bound = options.table.operations.get(id);
    if (!bound) throw new Problem(NotFound, `there is no operation ${id}`);
    const prepared = preparedOf(bound);
    known.set(id, prepared);
    return prepared;
  };
  const stages = createStages(options, (request) => dispatch(request));

  const dispatch = async (request: InnerRequest): Promise<Answered> => {
    const corrId = request.corrId ?? options.newId();
    const call: Call = {
      request,
      prepared: prepare(request.operationId),
      corrId,
      startedMs: options.clock.monotonicMs(),
      abort: request.signal,
      late: null,
      caller: null,
      input: request.input,
      scope: {},
      context: null,
      etag: undefined,
      output: undefined,
      outcome: null,
      approvalId: null,
    };
    try {
      for (const stage of stages) {
        const pending = stage.run(call);
        if (pending !== undefined) await pending;
        if (call.outcome !== null) break;
      }
      record(call, options, null);
      return { corrId, outcome: call.outcome ?? answerOf(call) };
    } catch (error) {
      const problem = asProblem(error, call, options);
      record(call, options, problem);
      throw problem;
    }
  };
  return { dispatch, stages: [...stages.map((stage) => stage.name), "record"] };
}

function preparedOf(bound: Bound): Prepared {
  const { operation } = bound;
  const key = gateKey(operation);
  return {
    bound,
    operation,
    key,
    egressKey: `io:egress:${key}`,
    input: checkerOf(operation.input),
    output: checkerOf(operation.output),
    codes: new Set([...standardProblems, ...operation.problems].map((each: ProblemDefinition) => each.code)),
  };
}

function createStages(
  options: DispatchOptions,
  dispatch: (request: InnerRequest) => Promise<Answered>,
): readonly Stage[] {
  return [
    { name: "identify", run: (call) => identify(call, options) },
    { name: "gate", run: (call) => gate(call, call.prepared.key, options.gate) },
    { name: "decode", run: decode },
    { name: "approve", run: (call) => approve(call, options, dispatch) },
    { name: "run", run: (call) => run(call, options, dispatch) },
    { name: "egress", run: (call) => egress(call, options) },
    { name: "encode", run: (call) => encode(call, options) },
  ];
}

function identify(call: Call, { identity }: DispatchOptions): void {
  const { credentials } = call.request;
  call.caller = credentials.kind === "caller" ? credentials.caller : identity.identify(credentials);
  if (call.caller === null && !call.prepared.operation.isPublic) {
    throw new Problem(Unauthenticated, `${call.prepared.operation.id} needs a sign-in or a token`);
  }
}

function gate(call: Call, key: string, port: Gate): void {
  const denial = port.check(key, call.caller);
  if (denial === null) return;
  throw new Problem(Denied, `${key} is denied: ${denial.reason}`, { key, rule: denial.rule, source: denial.source });
}

function decode(call: Call): void {
  const { input, operation } = call.prepared;
  if (!input.check(call.input)) {
    const faults = input.faults(call.input);
    const first = faults[0];
    const where = first === undefined ? "" : `: ${first.at === "" ? "the input" : first.at} ${first.message}`;
    throw new Problem(InvalidInput, `${operation.id}${where}`, { faults });
  }
  if (operation.scope !== undefined) call.scope = operation.scope(call.input as never);
}

const nobody: Caller = { kind: "person", id: "anonymous" };

function contextOf(
  call: Call,
  options: DispatchOptions,
  dispatch: (request: InnerRequest) => Promise<Answered>,
): Context {
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

/** Streams last as long as somebody reads, and a job has the lease of its task unless it says otherwise. */
const deadlineMsOf = ({ mode, deadlineMs }: Operation): number | null =>
  mode === "many" ? null : (deadlineMs ?? (mode === "job" ? null : deadlineMsDefault));

function approve(
  call: Call,
  options: DispatchOptions,
  dispatch: (request: InnerRequest) => Promise<Answered>,
): void | Promise<void> {
  const { key, operation } = call.prepared;
  const caller = call.caller ?? nobody;
  const ruling = options.approvals.ruling({ key, caller, scope: call.scope, effect: operation.effect });
  if (ruling === null) return undefined;
  if (ruling.effect === "deny")
    throw new Problem(Denied, ruling.reason, { key, rule: ruling.rule, source: "built-in" });
  const argsDigest = digestOf(call.input);
  const { approvalId } = call.request;
  if (approvalId !== undefined && options.approvals.isGranted(approvalId, { operation: operation.id, argsDigest })) {
    call.approvalId = approvalId;
    return undefined;
  }
  return hold(call, {
    rule: ruling.rule,
    argsDigest,
    caller,
    context: contextOf(call, options, dispatch),
    approvals: options.approvals,
  });
}

interface Holding {
  readonly rule: string;
  readonly argsDigest: string;
  readonly caller: Caller;
  readonly context: Context;
  readonly approvals: Approvals;
}

/** An agent waits in its call, and so does whatever runs inside; anybody else gets the question's id and comes back. */
async function hold(call: Call, { rule, argsDigest, caller, context, approvals }: Holding): Promise<void> {
  const { bound, operation, key } = call.prepared;
  const preview: Preview = bound.preview
    ? await bound.preview(call.input as never, context)
    : { summary: `${operation.id}: ${operation.about}`, canUndo: false };
  const waitsInside = caller.kind === "agent" || call.request.isInline === true;
  const { approvalId } = await approvals.request({
    operation: operation.id,
    key,
    input: call.input,
    argsDigest,
    scope: call.scope,
    caller,
    corrId: call.corrId,
    preview,
    rule,
    isResumable: !waitsInside,
  });
  if (!waitsInside) {
    call.outcome = { kind: "held", approvalId };
    return;
  }
  const decision = await approvals.decision(approvalId, context.signal);
  call.approvalId = approvalId;
  if (decision.kind === "denied") throw new Problem(ApprovalDenied, decision.reason, { rule, approvalId });
}

function run(
  call: Call,
  options: DispatchOptions,
  dispatch: (request: InnerRequest) => Promise<Answered>,
): void | Promise<void> {
  const { bound, operation } = call.prepared;
  if (call.abort?.aborted) throw call.abort.reason;
  if (operation.mode === "job" && call.request.isInline !== true)
    return enqueue(call, options.queue(), () => contextOf(call, options, dispatch));
  call.etag = bound.etag?.(call.input as never);
  if (call.etag !== undefined && call.etag === call.request.ifNoneMatch) {
    call.outcome = { kind: "unchanged", etag: call.etag };
    return undefined;
  }
  const answer = bound.run(call.input as never, contextOf(call, options, dispatch));
  if (operation.mode !== "many" && answer instanceof Promise) return settle(call, answer, options);
  call.output = answer;
  return undefined;
}

async function enqueue(call: Call, queue: Queue, context: () => Context): Promise<void> {
  const { bound, operation } = call.prepared;
  await bound.admit?.(call.input as never, context());
  const { taskId } = await queue.enqueue({
    operation,
    payload: call.input,
    caller: call.caller ?? nobody,
    corrId: call.corrId,
    ...(operation.attemptsMax === undefined ? {} : { attemptsMax: operation.attemptsMax }),
  });
  call.outcome = { kind: "accepted", taskId };
}

/** Waits for the handler, the caller's leaving or the deadline, whichever comes first. */
function settle(call: Call, answer: Promise<unknown>, { clock }: DispatchOptions): Promise<void> {
  const { operation } = call.prepared;
  return new Promise((resolve, reject) => {
    const { abort } = call;
    const deadlineMs = deadlineMsOf(operation);
    const expire = (): void => {
      const late = new Problem(DeadlineExceeded, `${operation.id} took over ${deadlineMs} ms`);
      call.late ??= new AbortController();
      call.late.abort(late);
      end(() => reject(late));
    };
    const stop = deadlineMs === null ? undefined : clock.after(deadlineMs, expire);
    const onAbort = (): void => {
      // A job ends by itself once it has said how it was stopped; its record depends on that.
      if (operation.mode !== "job") end(() => reject(abort?.reason));
    };
    const end = (then: () => void): void => {
      stop?.();
      abort?.removeEventListener("abort", onAbort);
      then();
    };
    abort?.addEventListener("abort", onAbort, { once: true });
    answer.then(
      (output) =>
        end(() => {
          call.output = output;
          resolve();
        }),
      (error: unknown) => end(() => reject(error)),
    );
  });
}

function egress(call: Call, { gate: port, redactor }: DispatchOptions): void {
  gate(call, call.prepared.egressKey, port);
  if (call.caller?.kind === "agent" && call.prepared.operation.mode !== "many")
    call.output = redactor.value(call.output);
}

function encode(call: Call, options: DispatchOptions): void {
  const { operation, output } = call.prepared;
  if (operation.mode === "many") {
    call.outcome = { kind: "stream", items: checkedItems(call.output as AsyncIterable<unknown>, call.prepared) };
    return;
  }
  if (output.check(call.output)) return;
  const cleaned = cleanValue(operation.output, structuredClone(call.output));
  if (!output.check(cleaned)) {
    options.onDefect(
      new TypeError(`${operation.id} answered what it did not promise: ${JSON.stringify(output.faults(cleaned))}`),
      {
        operation: operation.id,
        corrId: call.corrId,
      },
    );
    throw new Problem(Internal, "the answer did not have the promised shape", { corrId: call.corrId });
  }
  call.output = cleaned;
}

const answerOf = ({ output, etag }: Call): Outcome =>
  etag === undefined ? { kind: "answer", output } : { kind: "answer", output, etag };

function asProblem(error: unknown, call: Call, options: DispatchOptions): Problem {
  if (error instanceof Problem) {
    if (call.prepared.codes.has(error.definition.code)) return error;
    options.onDefect(error, { operation: call.prepared.operation.id, corrId: call.corrId });
    return new Problem(Internal, `an undeclared problem: ${error.definition.code}`, {
      corrId: call.corrId,
      cause: error,
    });
  }
  if (call.abort?.aborted)
    return new Problem(Cancelled, "the caller left or the episode was stopped", { cause: error });
  options.onDefect(error, { operation: call.prepared.operation.id, corrId: call.corrId });
  return new Problem(Internal, "unexpected failure; the log knows it by this id", {
    corrId: call.corrId,
    cause: error,
  });
}

function record(call: Call, { onSample, clock }: DispatchOptions, problem: Problem | null): void {
  const { caller } = call;
  const { effect, isRoutine } = call.prepared.operation;
  onSample({
    operation: call.prepared.operation.id,
    caller: caller === null ? "anonymous" : `${caller.kind}:${caller.id}`,
    corrId: call.corrId,
    durationMs: clock.monotonicMs() - call.startedMs,
    code: problem === null ? "ok" : problem.definition.code,
    status: problem === null ? 200 : problem.definition.status,
    ...(effect === "read" || isRoutine === true ? {} : { change: changeOf(call, effect, problem) }),
  });
}

function changeOf(call: Call, effect: "write" | "destroy", problem: Problem | null): ChangeSample {
  const { key, operation } = call.prepared;
  const outcomes = { held: "held", accepted: "queued" } as const;
  const ended = call.outcome?.kind;
  return {
    key,
    effect,
    isPublic: operation.isPublic,
    scope: call.scope,
    argsDigest: () => digestOf(call.input),
    outcome: problem !== null ? "refused" : ended === "held" || ended === "accepted" ? outcomes[ended] : "answered",
    detail: problem === null ? null : problem.message,
    approvalId: call.approvalId,
  };
}
