/** Approvals: calls that wait until a person answers. */
import { Caller, labels } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, Digest, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { LeaseGranted, TooManyLeases } from "../leases/contract.ts";

export const ApprovalId = Type.String({ minLength: 1, maxLength: 64 });

export const overs = ["path", "folder", "host", "tool"] as const;
const Over = oneOf(overs, "What a lasting answer holds for: this path, this folder, this host, or the tool.");
const Until = Type.String({
  pattern: "^(run|[1-9][0-9]{0,5}(s|m|h|d))$",
  examples: ["run", "15m"],
  description: "`run` for this run of the agent, or a time such as `15m`, `2h` or `7d`; at most 14 days.",
});
export const Lasting = closed(
  {
    until: Until,
    over: Type.Optional(
      oneOf(
        overs,
        "What it holds for: this path, this folder, this host, or the tool; the narrowest offered without it.",
      ),
    ),
  },
  { description: "Allow more than this one call." },
);
export type Lasting = Static<typeof Lasting>;

export const Offer = closed({
  answer: oneOf(["once", "lasting", "edit", "deny"]),
  until: Type.Optional(Until),
  over: Type.Optional(Over),
  words: Type.String({ maxLength: 10_000, description: "Exactly what this answer would allow." }),
});
export type Offer = Static<typeof Offer>;

/** Something that the call was built from. */
export const Source = closed({
  label: Type.String({ maxLength: 20 }),
  step: Type.Integer({ minimum: 0, description: "Which tool call of the run read it." }),
  tool: Type.String({ maxLength: 200 }),
  summary: Type.String({ maxLength: 500 }),
});
export type Source = Static<typeof Source>;
export const sourcesMax = 32;

const Words = Type.String({ maxLength: 500 });
const Diff = Type.String({ maxLength: 300_000 });
/** Absent in questions of older hubs. */
const shown = {
  host: Type.Optional(Type.String({ maxLength: 270 })),
  tool: Type.Optional(Type.String({ maxLength: 300, description: "Tool of an MCP server, as `files/write_file`." })),
  why: Type.Optional(Type.String({ maxLength: 1000, description: "What the rule says for its asking." })),
  ruleSource: Type.Optional(Type.String({ maxLength: 500, description: "Where the rule stands." })),
  effect: Type.Optional(
    Type.String({ maxLength: 200, description: "What the call does, and whether it can be undone." }),
  ),
  needs: Type.Optional(Type.Array(Words, { maxItems: 32, description: "What the tool needs from the world." })),
  labels: Type.Optional(
    Type.Array(oneOf(labels), { maxItems: labels.length, description: "Whose words the call was built from." }),
  ),
  sources: Type.Optional(Type.Array(Source, { maxItems: sourcesMax, description: "What the call was built from." })),
  offers: Type.Optional(Type.Array(Offer, { maxItems: 16, description: "What can be answered." })),
};

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
    ...shown,
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
const Edited = closed(
  {
    input: Type.Unknown({ description: "The arguments that ran, redacted." }),
    argsDigest: Digest,
    changes: Type.String({ maxLength: 300_000, description: "Unified diff of the arguments, redacted." }),
    summary: Words,
    diff: Type.Optional(Diff),
  },
  { description: "What the person made of the call." },
);
const LastingAnswer = closed(
  {
    leaseId: Type.String({ maxLength: 64 }),
    until: Until,
    over: Over,
    endsAtMs: EpochMs,
    words: Offer.properties.words,
  },
  { description: "What was allowed beyond this call." },
);
const Covered = closed(
  { approvalId: ApprovalId, leaseId: Type.String({ maxLength: 64 }) },
  { description: "The answer to another question that answered this one, too." },
);
const answeredWith = {
  edited: Type.Optional(Edited),
  lasting: Type.Optional(LastingAnswer),
  coveredBy: Type.Optional(Covered),
};

/** Where an answer was given that came by no door of the hub's own. */
const Via = Type.Optional(
  oneOf(["elicitation"], "The program of the agent that asks put the question, and brought this answer (MCP)."),
);
const Answer = { approvalId: ApprovalId, reason: Type.Optional(Type.String({ maxLength: 500 })) };
export const ApprovalGranted = event({
  kind: "approvals.granted",
  about: "A person allowed the call, as it was asked or with arguments that they changed.",
  data: closed({ ...Answer, ...answeredWith, via: Via }),
});
export const ApprovalDenied = event({
  kind: "approvals.denied",
  about: "A person said no.",
  data: closed({ ...Answer, via: Via }),
});
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
  ...shown,
  summary: Type.String(),
  diff: Type.Optional(Type.String()),
  canUndo: Type.Boolean(),
  isResumable: Type.Boolean(),
  requestedAtMs: EpochMs,
  expiresAtMs: EpochMs,
  answeredAtMs: Type.Optional(EpochMs),
  answeredBy: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  via: Via,
  ...answeredWith,
});
export type Approval = Static<typeof Approval>;

export const AlreadyAnswered = problem({
  code: "approvals.already-answered",
  status: 409,
  title: "Already answered",
  about: "The question was answered, expired or withdrawn before. `answer` says which.",
});

export const BadAnswer = problem({
  code: "approvals.bad-answer",
  status: 400,
  title: "Not an answer to this question",
  about:
    "The answer contradicts itself, or allows more than the question offers. `next` says what can be answered; the question stays open.",
});
export const EditRefused = problem({
  code: "approvals.edit-refused",
  status: 422,
  title: "The changed call cannot be made",
  about: "The tool refuses the arguments as they were changed, as the detail says; the question stays open.",
});

export const Decide = op({
  id: "approvals.decide",
  http: "POST /approvals/{approvalId}/decide",
  cli: "approvals decide <approvalId> <decision>",
  effect: "write",
  isWayOut: true,
  isForPersons: true,
  // A no starts nothing; a yes to a call that may not run now is refused.
  isOpenWhenHalted: true,
  about: "Answer a call that waits: allow it once, with other arguments or for longer, or deny it.",
  input: closed({
    approvalId: ApprovalId,
    decision: oneOf(["allow", "deny"]),
    lasting: Type.Optional(Lasting),
    input: Type.Optional(
      Type.Record(Type.String({ maxLength: 200 }), Type.Unknown(), {
        maxProperties: 64,
        description: "Arguments to change before the call is made; those that are not named stay as they were asked.",
      }),
    ),
    reason: Type.Optional(Type.String({ maxLength: 500, description: "Kept with the answer." })),
    via: Via,
  }),
  output: Approval,
  problems: [NotFound, AlreadyAnswered, BadAnswer, EditRefused, TooManyLeases],
  emits: [ApprovalGranted, ApprovalDenied, LeaseGranted],
});
