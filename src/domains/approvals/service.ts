/** Asks a person before a call runs, waits for the answer, and lets exactly that call go on. */
import { abortable } from "../../base/async.ts";
import { type Caller, callerName } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context, type Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied, NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { EnqueueRequest } from "../../kernel/kernel.ts";
import type { Approvals, BlobStore, Clock, Decision, HeldCall, Log, Redactor } from "../../kernel/ports.ts";
import {
  AlreadyAnswered,
  type Approval,
  ApprovalCancelled,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRequested,
  Decide,
} from "./contract.ts";
import { createQuestions, type Questions } from "./questions.ts";
import { approvals as view } from "./views.ts";

interface ApprovalsDeps {
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly blobs: BlobStore;
  readonly timeoutMs: number;
}

/** A longer diff is cut; the card says so, and the whole text stands in the arguments. */
const diffCharactersMax = 290_000;
const waitingMax = 5000;
const hub: Caller = { kind: "system", id: "hub" };

export interface ApprovalsService {
  readonly domain: Domain;
  readonly port: Approvals;
  /** Takes every waiting question back: whoever waits is refused, and no answer lets its call pass any more. */
  withdrawAll(reason: string): Promise<void>;
}

export function createApprovals(deps: ApprovalsDeps): ApprovalsService {
  const { parts } = deps;
  const row = (approvalId: string): Approval | undefined => parts.kernel.views.get(view, approvalId);
  const questions = createQuestions({ clock: deps.clock, log: deps.log, expire: (approvalId) => expire(approvalId) });
  const expire = async (approvalId: string): Promise<void> => {
    const waiting = row(approvalId);
    if (waiting?.status !== "waiting" || !questions.claim(approvalId)) return;
    const reason = "nobody answered in time";
    const actor = parts.act({ caller: hub, corrId: waiting.corrId });
    await answer({ approvalId, questions, decision: { kind: "denied", reason } }, () => [
      actor.emit(ApprovalExpired, { approvalId, reason }),
    ]);
  };

  const port: Approvals = {
    async request(call) {
      return { approvalId: await ask(call, deps, questions) };
    },
    async decision(approvalId, signal) {
      const known = row(approvalId);
      if (known !== undefined && known.status !== "waiting") {
        return known.status === "granted"
          ? { kind: "granted" }
          : { kind: "denied", reason: known.reason ?? `the question was ${known.status}` };
      }
      try {
        return await abortable(questions.answer(approvalId), signal);
      } catch (error) {
        const isMine = questions.claim(approvalId);
        questions.settle(approvalId, { kind: "denied", reason: "the caller left" });
        if (known !== undefined && isMine) await withdraw(parts, known, "the caller left before anybody answered");
        throw error;
      }
    },
    isGranted(approvalId, call) {
      const known = row(approvalId);
      return known?.status === "granted" && known.operation === call.operation && known.argsDigest === call.argsDigest;
    },
  };

  return {
    port,
    withdrawAll: (reason) => withdrawAll(reason, { parts, questions }),
    domain: {
      name: "approvals",
      operations: [bind(Decide, (input, ctx) => decide(input, { ctx, deps, questions }))],
      events: [ApprovalRequested, ApprovalGranted, ApprovalDenied, ApprovalExpired, ApprovalCancelled],
      views: [view],
      async start() {
        const waiting = parts.kernel.views.list(view, {
          limit: waitingMax,
          where: (each) => each.status === "waiting",
        });
        for (const { row: each } of waiting.rows) {
          const { approvalId, expiresAtMs, requestedAtMs } = each;
          if (each.isResumable) questions.open(approvalId, { expiresAtMs, timeoutMs: expiresAtMs - requestedAtMs });
          else await withdraw(parts, each, "the hub ended while the caller waited");
        }
      },
    },
  };
}

interface Deciding {
  readonly ctx: Context;
  readonly deps: ApprovalsDeps;
  readonly questions: Questions;
}

async function decide(
  { approvalId, decision, reason }: Static<typeof Decide.input>,
  { ctx, deps, questions }: Deciding,
): Promise<Approval> {
  const { parts } = deps;
  const row = (): Approval | undefined => parts.kernel.views.get(view, approvalId);
  const known = row();
  if (known === undefined) throw new Problem(NotFound, `there is no approval ${approvalId}`);
  if (known.status !== "waiting") {
    throw new Problem(AlreadyAnswered, `approval ${approvalId} is ${known.status}`, { answer: known.status });
  }
  // Only a person answers: whoever waits must not let itself pass.
  if (ctx.caller.kind !== "person")
    throw new Problem(Denied, "only a person can answer", { rule: "built-in:person-answers", source: "built-in" });
  const isAllowed = decision === "allow";
  const said = { approvalId, ...(reason === undefined ? {} : { reason }) };
  const call = isAllowed && known.isResumable ? await heldCall(known, deps) : null;
  if (!questions.claim(approvalId)) {
    throw new Problem(AlreadyAnswered, `approval ${approvalId} is being answered`, { answer: row()?.status });
  }
  const actor = parts.act({ caller: ctx.caller, corrId: known.corrId });
  const told: Decision = isAllowed
    ? { kind: "granted" }
    : { kind: "denied", reason: reason ?? `denied by ${callerName(ctx.caller)}` };
  // Both in one turn, so that they share a commit: a hub that ends in between has written neither or both.
  await answer({ approvalId, questions, decision: told }, () => [
    actor.emit(isAllowed ? ApprovalGranted : ApprovalDenied, said),
    ...(call === null ? [] : [parts.kernel.queue.enqueue(call)]),
  ]);
  return row() ?? known;
}

