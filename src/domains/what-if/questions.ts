/** Questions to a person while the journal is read: each is told with its answer. */
import type { Grant, Scope } from "../../contract/caller.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Operation } from "../../contract/operation.ts";
import { checkerOf, type Static } from "../../contract/schema.ts";
import type { ApprovalRequested } from "../approvals/contract.ts";
import { targetOf } from "../episodes/contract.ts";
import { type Decision, type HistoryItem, lost } from "./decision.ts";
import { hiddenOf } from "./facts.ts";

interface Question {
  readonly seq: number;
  readonly atMs: number;
  readonly episode: string;
  readonly data: Static<typeof ApprovalRequested.data>;
  /** Of the run that asked. */
  readonly grants: readonly Grant[];
}

export interface QuestionBook {
  /** Answers with an older one that there is no more room for. */
  ask(envelope: Envelope, grants: readonly Grant[]): readonly HistoryItem[];
  close(approvalId: string, answer: Decision["answer"]): readonly HistoryItem[];
  /** Questions that nobody has answered. */
  rest(): readonly HistoryItem[];
}

interface QuestionBookOptions {
  readonly operationOf: (id: string) => Operation | undefined;
  readonly openMax: number;
}

export function createQuestionBook({ operationOf, openMax }: QuestionBookOptions): QuestionBook {
  const questions = new Map<string, Question>();
  const close: QuestionBook["close"] = (approvalId, answer) => {
    const question = questions.get(approvalId);
    questions.delete(approvalId);
    return question === undefined ? [] : [questionItem(question, answer, operationOf)];
  };
  return {
    ask({ seq, timeMs: atMs, corrId: episode, data: given }, grants) {
      const data = given as Question["data"];
      questions.set(data.approvalId, { seq, atMs, episode, data, grants });
      const [oldest] = questions.size > openMax ? questions.keys() : [];
      return oldest === undefined ? [] : close(oldest, "none");
    },
    close,
    rest: () => [...questions.keys()].flatMap((approvalId) => close(approvalId, "none")),
  };
}

/** Asked by an agent's own file, or by a soft limit: policies alone do not decide these. */
const ofAgent = "agent.ask:";
const ofAllowance = "allowance:";

function questionItem(
  { seq, atMs, episode, data, grants }: Question,
  answer: Decision["answer"],
  operationOf: (id: string) => Operation | undefined,
): HistoryItem {
  const operation = operationOf(data.operation);
  if (operation === undefined) return lost(`the hub has no operation ${data.operation} any more`, true);
  const { caller, rule, ruleSource, labels = [] } = data;
  const { kind, id } = caller;
  return {
    kind: "decision",
    decision: {
      seq,
      atMs,
      episode,
      was: "ask",
      answer,
      by: rule.startsWith(ofAllowance) ? "other" : "policy",
      rule,
      source: ruleSource,
      facts: {
        operation,
        caller: { kind, id },
        grants,
        asks: rule.startsWith(ofAgent) ? [rule.slice(ofAgent.length)] : [],
        ...scopeAsked(operation, data),
        labels,
        labelsMaybe: [],
        // Whoever is asked about a call has no lease for it.
        mayBeLeased: false,
      },
    },
  };
}

/** The question holds the whole input; what was cut out of it leaves what the question names beside. */
function scopeAsked(
  operation: Operation,
  { input, folder, path, host, tool }: Static<typeof ApprovalRequested.data>,
): { readonly scope: Scope; readonly hidden: ReturnType<typeof hiddenOf> } {
  const named: Scope = { ...targetOf({ folder, path, host }), ...(tool === undefined ? {} : { tool }) };
  if (!checkerOf(operation.input).check(input)) return { scope: named, hidden: hiddenOf(operation) };
  const scope = operation.scope?.(input as never) ?? {};
  return { scope: { ...scope, ...named }, hidden: [] };
}
