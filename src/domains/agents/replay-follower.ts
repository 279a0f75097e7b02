/**
 * Holds a run that is made again to its record. What the code says is compared with what it said; what its steps were
 * answered comes from the record, and in the order of the record, so that steps side by side end as they ended.
 */
import { jsonDifference } from "../../base/json-difference.ts";
import type { Envelope, EventDefinition } from "../../contract/event.ts";
import { checkerOf } from "../../contract/schema.ts";
import type { Recorded } from "../episodes/contract.ts";
import type { RecordedStep, ReplayOptions } from "./contract.ts";
import type { Course, Ending } from "./replay-course.ts";
import { stepOf } from "./replay-reading.ts";
import { toldIn } from "./run-record.ts";
import { toldAgain } from "./told.ts";
import type { Carried, StepCall } from "./toolbox.ts";

/** Whoever waits in a replay that is over waits for nothing; all of it is let go together. */
const never = <T>(): Promise<T> => new Promise<T>(() => {});

export interface Said {
  readonly definition: EventDefinition;
  readonly data: unknown;
  readonly caller: string;
}

/** The code says something. Resolves when it is its turn by the record. */
export function say(said: Said, course: Course): Promise<Envelope> {
  const { definition, data } = said;
  const { kind } = definition;
  if (course.isOver()) return never();
  const step = stepOf(data);
  if (course.departedAt() !== null) return Promise.resolve(invented(said, course));
  const next = course.order.next();
  // Most of what is said is what comes next.
  if (next !== undefined && tellsOf(next, kind, step)) return passed(said, next, course);
  return new Promise((resolve, reject) => {
    course.order.arrive({
      step,
      says: { kind, data },
      fits: (each) => tellsOf(each, kind, step),
      go: () => resolve(passed(said, course.order.next() as Envelope, course)),
      depart: () => resolve(invented(said, course)),
      stop: reject,
    });
  });
}

const tellsOf = (event: Envelope, kind: string, step: number | null): boolean =>
  event.kind === kind && event.data !== null && stepOf(event.data) === step;

/** The next event of the record, made again: with its id and its time, and at its position. */
function passed(said: Said, next: Envelope, course: Course): Promise<Envelope> {
  course.nowMs = next.timeMs;
  const at = differenceOf(next, said, course);
  if (at !== null) judge({ said, next, at }, course);
  if (course.isOver()) return never();
  // What was made again and is equal need not be kept twice.
  const told = at === null ? next : envelopeOf(said, course, course.departedAt() === null ? next : null);
  course.made.push(told);
  course.order.pass();
  return Promise.resolve(told);
}

function invented(said: Said, course: Course): Envelope {
  const envelope = envelopeOf(said, course, null);
  course.made.push(envelope);
  return envelope;
}

function envelopeOf({ definition, data, caller }: Said, course: Course, next: Envelope | null): Envelope {
  const { corrId, node } = course.reading.started;
  const { kind, version } = definition;
  const { nowMs: timeMs } = course;
  const place = next ?? { seq: 0, id: "", node };
  return {
    seq: place.seq,
    id: place.id,
    timeMs,
    kind,
    version,
    corrId,
    causeId: null,
    node: place.node,
    caller,
    data,
  };
}

interface Differing {
  readonly said: Said;
  readonly next: Envelope;
  readonly at: string;
}

function judge({ said, next, at }: Differing, course: Course): void {
  const { definition, caller, data } = said;
  // What looks like a secret was cut out of the record when it left its hub: of what is made again it is cut out, too.
  if (differenceOf(next, { definition, caller, data: course.redact(data) }, course) === null) return;
  const step = stepOf(data);
  // The answer is what the record gives, so where its digest is another one, it is not what it was.
  if (at.startsWith("/data/recorded/result") && !course.isBranch)
    return course.end({ kind: "incomplete", step: step ?? 1 });
  const why = "the code said something else than it did before";
  course.differ({
    step,
    seq: next.seq,
    at,
    why,
    recorded: { kind: next.kind, caller: next.caller, data: next.data },
    made: { kind: definition.kind, caller, data },
  });
}

/** Whole, but for what no two journals share, position, hub and hash, and what a replay has from the record, time and id. */
function differenceOf(next: Envelope, { definition, data, caller }: Said, { reading }: Course): string | null {
  if (next.kind !== definition.kind) return "/kind";
  if (next.version !== definition.version) return "/version";
  if (next.corrId !== reading.started.corrId) return "/corrId";
  if (next.causeId !== null) return "/causeId";
  if (next.caller !== caller) return "/caller";
  return jsonDifference(next.data, data, "/data");
}

/** The code takes a step: answered by the record, or by whoever branches off it. */
export function carryOut(call: StepCall, course: Course): Carried | Promise<Carried> {
  const { beforeStep } = course.options;
  if (course.isOver()) return never();
  const rest = course.rest();
  if (rest !== null) return rest.then(() => carryOut(call, course));
  return beforeStep === undefined ? answered(call, course) : asked(call, course, beforeStep);
}

const answered = (call: StepCall, course: Course): Carried | Promise<Carried> =>
  course.departedAt() === null ? fromRecord(call, course) : elsewhere(call, course);

