/**
 * Reads the journal in order and tells what rules decided: each step of an agent, and each question to a person. What was asked
 * about a step is told with its answer, and once.
 */
import { createLru, type Lru } from "../../base/lru.ts";
import type { Caller, Label } from "../../contract/caller.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Operation } from "../../contract/operation.ts";
import { checkerOf, type Static } from "../../contract/schema.ts";
import { ApprovalDenied as PersonDenied, Denied } from "../../contract/standard-problems.ts";
import type { Table } from "../../kernel/kernel.ts";
import {
  isFromOutside,
  RunCancelled,
  RunFailed,
  RunFinished,
  RunStarted,
  ValueDeclassified,
} from "../agents/contract.ts";
import {
  ApprovalCancelled,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRequested,
} from "../approvals/contract.ts";
import { ActionApplied, ActionFailed, ActionRefused, ObservationRecorded, targetOf } from "../episodes/contract.ts";
import { LeaseExpired, LeaseGranted, LeaseRevoked } from "../leases/contract.ts";
import { Read as CallToolThatReads, SessionOpened } from "../mcp/contract.ts";
import { type HistoryItem, lost } from "./decision.ts";
import { type Facts, hiddenOf } from "./facts.ts";
import { createLeaseBook, type LeaseBook, leaseTakers } from "./lease-book.ts";
import { createQuestionBook, type QuestionBook } from "./questions.ts";
import { createRunBook, type RunBook } from "./run-book.ts";

export const historyKinds: readonly string[] = [
  RunStarted,
  RunFinished,
  RunFailed,
  RunCancelled,
  SessionOpened,
  ValueDeclassified,
  ApprovalRequested,
  ApprovalGranted,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalCancelled,
  ObservationRecorded,
  ActionApplied,
  ActionRefused,
  ActionFailed,
  LeaseGranted,
  LeaseRevoked,
  LeaseExpired,
].map(({ kind }) => kind);

/** Runs and questions that are open at the same time; of older ones the record is read without what they began with. */
const openMax = 10_000;

export interface History {
  take(envelope: Envelope): readonly HistoryItem[];
  /** Questions that nobody has answered. */
  rest(): readonly HistoryItem[];
}

type Take = (envelope: Envelope) => readonly HistoryItem[];

export function createHistory(table: Pick<Table, "operations">): History {
  const operationOf = (id: string): Operation | undefined => table.operations.get(id)?.operation;
  const runs = createLru<string, RunBook>(openMax);
  const questions = createQuestionBook({ operationOf, openMax });
  /** Steps that a question was about, until the step's own event comes. */
  const asked = createLru<string, true>(openMax);
  const leases = createLeaseBook();
  const taken: Readonly<Record<string, Take>> = {
    ...runTakers(runs),
    ...leaseTakers(leases),
    [ApprovalRequested.kind]: (envelope) => {
      const { operation, argsDigest } = envelope.data as Static<typeof ApprovalRequested.data>;
      asked.set(stepKey(envelope.corrId, operation, argsDigest), true);
      return questions.ask(envelope, runs.get(envelope.corrId)?.grants ?? []);
    },
    [ApprovalGranted.kind]: ({ data }) => {
      const { approvalId, edited } = data as Static<typeof ApprovalGranted.data>;
      return questions.close(approvalId, edited === undefined ? "yes" : "edited");
    },
    ...Object.fromEntries(noes.map(([kind, answer]) => [kind, closing(questions, answer)])),
    ...Object.fromEntries(
      steps.map((kind) => [kind, (envelope: Envelope) => stepItems(envelope, { runs, asked, leases, operationOf })]),
    ),
  };
  return {
    take(envelope) {
      if (envelope.dropped !== true) return taken[envelope.kind]?.(envelope) ?? [];
      const wasAsked = envelope.kind === ApprovalRequested.kind;
      return wasAsked || steps.includes(envelope.kind) ? [lost("retention let go of it", wasAsked)] : [];
    },
    rest: questions.rest,
  };
}

const noes = [
  [ApprovalDenied.kind, "no"],
  [ApprovalExpired.kind, "none"],
  [ApprovalCancelled.kind, "none"],
] as const;

const closing =
  (questions: QuestionBook, answer: "no" | "none"): Take =>
  ({ data }) =>
    questions.close((data as { readonly approvalId: string }).approvalId, answer);

/** What begins and ends runs, and what changes the labels of one. */
function runTakers(runs: Lru<string, RunBook>): Readonly<Record<string, Take>> {
  const noted = (note: (envelope: Envelope) => unknown): Take => {
    return (envelope) => {
      note(envelope);
      return [];
    };
  };
  return {
    [RunStarted.kind]: noted(({ corrId, data }) => {
      const { grants, input, labels = [] } = data as Static<typeof RunStarted.data>;
      // A run works from its person's words at least; a call from outside from what its caller is known to.
      const given = labels.length > 0 || isFromOutside(input) ? labels : ownWords;
      runs.set(corrId, createRunBook({ grants, given, isForeign: false }));
    }),
    [SessionOpened.kind]: noted(({ corrId }) =>
      runs.set(corrId, createRunBook({ grants: [], given: foreignLabels, isForeign: true })),
    ),
    [ValueDeclassified.kind]: noted(({ corrId, data }) => {
      const { step, digest } = data as Static<typeof ValueDeclassified.data>;
      runs.get(corrId)?.declassify(step, digest);
    }),
    ...Object.fromEntries(ends.map((kind) => [kind, noted(({ corrId }) => runs.delete(corrId))])),
  };
}

