/** Run capsules: a recorded run as one signed file, which another hub can look at, keep and replay. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, Digest, EpochMs, oneOf, SizeBytes, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { Count, Manifest, Text } from "./manifest.ts";

export { gapOf, judged } from "./judged.ts";
export {
  ChangedFile,
  Conditions,
  capsuleBytesMax,
  eventsMax,
  formatNewest,
  InForce,
  listMax,
  Manifest,
  Part,
  partsMax,
} from "./manifest.ts";
export type { Recording, RecordingSource, SignedSource } from "./recording.ts";

/** What a request may carry; larger capsules are named by their file. */
export const contentCharsMax = 8_000_000;

export const signerKinds = ["own", "pinned", "known", "unknown"] as const;
/** Who vouches for a capsule. The signature proves the key and no more. */
export const Signer = closed({
  keyId: Text(100, "`sha256:` and the hash of the public key."),
  kind: oneOf(
    signerKinds,
    "`own`: this hub. `pinned`: a person gave the key a name. `known`: other capsules of it are kept here.",
  ),
  name: Type.Union([Text(60), Type.Null()]),
});
export type Signer = Static<typeof Signer>;

/** A capsule before and after it is kept. Its signature and all its digests hold. */
export const CapsuleInfo = closed({
  digest: { ...Digest, description: "Names the capsule: digest of its manifest, the same wherever it was exported." },
  sizeBytes: SizeBytes,
  signer: Signer,
  isKept: Type.Boolean(),
  manifest: Manifest,
});
export type CapsuleInfo = Static<typeof CapsuleInfo>;

/** One kept capsule, as the list shows it. */
export const KeptCapsule = closed({
  digest: Digest,
  sizeBytes: SizeBytes,
  fileDigest: { ...Digest, description: "Digest of the whole file, signature included." },
  keyId: Text(100),
  origin: oneOf(["imported", "exported"]),
  episode: CorrelationId,
  agent: Text(120),
  title: Text(300),
  status: Manifest.properties.run.properties.status,
  steps: Count,
  replayableToStep: Count,
  keptAtMs: EpochMs,
  by: Text(200),
});
export type KeptCapsule = Static<typeof KeptCapsule>;

export const CapsuleImported = event({
  kind: "capsules.imported",
  about: "A run capsule was looked at and is kept.",
  data: closed({
    digest: Digest,
    fileDigest: Digest,
    sizeBytes: SizeBytes,
    keyId: Text(100),
    origin: oneOf(["imported", "exported"]),
    episode: CorrelationId,
    agent: Text(120),
    title: Text(300),
    status: Manifest.properties.run.properties.status,
    steps: Count,
    replayableToStep: Count,
  }),
});
export const CapsuleExported = event({
  kind: "capsules.exported",
  about: "A run was written out as a capsule.",
  data: closed({
    digest: Digest,
    sizeBytes: SizeBytes,
    episode: CorrelationId,
    file: Type.Union([Text(4096), Type.Null()]),
  }),
});
export const CapsuleProgress = event({
  kind: "capsules.progress",
  isDurable: false,
  about: "How far long work on a capsule is; passes by and is not kept.",
  data: closed({
    capsule: Text(4096, "As it was named by whoever asked for the work; `-` for one that was sent along."),
    phase: Text(80),
    done: Count,
    total: Count,
    unit: Text(20),
    etaMs: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description: "Milliseconds left of this phase, as far as can be told.",
    }),
  }),
});
export const CapsuleRemoved = event({
  kind: "capsules.removed",
  about: "A kept capsule was removed, by a person or by its age.",
  data: closed({ digest: Digest, why: oneOf(["person", "age"]) }),
});
export const SignerPinned = event({
  kind: "capsules.signer.pinned",
  about: "A person gave the key of a signer a name.",
  data: closed({ keyId: Text(100), name: Text(60) }),
});
export const SignerUnpinned = event({
  kind: "capsules.signer.unpinned",
  about: "A person took the name of a signer's key away.",
  data: closed({ keyId: Text(100) }),
});
export const ConditionsRecorded = event({
  kind: "capsules.conditions.recorded",
  about: "A run began under other policies, contracts, allowances or versions than the run before it.",
  data: closed({
    atSeq: Type.Integer({ minimum: 1, description: "The start of the run that it was recorded for." }),
    conditions: { ...Digest, description: "The texts, in the blob store." },
    policies: Count,
    policyDigest: Digest,
    contracts: Count,
    contractsDigest: Digest,
    allowances: Count,
    allowancesDigest: Digest,
    version: Text(100),
    nodeVersion: Text(100),
    tableHash: Text(100),
  }),
});
export type ConditionsRecorded = Static<typeof ConditionsRecorded.data>;