/** At the place of the step in the record. */
function fromRecord(call: StepCall, course: Course): Carried | Promise<Carried> {
  const { step, operation, input, summary } = call;
  const known = course.reading.steps.get(step);
  if (known !== undefined && !isSameCall(known, call)) return otherCall(known, call, course);
  const fault = known === undefined || known.kind === "stopped" ? null : faultOf(call);
  if (known !== undefined && fault !== null) return refusedByNow(known, { call, fault }, course);
  if (known !== undefined && course.order.next() === known.event) return answerOf(known, call, course);
  return new Promise((resolve, reject) => {
    const settle = (result: () => Promise<Carried> | Carried): void => {
      try {
        resolve(result());
      } catch (problem) {
        reject(problem);
      }
    };
    course.order.arrive({
      step,
      says: { tool: operation.id, input, summary },
      fits: (next) => next === known?.event,
      go: () => settle(() => answerOf(known as RecordedStep, call, course)),
      depart: () => settle(() => elsewhere(call, course)),
      stop: reject,
    });
  });
}

const isSameCall = ({ tool, argsDigest }: RecordedStep, call: StepCall): boolean =>
  tool === call.operation.id && argsDigest === call.argsDigest;

/** What the table has against the arguments by now; they were taken when the step was recorded. */
function faultOf({ operation, input }: StepCall): string | null {
  const checker = checkerOf(operation.input);
  if (checker.check(input)) return null;
  const [fault] = checker.faults(input);
  return fault === undefined ? "" : `${fault.at} ${fault.message}`.trim();
}

interface Refused {
  readonly call: StepCall;
  readonly fault: string;
}

/** The code does the same, and the table is another: a step that was answered would be refused. */
async function refusedByNow(known: RecordedStep, { call, fault }: Refused, course: Course): Promise<Carried> {
  const { step, operation, input, argsDigest, summary } = call;
  course.differ({
    step,
    seq: known.seq,
    at: "/input",
    why: `${operation.id} takes these arguments no longer (${fault})`,
    recorded: { tool: known.tool, argsDigest: known.argsDigest, summary, answer: "a result" },
    made: { tool: operation.id, argsDigest, summary, answer: "a refusal", input },
  });
  return course.isOver() ? never() : elsewhere(call, course);
}

async function otherCall(known: RecordedStep, call: StepCall, course: Course): Promise<Carried> {
  const { step, operation, input, argsDigest } = call;
  const { tool, seq } = known;
  const isSameTool = tool === operation.id;
  const { summary } = known.event.data as { readonly summary?: unknown };
  course.differ({
    step,
    seq,
    at: isSameTool ? "/argsDigest" : "/tool",
    why: isSameTool ? `${tool} with other arguments` : `${operation.id} in place of ${tool}`,
    recorded: { tool, argsDigest: known.argsDigest, summary },
    made: { tool: operation.id, argsDigest, summary: call.summary, input },
  });
  return course.isOver() ? never() : elsewhere(call, course);
}

/** After a departure: by a recorded step of the same call that answered nothing yet. */
function elsewhere(call: StepCall, course: Course): Carried | Promise<Carried> {
  const known = course.supply.find(call);
  if (known !== null) return answerOf(known, call, course);
  course.end(unknownOf(call, `the record holds no answer to this call of ${call.operation.id}`));
  return never();
}

const unknownOf = ({ step }: StepCall, why: string): Ending => ({ kind: "unknown", step: step - 1, why });

/** What the record says of this step. Throws what it ended with. */
function answerOf(known: RecordedStep, call: StepCall, course: Course): Carried | Promise<Carried> {
  const { reading, supply, order, isBranch } = course;
  if (isBranch) supply.take(known);
  const data = known.event.data as Readonly<Record<string, unknown>>;
  if (known.kind === "stopped") throw toldAgain(toldIn(data), course.problems);
  const { step, atMs, durationMs } = known;
  const recorded = data["recorded"] as Recorded;
  const input = reading.edits.has(step) ? reading.edits.get(step) : call.input;
  course.nowMs = Math.max(course.nowMs, atMs + durationMs);
  if (recorded.kept === "inline") return { output: recorded.result ?? null, input, atMs, durationMs };
  return order.during(recall(recorded, course)).then((found) => {
    if (found !== null) return { output: found.result, input, atMs, durationMs };
    const why = "its recorded answer is no longer kept";
    course.end(isBranch ? unknownOf(call, why) : { kind: "incomplete", step: call.step });
    return never();
  });
}

async function recall({ kept, resultRef }: Recorded, { blob }: Course): Promise<{ readonly result: unknown } | null> {
  const bytes = kept === "blob" ? await blob(resultRef) : null;
  return bytes === null ? null : { result: JSON.parse(new TextDecoder().decode(bytes)) };
}

type Ask = NonNullable<ReplayOptions["beforeStep"]>;

async function asked(call: StepCall, course: Course, ask: Ask): Promise<Carried> {
  const { step, operation, input, argsDigest, summary, hand } = call;
  const { order, supply, reading } = course;
  const departedAt = course.departedAt();
  const known = reading.steps.get(step);
  const same = known !== undefined && isSameCall(known, call) ? known : null;
  const recorded = departedAt === null ? same : supply.find(call);
  const told = { step, operation, input, argsDigest, summary, caller: hand.caller, recorded };
  const answer = await order.during(Promise.resolve(ask({ ...told, hasDeparted: departedAt !== null })));
  if (course.isOver()) return never();
  const isAsRecorded =
    answer.kind === "recorded" ||
    (answer.kind === "refused" && recorded?.kind === "stopped" && recorded.code === answer.problem.definition.code);
  if (isAsRecorded) return answered(call, course);
  if (recorded !== null) supply.take(recorded);
  course.depart(step);
  if (answer.kind === "refused") throw answer.problem;
  if (answer.kind === "answer")
    return { output: answer.result, input, atMs: course.nowMs, durationMs: answer.durationMs ?? 0 };
  course.end({ kind: "unknown", step: step - 1, why: answer.why });
  return never();
}
