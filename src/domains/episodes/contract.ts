/** Episodes: everything one run of an agent read, concluded, wanted, did and was refused, joined by its correlation id. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import {
  closed,
  CorrelationId,
  Digest,
  DurationMs,
  EpochMs,
  oneOf,
  RelativePath,
  SizeBytes,
  type Static,
  Type,
} from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";

const Step = Type.Integer({ minimum: 1, description: "Number of the tool call within the run, from 1." });
const Tool = Type.String({ maxLength: 200, description: "Operation id of the tool." });
const Summary = Type.String({ maxLength: 500, description: "One plain line." });
const Agent = Type.String({ maxLength: 120 });

/** What the recorder keeps of one tool call: enough to replay it without touching the world. */
export const Recorded = closed({
  step: Step,
  tool: Tool,
  argsDigest: Digest,
  resultRef: Digest,
  resultSizeBytes: SizeBytes,
  /** The result itself when it is small, else it is in the blob store under `resultRef`, or only its digest and size are kept. */
  result: Type.Optional(Type.Unknown()),
  kept: oneOf(["inline", "blob", "digest"]),
  atMs: EpochMs,
  durationMs: DurationMs,
});
export type Recorded = Static<typeof Recorded>;

const Target = {
  folder: Type.Optional(Type.String({ maxLength: 4096 })),
  path: Type.Optional(Type.String({ maxLength: 4096 })),
};

export const ObservationRecorded = event({
  kind: "observations.recorded",
  about: "An agent read something through a tool.",
  data: closed({ agent: Agent, summary: Summary, ...Target, recorded: Recorded }),
});
export const BeliefHeld = event({
  kind: "beliefs.held",
  about: "An agent concluded something from what it read.",
  data: closed({
    agent: Agent,
    statement: Type.String({ maxLength: 1000 }),
    sources: Type.Array(closed({ path: RelativePath, line: Type.Integer({ minimum: 1 }) }), { maxItems: 20 }),
    topic: Type.String({ maxLength: 80 }),
  }),
});
export const IntentProposed = event({
  kind: "intents.proposed",
  about: "An agent wants to change something.",
  data: closed({ agent: Agent, step: Step, tool: Tool, summary: Summary, ...Target, argsDigest: Digest }),
});
export const ActionApplied = event({
  kind: "actions.applied",
  about: "A change that an agent wanted was made.",
  data: closed({ agent: Agent, summary: Summary, ...Target, recorded: Recorded }),
});
export const ActionRefused = event({
  kind: "actions.refused",
  about: "A tool call of an agent was refused by a rule or a person; nothing was done.",
  data: closed({
    agent: Agent,
    step: Step,
    tool: Tool,
    summary: Summary,
    ...Target,
    argsDigest: Digest,
    code: Type.String({ maxLength: 200 }),
    rule: Type.Optional(Type.String({ maxLength: 500 })),
    reason: Type.String({ maxLength: 1000 }),
  }),
});
export const ActionFailed = event({
  kind: "actions.failed",
  about: "A tool call of an agent failed.",
  data: closed({
    agent: Agent,
    step: Step,
    tool: Tool,
    summary: Summary,
    ...Target,
    argsDigest: Digest,
    code: Type.String({ maxLength: 200 }),
    error: Type.String({ maxLength: 1000 }),
  }),
});

export const episodeStatuses = ["running", "waiting", "finished", "failed", "cancelled", "interrupted"] as const;
const Count = Type.Integer({ minimum: 0 });
export const Episode = closed({
  id: CorrelationId,
  title: Type.String(),
  agent: Type.String(),
  model: Type.String({ description: "`none` when no model takes part." }),
  status: oneOf(episodeStatuses),
  folder: Type.Optional(Type.String()),
  startedAtMs: EpochMs,
  lastAtMs: EpochMs,
  endedAtMs: Type.Optional(EpochMs),
  durationMs: DurationMs,
  outcome: Type.Optional(Type.String({ description: "What the run says of its end, in one line." })),
  errors: Count,
  refusals: Count,
  counts: closed({
    events: Count,
    observations: Count,
    beliefs: Count,
    intents: Count,
    actions: Count,
    approvals: Count,
  }),
  waitingApprovalIds: Type.Array(Type.String(), { maxItems: 64 }),
  firstSeq: Count,
  lastSeq: Count,
  lastKind: Type.String(),
});
export type Episode = Static<typeof Episode>;

export const StoryLine = closed({
  seq: Count,
  timeMs: EpochMs,
  kind: Type.String(),
  family: oneOf(["run", "observation", "belief", "intent", "action", "approval", "other"]),
  text: Type.String({ description: "The event as one plain sentence." }),
  isError: Type.Boolean(),
  data: Type.Unknown(),
});
export type StoryLine = Static<typeof StoryLine>;

export const Show = op({
  id: "episodes.show",
  http: "GET /episodes/{id}",
  cli: "episodes show <id>",
  effect: "read",
  isTool: true,
  about: "Tell one episode as a story, event by event.",
  input: closed({
    id: CorrelationId,
    afterSeq: Type.Optional(Type.Integer({ minimum: 0, description: "Only what came after this position." })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000, default: 1000 })),
  }),
  output: closed({
    episode: Episode,
    story: Type.Array(StoryLine),
    nextAfterSeq: Type.Union([Type.Integer(), Type.Null()]),
  }),
  problems: [NotFound],
});