export const refusals = [
  "no-capsule",
  "newer-format",
  "too-large",
  "truncated",
  "trailing-bytes",
  "malformed",
  "not-canonical",
  "bad-signature",
  "forged-digest",
  "inconsistent",
  "changed",
] as const;
export type Refusal = (typeof refusals)[number];

export const CapsuleUnsound = problem({
  code: "capsules.unsound",
  status: 422,
  title: "Not a sound capsule",
  about:
    "The file is no capsule, or not the one that was signed. `reason` says what is wrong; nothing of it was opened or kept. Ask for it again from where it came.",
});
export const CapsuleTooLarge = problem({
  code: "capsules.too-large",
  status: 413,
  title: "The run is too large for a capsule",
  about: "The record of the run has more than `sizeBytesMax` bytes or `eventsMax` events.",
});
export const RunIsGoing = problem({
  code: "capsules.run-is-going",
  status: 409,
  title: "The run has not ended",
  about: "A capsule holds a whole run. Wait for its end, or stop it with `arw stop EPISODE`.",
});
export const FileNotTaken = problem({
  code: "capsules.file-refused",
  status: 409,
  title: "Not that file",
  about:
    "The file cannot be read or written there: it exists already, its folder is missing, or the path is not absolute. Nothing was changed; name another one.",
});
export const CapsuleHoldsSecret = problem({
  code: "capsules.holds-secret",
  status: 409,
  title: "The kept capsule holds a secret",
  about:
    "A kept capsule leaves as it was signed, to the byte, and this one holds a secret that became known since. Export its run by the episode, where the secret is cut out, and remove the kept one with `arw capsule rm`.",
});
export const CapsulesFull = problem({
  code: "capsules.full",
  status: 507,
  title: "No room for more capsules",
  about:
    "The kept capsules would have more bytes than `capsules.sizeBytesMax` allows. `arw capsule ls` lists them and `arw capsule rm` removes one.",
});

export const CapsuleFile = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: "Absolute path of the file on the machine the hub runs on.",
});
const Content = Type.String({
  minLength: 1,
  maxLength: contentCharsMax,
  description: "The file itself in base64, instead of a path; larger ones are named by their path.",
});
/** A kept capsule by its digest or the beginning of it, an episode of this hub, or a file. */
export const CapsuleName = Type.String({
  minLength: 1,
  maxLength: 4096,
  description:
    "A kept capsule's digest or the beginning of it, an episode of this hub, or the absolute path of a file.",
});