/** Writes the answer of a claimed question, then tells whoever waits; what cannot be written is no answer. */
async function answer(
  given: { readonly approvalId: string; readonly questions: Questions; readonly decision: Decision },
  write: () => readonly Promise<unknown>[],
): Promise<void> {
  try {
    await Promise.all(write());
  } catch (error) {
    given.questions.release(given.approvalId);
    throw error;
  }
  given.questions.settle(given.approvalId, given.decision);
}

/** Writes the question down: what would be done with which arguments, by whom, and which rule asks. */
async function ask(
  call: Parameters<Approvals["request"]>[0],
  { parts, blobs, redactor, timeoutMs }: ApprovalsDeps,
  questions: Questions,
): Promise<string> {
  const actor = parts.act({ caller: call.caller, corrId: call.corrId });
  const approvalId = actor.id();
  const expiresAtMs = actor.now() + timeoutMs;
  const { folder, path } = call.scope;
  const { summary, diff, canUndo } = call.preview;
  const inputRef = call.isResumable ? await blobs.put(new TextEncoder().encode(JSON.stringify(call.input))) : null;
  // Its row is seen a moment before the disk has it, and whoever sees it may answer.
  questions.open(approvalId, { expiresAtMs, timeoutMs });
  const asked = actor.emit(ApprovalRequested, {
    approvalId,
    operation: call.operation,
    key: call.key,
    input: redactor.value(shownInput(call)),
    argsDigest: call.argsDigest,
    ...(folder === undefined ? {} : { folder }),
    ...(path === undefined ? {} : { path }),
    caller: { kind: call.caller.kind, id: call.caller.id },
    rule: call.ruling.rule,
    summary: summary.slice(0, 500),
    ...(diff === undefined ? {} : { diff: shownDiff(redactor.text(diff)) }),
    canUndo,
    expiresAtMs,
    isResumable: call.isResumable,
    ...(inputRef === null ? {} : { inputRef }),
  });
  try {
    await asked;
  } catch (error) {
    questions.settle(approvalId, { kind: "denied", reason: "the question could not be written" });
    throw error;
  }
  return approvalId;
}

/** Text that the diff shows anyway is not shown twice. */
function shownInput(call: HeldCall): unknown {
  if (call.preview.diff === undefined || typeof call.input !== "object" || call.input === null) return call.input;
  const entries = Object.entries(call.input).map(([name, value]) =>
    typeof value === "string" && value.length > 1000
      ? [name, `${value.length} characters, see the diff`]
      : [name, value],
  );
  return Object.fromEntries(entries);
}

const shownDiff = (diff: string): string =>
  diff.length <= diffCharactersMax
    ? diff
    : `${diff.slice(0, diffCharactersMax)}\n… the diff goes on for ${diff.length - diffCharactersMax} characters`;

async function withdrawAll(
  reason: string,
  { parts, questions }: { readonly parts: KernelParts; readonly questions: Questions },
): Promise<void> {
  const where = (each: Approval): boolean => each.status === "waiting";
  const waiting = parts.kernel.views.list(view, { limit: waitingMax, where }).rows.map((each) => each.row);
  const claimed = waiting.filter(({ approvalId }) => questions.claim(approvalId));
  const decision: Decision = { kind: "denied", reason };
  await Promise.all(
    claimed.map((each) =>
      answer({ approvalId: each.approvalId, questions, decision }, () => [withdraw(parts, each, reason)]),
    ),
  );
}

async function withdraw(parts: KernelParts, waiting: Approval, reason: string): Promise<void> {
  const actor = parts.act({ caller: hub, corrId: waiting.corrId });
  await actor.emit(ApprovalCancelled, { approvalId: waiting.approvalId, reason });
}

/** A caller that did not wait: the queue makes the very call that was shown. */
async function heldCall(known: Approval, { parts, blobs }: ApprovalsDeps): Promise<EnqueueRequest> {
  const requested = parts.kernel.journal.read({
    corrId: known.corrId,
    kinds: [ApprovalRequested.kind],
    limit: waitingMax,
  });
  const asked = requested
    .map((each) => each.data as { approvalId: string; inputRef?: string })
    .find((each) => each.approvalId === known.approvalId);
  const bytes = asked?.inputRef === undefined ? null : await blobs.get(asked.inputRef);
  if (bytes === null) throw new Problem(NotFound, "the held call's input is no longer kept; make the call again");
  return {
    operation: parts.kernel.table.operations.get(known.operation)?.operation as Operation,
    payload: JSON.parse(new TextDecoder().decode(bytes)),
    caller: known.caller,
    corrId: known.corrId,
    approvalId: known.approvalId,
    attemptsMax: 1,
  };
}
