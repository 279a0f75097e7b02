/** Episodes: everything one run of an agent read, concluded, wanted, did and was refused, joined by its correlation id. */
import type { KeptResult } from "../../base/kept-result.ts";
import { labels } from "../../contract/caller.ts";
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
  Seq,
  SizeBytes,
  type Static,
  Type,
} from "../../contract/schema.ts";
import { InvalidInput, NotFound } from "../../contract/standard-problems.ts";
import { ConfigurationValues } from "../system/contract.ts";

export const Step = Type.Integer({ minimum: 1, description: "Number of the tool call within the run, from 1." });
export const Tool = Type.String({ maxLength: 200, description: "Operation id of the tool." });
export const Summary = Type.String({ maxLength: 500, description: "One plain line." });
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

/** A value beside the answers: whole, or in the blob store under `valueRef`, or its digest and size alone. */
export const KeptValue = closed({
  digest: Digest,
  sizeBytes: SizeBytes,
  value: Type.Optional(Type.Unknown()),
  valueRef: Type.Optional(Digest),
});
export type KeptValue = Static<typeof KeptValue>;

export const keptValue = ({ kept, resultRef, resultSizeBytes, result }: KeptResult): KeptValue => ({
  digest: resultRef,
  sizeBytes: resultSizeBytes,
  ...(kept === "inline" ? { value: result } : {}),
  ...(kept === "blob" ? { valueRef: resultRef } : {}),
});
/** What a program of others asked for, redacted. Agents of this hub make their calls again in a replay, and need no such record. */
const OfOthers = { asked: Type.Optional(KeptValue) };

export const targetFields = {
  folder: Type.Optional(Type.String({ maxLength: 4096 })),
  path: Type.Optional(Type.String({ maxLength: 4096 })),
  host: Type.Optional(Type.String({ maxLength: 300, description: "Host and port, such as `example.org:443`." })),
};
const Target = closed(targetFields);
/** What a step reached outside the hub. */
export type Target = Static<typeof Target>;

export function targetOf({ folder, path, host }: { [Name in keyof Target]?: string | undefined }): Target {
  const target: Target = {};
  if (folder !== undefined) target.folder = folder;
  if (path !== undefined) target.path = path;
  if (host !== undefined) target.host = host;
  return target;
}

const Labelled = {
  label: Type.Optional(oneOf(labels, "Whose words the answer may hold; it stays on the calls that follow.")),
};
/** What a step that did not succeed told the agent is no recorded result, and is named by its digest all the same. */
const Told = {
  resultRef: Type.Optional(Digest),
  extra: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: "What the agent was told beside the words." }),
  ),
};

export const ObservationRecorded = event({
  kind: "observations.recorded",
  about: "An agent read something through a tool.",
  data: closed({ agent: Agent, summary: Summary, ...targetFields, ...Labelled, ...OfOthers, recorded: Recorded }),
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
  data: closed({ agent: Agent, step: Step, tool: Tool, summary: Summary, ...targetFields, argsDigest: Digest }),
});
export const ActionApplied = event({
  kind: "actions.applied",
  about: "A change that an agent wanted was made.",
  data: closed({ agent: Agent, summary: Summary, ...targetFields, ...Labelled, ...OfOthers, recorded: Recorded }),
});
export const ActionRefused = event({
  kind: "actions.refused",
  about: "A tool call of an agent was refused by a rule or a person; nothing was done.",
  data: closed({
    agent: Agent,
    step: Step,
    tool: Tool,
    summary: Summary,
    ...targetFields,
    ...Labelled,
    ...Told,
    ...OfOthers,
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
    ...targetFields,
    ...Labelled,
    ...Told,
    ...OfOthers,
    argsDigest: Digest,
    code: Type.String({ maxLength: 200 }),
    error: Type.String({ maxLength: 1000 }),
  }),
});