const Exportable = Type.String({
  pattern: "^(?:sha256:[0-9a-f]{4,64}|[A-Za-z0-9_-][A-Za-z0-9._-]{0,63})$",
  description: "An episode of this hub; or the digest of a kept capsule, or its beginning, for a copy of that file.",
});
export const Export = op({
  id: "capsules.export",
  http: "POST /capsules/export",
  cli: "capsule export <episode> [file]",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  // What was stopped is what somebody wants to show.
  isOpenWhenHalted: true,
  deadlineMs: 300_000,
  about: "Write a run that has ended into one signed file; the same run gives the same bytes.",
  input: closed({
    episode: Exportable,
    file: Type.Optional({
      ...CapsuleFile,
      description: "Where to write it on the machine the hub runs on; without one, the answer holds the capsule.",
    }),
    keep: Type.Optional(Type.Boolean({ description: "Keep a copy among the capsules of this hub as well." })),
  }),
  output: closed({
    capsule: CapsuleInfo,
    file: Type.Union([Type.String(), Type.Null()]),
    content: Type.Union([Type.String(), Type.Null()], { description: "In base64, where no file was named." }),
  }),
  problems: [NotFound, CapsuleUnsound, CapsuleHoldsSecret, RunIsGoing, CapsuleTooLarge, FileNotTaken, CapsulesFull],
  emits: [CapsuleExported, CapsuleImported, CapsuleProgress],
  needs: ["hub:read", "fs:write"],
  scope: ({ file }) => (file === undefined ? {} : { path: file }),
});

const Given = { file: Type.Optional(CapsuleFile), content: Type.Optional(Content) };
export const Preview = op({
  id: "capsules.preview",
  http: "POST /capsules/preview",
  cli: "capsule preview [file]",
  effect: "read",
  isForPersons: true,
  about: "Show who signed a capsule, what its run was allowed and what it touched, before anything of it is opened.",
  input: closed(Given),
  output: CapsuleInfo,
  problems: [CapsuleUnsound, FileNotTaken],
  emits: [CapsuleProgress],
});
export const Import = op({
  id: "capsules.import",
  http: "POST /capsules/import",
  cli: "",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  about: "Keep a capsule that was looked at; nothing of it runs.",
  input: closed({
    ...Given,
    digest: { ...Digest, description: "Of the capsule as the preview showed it: another one is refused." },
  }),
  output: closed({ capsule: CapsuleInfo, isNew: Type.Boolean() }),
  problems: [CapsuleUnsound, FileNotTaken, CapsulesFull],
  emits: [CapsuleImported, CapsuleProgress],
});
const Verdict = closed({
  capsule: CapsuleInfo,
  signature: oneOf(["holds"]),
  digests: Type.Integer({ minimum: 0, description: "Parts whose bytes are what the manifest says." }),
  chain: Manifest.properties.chain,
  linksProven: Type.Integer({ minimum: 0, description: "Events that name the hash of the one right before them." }),
});
export const Verify = op({
  id: "capsules.verify",
  http: "POST /capsules/verify",
  cli: "capsule verify <capsule>",
  effect: "read",
  isForPersons: true,
  about: "Hold a capsule against its signature, its digests and the hash chain of its events.",
  input: closed({ capsule: CapsuleName }),
  output: Verdict,
  problems: [NotFound, CapsuleUnsound, FileNotTaken, RunIsGoing, CapsuleTooLarge],
  emits: [CapsuleProgress],
});
export const storyLinesMax = 2_000;
const StoryLine = closed({
  seq: Count,
  timeMs: EpochMs,
  kind: Text(200),
  step: Type.Union([Type.Integer(), Type.Null()]),
  text: Type.String({ description: "The event in one plain line." }),
});
export const Show = op({
  id: "capsules.show",
  http: "POST /capsules/show",
  cli: "capsule show <capsule>",
  effect: "read",
  isForPersons: true,
  about: "Tell what a capsule holds: its run as a story, what was in force, its parts and their sizes.",
  input: closed({
    capsule: CapsuleName,
    seq: Type.Optional({ ...Count, description: "Position of one event of its story, to show the whole of it." }),
  }),
  output: closed({
    capsule: CapsuleInfo,
    story: Type.Array(StoryLine, { maxItems: storyLinesMax }),
    storyMore: Type.Integer({ minimum: 0, description: "Further events." }),
    event: Type.Optional(Type.String({ description: "The event at `seq`, as JSON." })),
  }),
  problems: [NotFound, CapsuleUnsound, FileNotTaken, RunIsGoing, CapsuleTooLarge],
  emits: [CapsuleProgress],
});

