/** What a record says of one run beside what its code said: which steps a person was asked about, and how that ended. */
import type { Envelope } from "../../contract/event.ts";
import type { Static } from "../../contract/schema.ts";
import { ApprovalDenied as PersonDenied, BudgetExceeded, Denied } from "../../contract/standard-problems.ts";
import { type RecordedStep, RunCancelled, RunFailed, RunFinished } from "../agents/contract.ts";
import {
  ApprovalCancelled,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRequested,
} from "../approvals/contract.ts";
import { LeaseGranted } from "../leases/contract.ts";
import type { Decision } from "./decision.ts";

/** How the rules of then came out for one step. */
export type Outcome = Pick<Decision, "was" | "by" | "rule" | "source" | "answer">;

export interface RecordedRun {
  /** Questions in all. */
  readonly asked: number;
  outcomeOf(step: RecordedStep): Outcome;
  /** Whether a lease that the run was given may have covered its calls. */
  readonly mayBeLeased: boolean;
  /** What it says of its end; null where it has none. */
  readonly end: string | null;
}

interface Question {
  readonly seq: number;
  readonly rule: string;
  readonly source: string | undefined;
  answer: Decision["answer"];
}

export function readRecordedRun(events: readonly Envelope[]): RecordedRun {
  const byId = new Map<string, Question>();
  const byCall = new Map<string, Question[]>();
  for (const { seq, kind, data } of events) {
    if (data === null) continue;
    if (kind === ApprovalRequested.kind) {
      const { approvalId, operation, argsDigest, rule, ruleSource } = data as Static<typeof ApprovalRequested.data>;
      const question: Question = { seq, rule, source: ruleSource, answer: "none" };
      byId.set(approvalId, question);
      const key = callKey(operation, argsDigest);
      byCall.set(key, [...(byCall.get(key) ?? []), question]);
    }
    const answer = answerIn(kind, data);
    const question = byId.get((data as { readonly approvalId?: string }).approvalId ?? "");
    if (answer !== null && question !== undefined) question.answer = answer;
  }
  return {
    asked: byId.size,
    mayBeLeased: events.some(({ kind }) => kind === LeaseGranted.kind),
    end: endOf(events),
    outcomeOf(step) {
      const question = byCall.get(callKey(step.tool, step.argsDigest))?.findLast(({ seq }) => seq < step.seq);
      return question === undefined ? unasked(step) : asked(step, question);
    },
  };
}

const callKey = (operation: string, argsDigest: string): string => `${operation} ${argsDigest}`;

function answerIn(kind: string, data: unknown): Decision["answer"] | null {
  if (kind === ApprovalGranted.kind)
    return (data as Static<typeof ApprovalGranted.data>).edited === undefined ? "yes" : "edited";
  if (kind === ApprovalDenied.kind) return "no";
  return kind === ApprovalExpired.kind || kind === ApprovalCancelled.kind ? "none" : null;
}

const ofAllowance = "allowance:";

function asked(step: RecordedStep, { rule, source, answer }: Question): Outcome {
  const by = rule.startsWith(ofAllowance) ? "other" : "policy";
  return { was: "ask", by, rule, source, answer: answer === "none" && step.kind === "done" ? "yes" : answer };
}

/** Refused before it ran, by whatever refuses. */
const refusals: ReadonlySet<string> = new Set([Denied, BudgetExceeded].map(({ code }) => code));

function unasked(step: RecordedStep): Outcome {
  if (step.kind === "done") return { was: "allow", by: "policy" };
  const { code, rule } = step;
  // The question itself is not in the record.
  if (code === PersonDenied.code) return { was: "ask", by: "policy", rule, answer: "no" };
  if (!refusals.has(code)) return { was: "allow", by: "policy" };
  const isOfOthers = code !== Denied.code || rule === undefined || rule.startsWith("built-in:");
  return { was: "deny", by: isOfOthers ? "other" : "policy", rule };
}

const ends: ReadonlySet<string> = new Set([RunFinished, RunFailed, RunCancelled].map(({ kind }) => kind));

function endOf(events: readonly Envelope[]): string | null {
  const last = events.findLast(({ kind, data }) => ends.has(kind) && data !== null);
  if (last === undefined) return null;
  const { outcome, error, reason } = last.data as Readonly<Record<"outcome" | "error" | "reason", string | undefined>>;
  return outcome ?? (error === undefined ? `stopped: ${reason ?? ""}` : `failed: ${error}`);
}

export const outcomeIn = (made: readonly Envelope[]): string | null => endOf(made);
