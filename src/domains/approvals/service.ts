/** Asks a person before a call runs, waits for the answer, and lets exactly that call go on. */
import { abortable } from "../../base/async.ts";
import { createWaitingRoom } from "../../base/waiting-room.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Approvals, BlobStore, Brake, Clock, Decision, Log, Redactor } from "../../kernel/ports.ts";
import { ask } from "./ask.ts";
import {
  type Approval,
  ApprovalCancelled,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRequested,
  Decide,
  type Source,
} from "./contract.ts";
import { type Answer, decide, type DecideDeps, type LeaseDesk, settle } from "./decide.ts";
import type { WaitingCall } from "./questions.ts";
import { type ExitDesk, turnedBack } from "./turned-back.ts";
import { approvals as view } from "./views.ts";

export interface ApprovalsDeps extends ExitDesk {
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly blobs: BlobStore;
  readonly timeoutMs: number;
  /** The emergency stop; asked late, as it ends questions itself. */
  readonly brake?: () => Pick<Brake, "check">;
  readonly leases: () => LeaseDesk;
  /** What the calls of an episode are built from, as far as it is known. */
  readonly sourcesOf?: (corrId: string) => readonly Source[];
}

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
  const questions = createWaitingRoom<Decision, WaitingCall>({
    clock: deps.clock,
    log: deps.log,
    unexpired: "an approval could not expire",
    expire: (approvalId) => expire(approvalId),
  });
  const expire = async (approvalId: string): Promise<void> => {
    const waiting = row(approvalId);
    if (waiting?.status !== "waiting" || !questions.claim(approvalId)) return;
    const reason = "nobody answered in time";
    const actor = parts.act({ caller: hub, corrId: waiting.corrId });
    const write: Answer["write"] = () => [
      actor.emit(ApprovalExpired, { approvalId, reason }),
      ...turnedBack(waiting, reason, deps),
    ];
    await settle(questions, [{ approvalId, decision: { kind: "denied", reason }, write }]);
  };

  const port: Approvals = {
    async request(call) {
      return { approvalId: await ask(call, { ...deps, questions }) };
    },
    async decision(approvalId, signal) {
      const answer = questions.answer(approvalId);
      if (answer === null) return formerAnswer(row(approvalId));
      try {
        return await abortable(answer, signal);
      } catch (error) {
        const known = row(approvalId);
        if (questions.claim(approvalId) && known?.status === "waiting")
          await withdraw(parts, known, "the caller left before anybody answered");
        throw error;
      } finally {
        questions.forget(approvalId);
      }
    },
    isAnswer: (operation) => operation === Decide.id,
    isGranted(approvalId, call) {
      const known = row(approvalId);
      if (known?.status !== "granted" || known.operation !== call.operation) return false;
      return (known.edited ?? known).argsDigest === call.argsDigest;
    },
  };

  return {
    port,
    withdrawAll: (reason) => withdrawAll(reason, { ...deps, questions }),
    domain: {
      name: "approvals",
      operations: [bind(Decide, (input, ctx) => decide(input, ctx, { ...deps, questions }))],
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

/** A question that nobody waits in any more: what was changed in it is gone, so only what was asked may run. */
function formerAnswer(known: Approval | undefined): Decision {
  if (known?.status === "granted" && known.edited === undefined) return { kind: "granted" };
  return { kind: "denied", reason: known?.reason ?? "the question is closed" };
}

async function withdrawAll(
  reason: string,
  { parts, questions, exits }: Pick<DecideDeps, "parts" | "questions" | "exits">,
): Promise<void> {
  const where = (each: Approval): boolean => each.status === "waiting";
  const waiting = parts.kernel.views.list(view, { limit: waitingMax, where }).rows.map((each) => each.row);
  const claimed = waiting.filter(({ approvalId }) => questions.claim(approvalId));
  const decision: Decision = { kind: "denied", reason };
  const answers = claimed.map((each): Answer => {
    const { approvalId } = each;
    return {
      approvalId,
      decision,
      write: () => [withdraw(parts, each, reason), ...turnedBack(each, reason, { exits })],
    };
  });
  await settle(questions, answers);
}

async function withdraw(parts: KernelParts, waiting: Approval, reason: string): Promise<void> {
  const actor = parts.act({ caller: hub, corrId: waiting.corrId });
  await actor.emit(ApprovalCancelled, { approvalId: waiting.approvalId, reason });
}
