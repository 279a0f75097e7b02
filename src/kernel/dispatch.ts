/**
 * The corridor: every call, from whatever surface, timer, worker or agent, walks the same named stages in the same order.
 * `record` always runs. A stage that is done at once costs no promise.
 */
import { digestOf } from "../base/canonical-json.ts";
import { isAnyTag } from "../base/entity-tag.ts";
import { isProblem, Problem } from "../contract/problem.ts";
import { cleanValue } from "../contract/schema.ts";
import { Cancelled, Internal, NotFound } from "../contract/standard-problems.ts";
import {
  Call,
  type Dispatch,
  type DispatchOptions,
  type InnerRequest,
  type Prepared,
  preparedOf,
  type Stage,
} from "./call.ts";
import type { Answered, Outcome } from "./kernel.ts";
import type { ChangeSample, Vault } from "./ports.ts";
import { type Rehearsal, rehearsed } from "./rehearse.ts";
import { approve } from "./stage-approve.ts";
import { narrow, refunded, reserve, settled } from "./stage-budget.ts";
import { decode } from "./stage-decode.ts";
import { identify } from "./stage-identify.ts";
import { admit, gate, leave } from "./stage-gate.ts";
import { policy } from "./stage-policy.ts";
import { counted, lease, leased } from "./stage-lease.ts";
import { sealedProblem } from "./sealed.ts";
import { run } from "./stage-run.ts";
import { checkedItems } from "./stream-items.ts";
import { noteTurnedBack } from "./turned-back.ts";
import { noticed, told } from "./witness.ts";

export interface OwnedDispatcher {
  dispatch(request: InnerRequest): Promise<Answered>;
  /** Walks a call as far as a person would be asked about it. Nothing runs, nothing is counted, nobody is asked. */
  rehearse(request: InnerRequest): Promise<Rehearsal>;
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
    const call = new Call(request, prepare(request.operationId), options);
    try {
      for (const stage of stages) {
        const pending = stage.run(call);
        if (pending !== undefined) await pending;
        if (call.outcome !== null) break;
      }
      record(call, options, null);
      const outcome = call.outcome ?? answerOf(call);
      return { corrId: call.corrId, outcome: call.sighting === null ? outcome : told(call.sighting, outcome) };
    } catch (error) {
      const problem = sealedProblem(asProblem(error, call, options), options.vault);
      await noteTurnedBack(call, problem, options);
      record(call, options, problem);
      call.sighting?.failed(problem);
      throw problem;
    } finally {
      call.lease?.leave();
    }
  };
  const rehearse = async (request: InnerRequest): Promise<Rehearsal> => {
    const call = new Call(request, prepare(request.operationId), options);
    try {
      return await rehearsed(call, options, dispatch);
    } catch (error) {
      throw sealedProblem(asProblem(error, call, options), options.vault);
    }
  };
  return { dispatch, rehearse, stages: [...stages.map((stage) => stage.name), "record"] };
}

function createStages(options: DispatchOptions, dispatch: Dispatch): readonly Stage[] {
  return [
    { name: "identify", run: (call) => identify(call, options) },
    { name: "gate", run: (call) => gate(call, options.gate) },
    {
      name: "decode",
      run(call) {
        decode(call);
        noticed(call, options.witness);
      },
    },
    { name: "policy", run: (call) => policy(call, options.policy) },
    { name: "lease", run: (call) => lease(call, options) },
    {
      name: "approve",
      run(call) {
        narrow(call, options.budget);
        return approve(call, options, dispatch);
      },
    },
    { name: "budget", run: (call) => reserve(call, options.budget) },
    { name: "admit", run: (call) => refunded(call, () => admitted(call, options)) },
    {
      name: "run",
      run(call) {
        call.hasBegun = true;
        return leased(call, options.budget, () => settled(call, options.clock, () => run(call, options, dispatch)));
      },
    },
    { name: "egress", run: (call) => egress(call, options) },
    { name: "encode", run: (call) => encode(call, options) },
  ];
}