const ownWords: readonly Label[] = ["user"];
const foreignLabels: readonly Label[] = ["user", "tool"];
const ends = [RunFinished, RunFailed, RunCancelled].map(({ kind }) => kind);
const steps = [ObservationRecorded, ActionApplied, ActionRefused, ActionFailed].map(({ kind }) => kind);

const stepKey = (episode: string, tool: string, argsDigest: string): string => `${episode} ${tool} ${argsDigest}`;

interface Reading {
  readonly leases: LeaseBook;
  readonly runs: { get(episode: string): RunBook | undefined };
  readonly asked: { has(key: string): boolean; delete(key: string): boolean };
  readonly operationOf: (id: string) => Operation | undefined;
}

type StepData = Readonly<{
  step?: number;
  tool?: string;
  argsDigest?: string;
  resultRef?: string;
  folder?: string;
  path?: string;
  host?: string;
  label?: Label;
  code?: string;
  rule?: string;
  /** What a program of others asked for, where it is kept with the event. */
  asked?: { value?: unknown };
  recorded?: { step: number; tool: string; argsDigest: string; resultRef: string; result?: unknown };
}>;

function stepItems(envelope: Envelope, { runs, asked, leases, operationOf }: Reading): readonly HistoryItem[] {
  const data = envelope.data as StepData;
  const told = data.recorded ?? data;
  const { step = 0, tool = "", argsDigest = "" } = told;
  const operation = operationOf(tool);
  const run = runs.get(envelope.corrId);
  const key = stepKey(envelope.corrId, tool, argsDigest);
  const wasAsked = asked.has(key);
  asked.delete(key);
  const items =
    wasAsked || operation === undefined || run === undefined
      ? lostStep({ wasAsked, operation, tool })
      : decidedStep(envelope, data, { operation, run, mayBeLeased: leases.mayHold(envelope.caller) });
  if (operation !== undefined)
    run?.learn({
      step,
      digest: told.resultRef ?? null,
      operation,
      label: data.label,
      answer: data.recorded?.result,
      isFailure: data.recorded === undefined,
    });
  return items;
}

function lostStep({
  wasAsked,
  operation,
  tool,
}: {
  readonly wasAsked: boolean;
  readonly operation: Operation | undefined;
  readonly tool: string;
}): readonly HistoryItem[] {
  if (wasAsked) return [];
  if (operation === undefined) return [lost(`the hub has no operation ${tool} any more`)];
  return [lost("the beginning of its run is not in the record")];
}

/** Refused before the policies were asked, or never ruled on at all. */
const unruled: ReadonlySet<string> = new Set(["arw.invalid-input", "arw.cancelled", "agents.undeclared-tool"]);

function decidedStep(
  { seq, timeMs: atMs, corrId: episode, caller }: Envelope,
  data: StepData,
  {
    operation,
    run,
    mayBeLeased,
  }: { readonly operation: Operation; readonly run: RunBook; readonly mayBeLeased: boolean },
): readonly HistoryItem[] {
  const { code, rule } = data;
  if (code !== undefined && unruled.has(code)) return [];
  const facts = {
    operation,
    caller: callerNamed(caller),
    grants: run.grants,
    asks: [],
    ...scopeIn(operation, data),
    labels: run.labels(),
    labelsMaybe: run.labelsMaybe(),
    mayBeLeased,
    isToolGranted: run.isForeign && operation.id === CallToolThatReads.id,
  };
  const said = { seq, atMs, episode, facts, rule };
  // A person's no that no question is known of.
  if (code === PersonDenied.code)
    return [{ kind: "decision", decision: { ...said, was: "ask", by: "policy", answer: "no" } }];
  const isRefused = code !== undefined && refusedCodes.has(code);
  const by = isRefused && (code !== Denied.code || isOfOthers(rule)) ? "other" : "policy";
  return [{ kind: "decision", decision: { ...said, was: isRefused ? "deny" : "allow", by } }];
}

function scopeIn(operation: Operation, { asked, folder, path, host }: StepData): Pick<Facts, "scope" | "hidden"> {
  if (asked?.value !== undefined && checkerOf(operation.input).check(asked.value))
    return { scope: operation.scope?.(asked.value as never) ?? {}, hidden: [] };
  return { scope: targetOf({ folder, path, host }), hidden: hiddenOf(operation) };
}

/** Said no before the call ran. */
const refusedCodes: ReadonlySet<string> = new Set([
  Denied.code,
  "arw.budget-exceeded",
  "arw.halted",
  "arw.too-many-requests",
]);

/** No policy has such a name, so none decided. */
const isOfOthers = (rule: string | undefined): boolean =>
  rule === undefined || rule.startsWith("built-in:") || rule.startsWith("access.token:");

function callerNamed(name: string): Pick<Caller, "kind" | "id"> {
  const cut = name.indexOf(":");
  return { kind: name.slice(0, cut) as Caller["kind"], id: name.slice(cut + 1) };
}
