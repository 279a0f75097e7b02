/** What a run capsule says of itself, and how large it may be. */
import { Grant, labels } from "../../contract/caller.ts";
import { closed, CorrelationId, Digest, EpochMs, oneOf, SizeBytes, type Static, Type } from "../../contract/schema.ts";

/** Layout of the file and of its manifest. A hub reads this one and all before it. */
export const formatNewest = 1;
/** A capsule is read into memory as a whole. A run of 1,000 steps with 30 kB of answers each fits. */
export const capsuleBytesMax = 67_108_864;
/** A run with more events than this is no run that somebody replays. */
export const eventsMax = 200_000;
/** The journal, the conditions, the configuration and the blobs. */
export const partsMax = 10_000;
export const listMax = 1_000;

export const Count = Type.Integer({ minimum: 0 });
export const Text = (maxLength: number, description?: string) =>
  Type.String({ maxLength, ...(description === undefined ? {} : { description }) });

export const partKinds = ["journal", "conditions", "configuration", "blob"] as const;
export const Part = closed({
  kind: oneOf(partKinds, "`blob` is a recorded answer, or a file as it was before it was changed."),
  digest: Digest,
  sizeBytes: SizeBytes,
});
export type Part = Static<typeof Part>;

/** A file that a step of the run changed, with its content before and after, by digest. */
export const ChangedFile = closed({
  step: Type.Integer({ minimum: 1 }),
  tool: Text(200),
  folder: Type.Optional(Text(4096)),
  path: Text(4096),
  before: Type.Union([Digest, Type.Null()], { description: "Null where there was no file." }),
  after: Digest,
  sizeBytes: Type.Union([SizeBytes, Type.Null()], { description: "After the step." }),
});
export type ChangedFile = Static<typeof ChangedFile>;

/** What the run worked under. `null` stands for what nobody recorded: it is not made up from what holds today. */
export const InForce = closed({
  recordedAtMs: Type.Union([EpochMs, Type.Null()], {
    description: "Null: nothing was recorded at the time of the run.",
  }),
  conditions: Type.Union([Digest, Type.Null()], { description: "The part with all texts of it." }),
  policies: Type.Union([Count, Type.Null()]),
  policyDigest: Type.Union([Digest, Type.Null()]),
  contracts: Type.Union([Count, Type.Null()]),
  contractsDigest: Type.Union([Digest, Type.Null()]),
  allowances: Type.Union([Count, Type.Null()]),
  allowancesDigest: Type.Union([Digest, Type.Null()]),
  configuration: Type.Union([Digest, Type.Null()], { description: "The part with the configuration of the time." }),
});
export type InForce = Static<typeof InForce>;

/** What a capsule says of itself; signed, and the capsule's digest is the digest of this. */
export const Manifest = closed({
  format: Type.Integer({ minimum: 1, description: "Layout of the capsule." }),
  run: closed({
    episode: CorrelationId,
    agent: Text(120),
    model: Text(120, "`none` when no model took part."),
    title: Text(300),
    status: oneOf(["finished", "failed", "cancelled", "interrupted", "none"], "`none`: the episode is no run."),
    folder: Type.Optional(Text(4096)),
    startedAtMs: EpochMs,
    endedAtMs: Type.Union([EpochMs, Type.Null()]),
    nodes: Type.Array(Text(200), { minItems: 1, maxItems: 16, description: "Hubs whose events are in it." }),
    labels: Type.Array(oneOf(labels), { maxItems: labels.length }),
  }),
  program: closed({
    asOf: oneOf(
      ["run", "export"],
      "Whether what follows was recorded with the run, or is of the hub that exported it.",
    ),
    version: Text(100),
    nodeVersion: Text(100),
    tableHash: Text(100, "Digest of the table of operations, events and problems."),
  }),
  grants: Type.Array(Grant, { maxItems: 64 }),
  tools: Type.Array(Text(200), { maxItems: 128, description: "What the agent could call." }),
  folders: Type.Array(Text(4096), { maxItems: listMax, description: "Folders that its steps reached." }),
  hosts: Type.Array(Text(300), { maxItems: listMax, description: "Hosts that its steps reached." }),
  files: Type.Array(ChangedFile, { maxItems: listMax }),
  filesMore: Type.Integer({ minimum: 0, description: "Further changes, which the list has no room for." }),
  inForce: InForce,
  hints: Type.Array(Text(2000), { maxItems: 64, description: "Hints that the run was given; none in this version." }),
  counts: closed({
    events: Count,
    steps: Count,
    observations: Count,
    actions: Count,
    refusals: Count,
    approvals: Count,
    blobs: Count,
  }),
  replayable: closed({
    toStep: Type.Integer({ minimum: 0, description: "Steps that the record answers without a gap." }),
    ofSteps: Count,
    reason: Type.Union([Text(500), Type.Null()], { description: "Why not further; null when all of it is." }),
    gapSeq: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: "Position of the first event that is not as it was; absent where all are.",
      }),
    ),
  }),
  cuts: closed({
    events: Type.Integer({ minimum: 0, description: "Events out of which a secret was cut at the export." }),
    blobs: Type.Integer({ minimum: 0, description: "Recorded contents that were left out for a secret in them." }),
  }),
  chain: oneOf(
    ["whole", "gaps", "none"],
    "Hash chain of the slice: without a gap, with others' events between, or cut.",
  ),
  parts: Type.Array(Part, { minItems: 1, maxItems: partsMax }),
});
export type Manifest = Static<typeof Manifest>;

/** All texts of what a run worked under; a part of the capsule, canonical JSON. */
export const Conditions = closed({
  policies: Type.Array(
    closed({
      id: Type.String(),
      source: Type.String(),
      effect: oneOf(["permit", "ask", "forbid"]),
      text: Type.String(),
    }),
    { maxItems: 10_000 },
  ),
  contracts: Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: 10_000 }),
  allowances: Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: 10_000 }),
  askPatterns: Type.Array(Type.String(), {
    maxItems: 1_000,
    description: "Of the configuration: what a person is asked about.",
  }),
});
export type Conditions = Static<typeof Conditions>;