/** The last question of all, and what a lease then counts. */
function admitted(call: Call, options: DispatchOptions): void | Promise<void> {
  const asked = admit(call, options.gate);
  if (call.lease === null) return asked;
  return asked instanceof Promise ? asked.then(() => counted(call)) : counted(call);
}

function egress(call: Call, { gate: port, redactor }: DispatchOptions): void {
  leave(call, port);
  if (call.caller?.kind === "agent" && call.prepared.operation.mode !== "many")
    call.output = redactor.value(call.output);
}

function encode(call: Call, options: DispatchOptions): void {
  const { operation, output } = call.prepared;
  if (operation.mode === "many") {
    const items = call.output as AsyncIterable<unknown>;
    const mayLeave = (): void => leave(call, options.gate);
    call.outcome = { kind: "stream", items: checkedItems(items, call.prepared, mayLeave) };
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

/** `*` asks whether there is anything, which only the answer tells: for what does not exist it is a problem. */
const answerOf = ({ output, etag, request, editedInput }: Call): Outcome => {
  if (editedInput !== undefined) return { kind: "answer", output, editedInput };
  if (etag === undefined) return { kind: "answer", output };
  if (isAnyTag(request.ifNoneMatch ?? "")) return { kind: "unchanged", etag };
  return { kind: "answer", output, etag };
};

function asProblem(error: unknown, call: Call, options: DispatchOptions): Problem {
  if (error instanceof Problem) {
    if (call.prepared.codes.has(error.definition.code)) return error;
    options.onDefect(error, { operation: call.prepared.operation.id, corrId: call.corrId });
    return new Problem(Internal, `an undeclared problem: ${error.definition.code}`, {
      corrId: call.corrId,
      cause: error,
    });
  }
  if (call.lease?.signal.aborted && isProblem(call.lease.signal.reason)) return call.lease.signal.reason;
  if (call.abort?.aborted)
    return new Problem(Cancelled, "the caller left or the episode was stopped", { cause: error });
  options.onDefect(error, { operation: call.prepared.operation.id, corrId: call.corrId });
  return new Problem(Internal, "unexpected failure; the log knows it by this id", {
    corrId: call.corrId,
    cause: error,
  });
}

function record(call: Call, { onSample, clock, vault }: DispatchOptions, problem: Problem | null): void {
  const { caller } = call;
  const { effect, isRoutine } = call.prepared.operation;
  onSample({
    operation: call.prepared.operation.id,
    caller: caller === null ? "anonymous" : `${caller.kind}:${caller.id}`,
    corrId: call.corrId,
    durationMs: clock.monotonicMs() - call.startedMs,
    code: problem === null ? "ok" : problem.definition.code,
    status: problem === null ? 200 : problem.definition.status,
    ...(effect === "read" || isRoutine === true ? {} : { change: changeOf(call, problem, vault) }),
  });
}

function changeOf(call: Call, problem: Problem | null, vault: Vault | undefined): ChangeSample {
  const { key, operation } = call.prepared;
  const outcomes = { held: "held", accepted: "queued" } as const;
  const ended = call.outcome?.kind;
  return {
    key,
    effect: operation.effect === "destroy" ? "destroy" : "write",
    isPublic: operation.isPublic,
    isSecret: operation.isSecret === true,
    scope: vault === undefined ? call.scope : vault.clean(call.scope),
    argsDigest: () => digestOf(call.input),
    outcome: problem !== null ? "refused" : ended === "held" || ended === "accepted" ? outcomes[ended] : "answered",
    detail: problem === null ? permitOf(call) : problem.message,
    approvalId: call.approvalId,
  };
}

/** What let the call pass, or holds it. */
function permitOf({ ruling, outcome, prepared, approvalId }: Call): string | null {
  if (ruling === null) return prepared.operation.isPublic ? "open to everybody" : null;
  if (ruling.leaseId !== undefined) return `permitted by the ${ruling.rule} of ${ruling.source}`;
  const rule = `the policy ${ruling.rule} (${ruling.source})`;
  if (ruling.effect !== "ask") return `permitted by ${rule}`;
  return outcome?.kind === "held" || approvalId === null
    ? `asked by ${rule}`
    : `a person allowed what ${rule} asks about`;
}
