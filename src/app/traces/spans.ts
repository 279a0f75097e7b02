/**
 * Traces as a fold of the journal: an episode is a trace, and the event that ends a run, a task, a question or a step makes
 * the span of it. Nothing is remembered in between: where it began is looked up in the journal, so the same event makes the
 * same span whenever it is read.
 *
 * No words leave: a span holds names of the table, names of rules, codes, digests, sizes and times.
 */
import { type Attributes, type Span, type SpanMoment, spanIdOf, traceIdOf } from "../../adapters/otlp/span.ts";
import type { Envelope, EnvelopeOf, EventDefinition } from "../../contract/event.ts";
import {
  TaskCancelled,
  TaskEnqueued,
  TaskFailed,
  TaskFinished,
  TaskRetried,
  TaskStarted,
} from "../../contract/task.ts";
import {
  RunCancelled,
  RunFailed,
  RunFinished,
  RunInterrupted,
  RunResumed,
  RunStarted,
} from "../../domains/agents/contract.ts";
import {
  ApprovalCancelled,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRequested,
} from "../../domains/approvals/contract.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  IntentProposed,
  ObservationRecorded,
} from "../../domains/episodes/contract.ts";
import { type LookBack, nothing } from "./look-back.ts";

/** Interruptions and attempts told of one span. */
const momentsMax = 64;
/** Steps of one run that are under way at the same time; what was proposed longer ago belongs to another step. */
const stepsAtOnceMax = 64;

/** The journal has checked the data of what it holds. */
const is = <E extends EventDefinition>(definition: E, envelope: Envelope): envelope is EnvelopeOf<E> =>
  envelope.kind === definition.kind;

/** What every span says of itself. */
const common = (end: Envelope): Attributes => ({
  "gen_ai.conversation.id": end.corrId,
  "arw.seq": end.seq,
  "arw.caller": end.caller,
});

const runSpanId = (corrId: string): string => spanIdOf("run", corrId);
const stepSpanId = (corrId: string, step: number): string => spanIdOf("step", `${corrId}\n${step}`);

type RunEnd = EnvelopeOf<typeof RunFinished> | EnvelopeOf<typeof RunFailed> | EnvelopeOf<typeof RunCancelled>;

/** One span for the whole run: that it was interrupted and resumed are moments of it. */
function runSpan(end: RunEnd, look: LookBack): Span {
  const { agent } = end.data;
  const moments: SpanMoment[] = [];
  const started = look({ end, kinds: [RunStarted, RunInterrupted, RunResumed] }, (each) => {
    if (is(RunStarted, each)) return each;
    const name = is(RunResumed, each) ? "resumed" : "interrupted";
    if (moments.length < momentsMax)
      moments.unshift({ name, timeMs: each.timeMs, attributes: { "arw.seq": each.seq } });
    return undefined;
  });
  const task =
    started && look({ end: started, kinds: [TaskEnqueued] }, (each) => (is(TaskEnqueued, each) ? each : undefined));
  const model = started?.data.model;
  const errorCode = "code" in end.data ? end.data.code : null;
  return {
    traceId: traceIdOf(end.corrId),
    spanId: runSpanId(end.corrId),
    parentSpanId: task ? spanIdOf("task", task.data.taskId) : null,
    name: `invoke_agent ${agent}`,
    startMs: started?.timeMs ?? end.timeMs,
    endMs: end.timeMs,
    attributes: {
      ...common(end),
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": agent,
      "gen_ai.request.model": model === "none" ? undefined : model,
      "arw.outcome": lastWord(end.kind),
      "error.type": errorCode ?? undefined,
    },
    moments,
    errorCode,
  };
}

const lastWord = (kind: string): string => kind.slice(kind.lastIndexOf(".") + 1);

interface Step {
  readonly agent: string;
  readonly step: number;
  readonly tool: string;
  readonly argsDigest: string;
}

function stepSpan(end: Envelope, { agent, step, tool, argsDigest }: Step, rest: Attributes) {
  return {
    traceId: traceIdOf(end.corrId),
    spanId: stepSpanId(end.corrId, step),
    parentSpanId: runSpanId(end.corrId),
    name: `execute_tool ${tool}`,
    attributes: {
      ...common(end),
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.agent.name": agent,
      "gen_ai.tool.name": tool,
      "gen_ai.tool.type": "function",
      "arw.step": step,
      "arw.args.digest": argsDigest,
      ...rest,
    },
    moments: [],
  };
}

function doneSpan(end: EnvelopeOf<typeof ObservationRecorded> | EnvelopeOf<typeof ActionApplied>): Span {
  const { agent, recorded } = end.data;
  const span = stepSpan(
    end,
    { ...recorded, agent },
    {
      "arw.result.digest": recorded.resultRef,
      "arw.result.size_bytes": recorded.resultSizeBytes,
      "arw.result.kept": recorded.kept,
    },
  );
  return {
    ...span,
    // A resumed run reads again what was no longer kept, and that is a call of its own.
    spanId: end.kind === ObservationRecorded.kind ? spanIdOf("event", end.id) : span.spanId,
    startMs: recorded.atMs,
    endMs: recorded.atMs + recorded.durationMs,
    errorCode: null,
  };
}