export const episodeStatuses = ["running", "waiting", "finished", "failed", "cancelled", "interrupted"] as const;
const Count = Type.Integer({ minimum: 0 });
/** What is not known is said so: a number made up would be believed. */
const unknown = Type.Literal("unknown");
/** Items that a row names; further ones are counted. */
export const episodeListsMax = {
  actors: 16,
  projects: 16,
  kinds: 64,
  errorItems: 8,
  decisions: 32,
  approvals: 32,
  files: 32,
  sourcesEach: 8,
};
const More = Type.Integer({ minimum: 0, description: "Mentions of further ones, which the row has no room for." });
export const approvalOutcomes = ["waiting", "granted", "denied", "expired", "cancelled"] as const;
/** A value that a run learned, by whose label its calls are ruled. */
export const EpisodeSource = closed({
  label: oneOf(labels),
  step: Step,
  tool: Tool,
  summary: Summary,
  target: Type.Optional(Type.String({ maxLength: 300, description: "File, host or folder that it came from." })),
  digest: Digest,
  isDeclassified: Type.Boolean({ description: "A person said that it gives no label any more." }),
});
export type EpisodeSource = Static<typeof EpisodeSource>;
const Metered = Type.Union([Count, unknown]);
/** What models took of an episode. One answer that nobody counted makes a sum unknown: it would be one with a hole. */
export const ModelsMeter = closed({
  asked: Type.Integer({ minimum: 0, description: "How often models were asked, failures included." }),
  failed: Count,
  inputTokens: Metered,
  outputTokens: Metered,
  cachedTokens: Type.Union([Count, unknown], { description: "Of the input, those that were in a cache." }),
  microUsd: Type.Union([Count, unknown], {
    description: "Millionths of a USD, by the price list of each call's moment.",
  }),
  durationMs: DurationMs,
});
export type ModelsMeter = Static<typeof ModelsMeter>;
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
  errors: Type.Integer({ minimum: 0, description: "Events that tell of an error; `error: null` tells of none." }),
  errorItems: Type.Array(
    closed({ seq: Count, kind: Type.String(), code: Type.Optional(Type.String()), text: Type.String() }),
    { maxItems: episodeListsMax.errorItems, description: "The first errors, which usually tell the cause." },
  ),
  refusals: Count,
  counts: closed({
    events: Count,
    observations: Count,
    beliefs: Count,
    intents: Count,
    actions: Count,
    approvals: Count,
  }),
  actors: Type.Array(Type.String(), {
    maxItems: episodeListsMax.actors,
    description: "Who caused its events, such as `agent:scout` or `person:admin`.",
  }),
  actorsMore: More,
  projects: Type.Array(Type.String(), { maxItems: episodeListsMax.projects, description: "Folders that it touched." }),
  projectsMore: More,
  kinds: Type.Array(closed({ kind: Type.String(), count: Count }), { maxItems: episodeListsMax.kinds }),
  kindsMore: Type.Integer({ minimum: 0, description: "Events of kinds that the row does not name." }),
  decisions: Type.Array(closed({ seq: Count, rule: Type.String(), decision: oneOf(["ask", "deny"]) }), {
    maxItems: episodeListsMax.decisions,
    description: "Rules that held a call or refused it.",
  }),
  decisionsMore: More,
  approvals: Type.Array(closed({ approvalId: Type.String(), seq: Count, outcome: oneOf(approvalOutcomes) }), {
    maxItems: episodeListsMax.approvals,
  }),
  approvalsMore: More,
  files: Type.Array(closed({ path: Type.String(), seq: Count, sizeBytes: Type.Union([SizeBytes, unknown]) }), {
    maxItems: episodeListsMax.files,
    description: "Files that were changed, each with its newest size.",
  }),
  filesMore: Type.Integer({ minimum: 0, description: "Changes of files that the row does not name." }),
  givenLabels: Type.Array(oneOf(labels), { maxItems: labels.length, description: "Labels of what the run was given." }),
  sources: Type.Array(EpisodeSource, {
    maxItems: episodeListsMax.sourcesEach * labels.length,
    description: "What the calls of the run are built from: the first values of each label.",
  }),
  sourcesMore: Type.Integer({ minimum: 0, description: "Further values, which the row has no room for." }),
  tokens: Type.Union([Count, unknown], { description: "Tokens of models, in and out together." }),
  costUsd: Type.Union([Type.Number({ minimum: 0 }), unknown]),
  models: ModelsMeter,
  waitingApprovalIds: Type.Array(Type.String(), { maxItems: 64 }),
  waitingQuestionIds: Type.Array(Type.String(), { maxItems: 64, description: "What it asked its person in words." }),
  firstSeq: Count,
  firstKind: Type.String(),
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
  needs: ["hub:read"],
  isReadPastRules: true,
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

/** One row of the truth window: an event of a family, without the recorded result. */
export const WindowRow = closed({
  seq: Seq,
  timeMs: EpochMs,
  kind: Type.String(),
  corrId: CorrelationId,
  caller: Type.String(),
  data: Type.Unknown({ description: "The event's data, without the recorded result." }),
});
export type WindowRow = Static<typeof WindowRow>;

/** Parts of one answer; a long episode comes in several. */
export const snapshotPartsMax = 5000;
const Parts = Type.Array(WindowRow);
export const Snapshot = op({
  id: "episodes.snapshot",
  http: "GET /episodes/{id}/snapshot",
  cli: "episodes snapshot <id>",
  effect: "read",
  isTool: true,
  needs: ["hub:read"],
  about: "Show one episode as it stood at a position of the journal, with its parts and the configuration of its time.",
  input: closed({
    id: CorrelationId,
    at: Type.Optional(Type.Integer({ minimum: 1, description: "Position in the journal; the newest unless given." })),
    afterSeq: Type.Optional(Type.Integer({ minimum: 0, description: "Only parts that came after this position." })),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: snapshotPartsMax, default: 1000, description: "Parts of one answer." }),
    ),
  }),
  output: closed({
    at: Seq,
    episode: Episode,
    observations: Parts,
    beliefs: Parts,
    intents: Parts,
    actions: Parts,
    approvals: Parts,
    configuration: Type.Union(
      [closed({ seq: Seq, timeMs: EpochMs, version: Type.String(), values: ConfigurationValues }), Type.Null()],
      {
        description: "In force when the episode began, secrets cut out; null when nothing was recorded by then.",
      },
    ),
    nextAfterSeq: Type.Union([Type.Integer(), Type.Null()]),
  }),
  problems: [NotFound, InvalidInput],
});