export const diffRowsMax = 500;
const Side = Type.Union([
  closed({
    seq: Count,
    kind: Text(200),
    step: Type.Union([Type.Integer(), Type.Null()]),
    text: Type.String(),
    json: Type.String(),
  }),
  Type.Null(),
]);
export const Diff = op({
  id: "capsules.diff",
  http: "POST /capsules/diff",
  cli: "capsule diff <a> <b>",
  effect: "read",
  isForPersons: true,
  about:
    "Show where two runs part: the first step that differs with both sides, and the events that only one of them has.",
  input: closed({ a: CapsuleName, b: CapsuleName }),
  output: closed({
    isEqual: Type.Boolean({ description: "No event differs but in ids, times, positions, hubs and hashes." }),
    equalEvents: Type.Integer({ minimum: 0, description: "Events up to the first difference." }),
    firstStep: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description: "The step in which the first difference lies; 0 before the first step, null when all are equal.",
    }),
    first: Type.Union([closed({ a: Side, b: Side }), Type.Null()]),
    differing: Type.Array(closed({ a: Side, b: Side }), {
      maxItems: diffRowsMax,
      description: "Those after the first, too.",
    }),
    onlyA: Count,
    onlyB: Count,
    inForce: Type.Array(closed({ what: Text(200), a: Type.String(), b: Type.String() }), {
      maxItems: 32,
      description: "What differs around the runs: policies, contracts, allowances, versions.",
    }),
  }),
  problems: [NotFound, CapsuleUnsound, FileNotTaken, RunIsGoing, CapsuleTooLarge],
  emits: [CapsuleProgress],
});
export const Remove = op({
  id: "capsules.remove",
  http: "DELETE /capsules/{capsule}",
  cli: "capsule rm <capsule>",
  effect: "destroy",
  isForPersons: true,
  about: "Remove a kept capsule from this hub; the run that it was made of stays as it is.",
  input: closed({
    capsule: Type.String({ pattern: "^(sha256:)?[0-9a-f]{4,64}$", description: "Its digest, or the beginning of it." }),
  }),
  output: closed({ digest: Digest }),
  problems: [NotFound],
  emits: [CapsuleRemoved],
});
export const ShowKey = op({
  id: "capsules.key",
  http: "GET /capsules/key",
  cli: "capsule key",
  effect: "read",
  isForPersons: true,
  about: "Show the public key that this hub signs capsules with; another hub may pin it under a name.",
  input: closed({}),
  output: closed({
    keyId: Type.Union([Text(100), Type.Null()], { description: "Null before the first export, which makes the key." }),
    publicKey: Type.Union([Text(100), Type.Null()], { description: "32 bytes in base64." }),
    node: Text(200),
  }),
});
const KeyId = Type.String({
  pattern: "^sha256:[0-9a-f]{64}$",
  description: "As `arw capsule key` shows it on the other hub.",
});
export const Pin = op({
  id: "capsules.pin",
  http: "PUT /capsules/signers/{keyId}",
  cli: "capsule pin <keyId> <name>",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  about: "Give the key of another hub a name, so that its capsules are recognised.",
  input: closed({ keyId: KeyId, name: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$" }) }),
  output: closed({ keyId: Text(100), name: Text(60) }),
  emits: [SignerPinned],
});
export const Unpin = op({
  id: "capsules.unpin",
  http: "DELETE /capsules/signers/{keyId}",
  cli: "capsule unpin <keyId>",
  effect: "destroy",
  isIdempotent: true,
  isForPersons: true,
  isWayOut: true,
  about: "Take the name of a signer's key away.",
  input: closed({ keyId: KeyId }),
  output: closed({ keyId: Text(100) }),
  problems: [NotFound],
  emits: [SignerUnpinned],
});