/** Only a call that would change something says when it began; a refused read is a moment. */
function stoppedSpan(end: EnvelopeOf<typeof ActionRefused> | EnvelopeOf<typeof ActionFailed>, look: LookBack): Span {
  const { code, step } = end.data;
  const proposed = look({ end, kinds: [IntentProposed] }, (each) => {
    if (!is(IntentProposed, each)) return undefined;
    if (each.data.step === step) return each;
    return each.data.step < step - stepsAtOnceMax ? nothing : undefined;
  });
  return {
    ...stepSpan(end, end.data, {
      "error.type": code,
      "arw.outcome": lastWord(end.kind),
      "arw.rule": "rule" in end.data ? end.data.rule : undefined,
    }),
    startMs: proposed?.timeMs ?? end.timeMs,
    endMs: end.timeMs,
    errorCode: code,
  };
}

type TaskEnd = EnvelopeOf<typeof TaskFinished> | EnvelopeOf<typeof TaskFailed> | EnvelopeOf<typeof TaskCancelled>;

/** From the moment a task was accepted, its waiting included. What a run put into the queue belongs to the run. */
function taskSpan(end: TaskEnd, look: LookBack): Span {
  const { taskId, operation, attempt, enqueuedAtMs } = end.data;
  const moments: SpanMoment[] = [];
  look({ end, kinds: [TaskStarted, TaskRetried] }, (each) => {
    const isOurs = (is(TaskStarted, each) || is(TaskRetried, each)) && each.data.taskId === taskId;
    if (!isOurs) return undefined;
    moments.unshift(attemptMoment(each));
    return moments.length === momentsMax || (is(TaskStarted, each) && each.data.attempt === 1) ? nothing : undefined;
  });
  const run = look({ end, kinds: [RunStarted] }, (each) => (is(RunStarted, each) ? each : undefined));
  const errorCode = "code" in end.data ? end.data.code : null;
  return {
    traceId: traceIdOf(end.corrId),
    spanId: spanIdOf("task", taskId),
    parentSpanId: run !== undefined && run.timeMs < enqueuedAtMs ? runSpanId(end.corrId) : null,
    name: `task ${operation}`,
    startMs: enqueuedAtMs,
    endMs: end.timeMs,
    attributes: {
      ...common(end),
      "arw.task.id": taskId,
      "arw.task.attempts": attempt,
      "arw.operation": operation,
      "arw.outcome": lastWord(end.kind),
      "error.type": errorCode ?? undefined,
    },
    moments,
    errorCode,
  };
}

function attemptMoment(each: EnvelopeOf<typeof TaskStarted> | EnvelopeOf<typeof TaskRetried>): SpanMoment {
  const code = "code" in each.data ? each.data.code : undefined;
  return {
    name: lastWord(each.kind),
    timeMs: each.timeMs,
    attributes: { "arw.seq": each.seq, "arw.task.attempt": each.data.attempt, "error.type": code },
  };
}

/** From the question to its answer: how long a call was held. */
function approvalSpan(end: EnvelopeOf<typeof ApprovalGranted>, look: LookBack): Span {
  const { approvalId } = end.data;
  const asked = look({ end, kinds: [ApprovalRequested] }, (each) =>
    is(ApprovalRequested, each) && each.data.approvalId === approvalId ? each : undefined,
  );
  const operation = asked?.data.operation;
  return {
    traceId: traceIdOf(end.corrId),
    spanId: spanIdOf("approval", approvalId),
    parentSpanId: asked === undefined ? null : heldBy(asked, look),
    name: operation === undefined ? "approval" : `approval ${operation}`,
    startMs: asked?.timeMs ?? end.timeMs,
    endMs: end.timeMs,
    attributes: {
      ...common(end),
      "arw.approval.id": approvalId,
      "arw.approval.answer": lastWord(end.kind),
      "arw.operation": operation,
      "arw.rule": asked?.data.rule,
      "arw.args.digest": asked?.data.argsDigest,
    },
    moments: [],
    errorCode: null,
  };
}

/** The step that waits for the answer, else the run; a call of nobody's run has no parent. */
function heldBy(asked: EnvelopeOf<typeof ApprovalRequested>, look: LookBack): string | null {
  const { caller, operation, argsDigest } = asked.data;
  if (caller.kind !== "agent") return null;
  const proposed = look({ end: asked, kinds: [IntentProposed] }, (each) =>
    is(IntentProposed, each) && each.data.tool === operation && each.data.argsDigest === argsDigest ? each : undefined,
  );
  return proposed === undefined ? runSpanId(asked.corrId) : stepSpanId(asked.corrId, proposed.data.step);
}

/** Called with an event of the kind that it stands under, whose data it takes. */
type Maker = (end: never, look: LookBack) => Span;

/** Kinds that end something, each with what makes a span of it. */
const makers: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  [RunFinished.kind, runSpan],
  [RunFailed.kind, runSpan],
  [RunCancelled.kind, runSpan],
  [TaskFinished.kind, taskSpan],
  [TaskFailed.kind, taskSpan],
  [TaskCancelled.kind, taskSpan],
  [ObservationRecorded.kind, doneSpan],
  [ActionApplied.kind, doneSpan],
  [ActionRefused.kind, stoppedSpan],
  [ActionFailed.kind, stoppedSpan],
  [ApprovalGranted.kind, approvalSpan],
  [ApprovalDenied.kind, approvalSpan],
  [ApprovalExpired.kind, approvalSpan],
  [ApprovalCancelled.kind, approvalSpan],
]);

export const spanKinds: readonly string[] = [...makers.keys()];

/** The span that an event ends; null when it ends none, or when retention has taken its data. */
export function spanOf(end: Envelope, look: LookBack): Span | null {
  const make = end.data === null ? undefined : makers.get(end.kind);
  return make === undefined ? null : make(end as never, look);
}
