/** Approvals: calls that wait until a person answers. */
import { Caller } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, Digest, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";

export const ApprovalId = Type.String({ minLength: 1, maxLength: 64 });

export const ApprovalRequested = event({
  kind: "approvals.requested",
  about: "A call waits for a person.",
  data: closed({
    approvalId: ApprovalId,
    operation: Type.String({ maxLength: 200 }),
    key: Type.String({ maxLength: 200 }),
    input: Type.Unknown({ description: "The exact arguments, redacted." }),
    argsDigest: Digest,
    folder: Type.Optional(Type.String({ maxLength: 4096 })),
    path: Type.Optional(Type.String({ maxLength: 4096 })),
    caller: Caller,
    rule: Type.String({ maxLength: 500, description: "Which rule asks." }),
    summary: Type.String({ maxLength: 500 }),
    diff: Type.Optional(Type.String({ maxLength: 300_000, description: "Exact unified diff of what would change." })),
    canUndo: Type.Boolean(),
    expiresAtMs: EpochMs,
    /** False when the caller waits inside its call and would be gone after a restart. */
    isResumable: Type.Boolean(),
    /** Where the exact input is kept for a call that is resumed by the queue. */
    inputRef: Type.Optional(Digest),
  }),
});
const Answer = { approvalId: ApprovalId, reason: Type.Optional(Type.String({ maxLength: 500 })) };
export const ApprovalGranted = event({
  kind: "approvals.granted",
  about: "A person allowed the call once.",
  data: closed(Answer),
});
export const ApprovalDenied = event({ kind: "approvals.denied", about: "A person said no.", data: closed(Answer) });
export const ApprovalExpired = event({
  kind: "approvals.expired",
  about: "Nobody answered in time, which counts as no.",
  data: closed(Answer),
});
export const ApprovalCancelled = event({
  kind: "approvals.cancelled",
  about: "The caller left before anybody answered.",
  data: closed(Answer),
});

export const approvalStatuses = ["waiting", "granted", "denied", "expired", "cancelled"] as const;
export const Approval = closed({
  approvalId: ApprovalId,
  status: oneOf(approvalStatuses),
  operation: Type.String(),
  key: Type.String(),
  input: Type.Unknown(),
  argsDigest: Digest,
  folder: Type.Optional(Type.String()),
  path: Type.Optional(Type.String()),
  caller: Caller,
  corrId: CorrelationId,
  rule: Type.String(),
  summary: Type.String(),
  diff: Type.Optional(Type.String()),
  canUndo: Type.Boolean(),
  isResumable: Type.Boolean(),
  requestedAtMs: EpochMs,
  expiresAtMs: EpochMs,
  answeredAtMs: Type.Optional(EpochMs),
  answeredBy: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
});
export type Approval = Static<typeof Approval>;

export const AlreadyAnswered = problem({
  code: "approvals.already-answered",
  status: 409,
  title: "Already answered",
  about: "The question was answered, expired or withdrawn before. `answer` says which.",
});

export const Decide = op({
  id: "approvals.decide",
  http: "POST /approvals/{approvalId}/decide",
  cli: "approvals decide <approvalId> <decision>",
  effect: "write",
  about: "Answer a call that waits: allow it once, or deny it.",
  input: closed({
    approvalId: ApprovalId,
    decision: oneOf(["allow", "deny"]),
    reason: Type.Optional(Type.String({ maxLength: 500, description: "Kept with the answer." })),
  }),
  output: Approval,
  problems: [NotFound, AlreadyAnswered],
  emits: [ApprovalGranted, ApprovalDenied],
});
