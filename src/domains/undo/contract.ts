/** Undo: the files that a run changed go back to what they were before it. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import {
  closed,
  CorrelationId,
  Digest,
  EpochMs,
  FolderPath,
  oneOf,
  RelativePath,
  type Static,
  Type,
} from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { Step, Summary, Tool } from "../episodes/contract.ts";

/** What is done to a file, or why nothing is. */
export const fileFates = [
  /** It is what the run left: its former content comes back. */
  "restore",
  /** Edited since: what the run changed is taken back, what was edited since stays. */
  "merge",
  /** The run created it, and nobody changed it since. */
  "remove",
  /** It was removed, and comes back. */
  "bring-back",
  /** It is as it was before the run. */
  "as-before",
  /** An undo did it before. */
  "undone-before",
  /** A person settled it before: it was kept as they had it, or has both sides in it between marks. */
  "settled",
  /** Edited since in the same place, or no text: it stays as it is. */
  "conflict",
  /** What it was is not kept any more. */
  "not-kept",
  /** It cannot be read or written as things stand. */
  "out-of-reach",
] as const;
/** Fates that change the file. */
export const changingFates: ReadonlySet<string> = new Set(["restore", "merge", "remove", "bring-back"]);
/** Fates that leave something of the run in the file. */
export const stuckFates: ReadonlySet<string> = new Set(["conflict", "not-kept", "out-of-reach"]);

/** What a person may say of a file that was edited since in the same place. */
export const settlements = ["mine", "before", "marks"] as const;
export type Settlement = (typeof settlements)[number];

/** Files of one answer; a run that changed more is undone by calling again. */
export const filesMax = 1000;
/** Steps of a file, or steps that stay, that an answer names. */
export const stepsNamedMax = 200;
const BeforeOrNull = Type.Union([Digest, Type.Null()]);

export const FileUndo = closed({
  folder: FolderPath,
  path: RelativePath,
  fate: oneOf(fileFates),
  steps: Type.Array(Step, { maxItems: stepsNamedMax, description: "Steps of the run that changed it." }),
  nowDigest: Type.Optional(
    Type.Union([Digest, Type.Null()], { description: "What was found; null when it was not there." }),
  ),
  thenDigest: Type.Optional(
    Type.Union([Digest, Type.Null()], { description: "What it is after the undo; null when it is not there then." }),
  ),
  diff: Type.String({ description: "What the undo does to it; in a conflict, what it would have done." }),
  since: Type.Optional(Type.String({ description: "What was edited since the run, where that is in the way." })),
  detail: Type.Optional(Type.String({ description: "Why, in words." })),
});
export type FileUndo = Static<typeof FileUndo>;

/** A step whose effect no undo reaches. */
export const StepLeft = closed({ step: Step, tool: Tool, summary: Summary, reason: Type.String() });
export type StepLeft = Static<typeof StepLeft>;

export const undoStatuses = ["nothing", "ready", "undone", "partly", "undone-before"] as const;
export const UndoReport = closed({
  episode: CorrelationId,
  status: oneOf(
    undoStatuses,
    "`ready` of a plan that changes something; `partly` when a file stays that the run changed; `undone-before` when nothing was left to do, as all was undone or settled before.",
  ),
  undoId: Type.Union([CorrelationId, Type.Null()], {
    description: "What this undo is undone by; null of a plan, and when nothing was changed.",
  }),
  files: Type.Array(FileUndo, { maxItems: filesMax }),
  filesMore: Type.Integer({ minimum: 0, description: "Further files, which the next undo of this episode reaches." }),
  left: Type.Array(StepLeft, {
    maxItems: stepsNamedMax,
    description: "Steps that changed something else, which cannot be undone here.",
  }),
  leftMore: Type.Integer({ minimum: 0 }),
});
export type UndoReport = Static<typeof UndoReport>;

const restoration = {
  episode: CorrelationId,
  folder: Type.String({ maxLength: 4096 }),
  path: Type.String({ maxLength: 4096 }),
  fate: oneOf(fileFates),
  beforeRef: Type.Union([Digest, Type.Null()], { description: "What the undo found; null for no file." }),
  afterRef: Type.Union([Digest, Type.Null()], { description: "What it leaves; null for no file." }),
  settled: Type.Optional(oneOf(settlements, "How a person settled it, where it was edited since in the same place.")),
};
export const FileTaken = event({
  kind: "undo.file.taken",
  about: "An undo took a file in hand; said before the file changes, so that an undo that is cut off is found again.",
  data: closed(restoration),
});
export const FileRestored = event({
  kind: "undo.file.restored",
  about: "A file that a run had changed was brought back to what it was, or settled as its person said.",
  data: closed({
    ...restoration,
    madeFolders: Type.Integer({ minimum: 0, description: "Folders made on the way to it." }),
    realFolder: Type.Optional(
      Type.String({
        maxLength: 4096,
        description: "Where the folder really lies, where its path leads through a link.",
      }),
    ),
  }),
});
export const FileReopened = event({
  kind: "undo.file.reopened",
  about:
    "A file that a person had settled was edited since, and is to go back after all: what becomes of it is open again.",
  data: closed({ episode: CorrelationId, folder: restoration.folder, path: restoration.path }),
});
export const UndoApplied = event({
  kind: "undo.applied",
  about: "A person undid what a run changed in files; says how far that went.",
  data: closed({
    episode: CorrelationId,
    status: oneOf(undoStatuses),
    changed: Type.Integer({ minimum: 0 }),
    stuck: Type.Integer({ minimum: 0, description: "Files that stayed as they are." }),
    left: Type.Integer({ minimum: 0, description: "Steps that cannot be undone." }),
  }),
});

export const UndoneFile = closed({
  episode: CorrelationId,
  folder: Type.String(),
  path: Type.String(),
  fate: oneOf(fileFates),
  undoId: CorrelationId,
  atMs: EpochMs,
  beforeRef: BeforeOrNull,
  afterRef: BeforeOrNull,
  settled: Type.Optional(oneOf(settlements)),
});
export type UndoneFile = Static<typeof UndoneFile>;

export const StillRunning = problem({
  code: "undo.still-running",
  status: 409,
  title: "Still running",
  about: "A run that goes on changes files. Stop it first: `arw stop EPISODE`.",
});

export const conflictsWays = ["stay", ...settlements] as const;
export type ConflictsWay = (typeof conflictsWays)[number];
const UndoInput = closed({
  episode: CorrelationId,
  path: Type.Optional(
    Type.Unsafe<string>({ ...RelativePath, description: "Only this file of those that the run changed." }),
  ),
  conflicts: Type.Optional(
    oneOf(
      conflictsWays,
      "What becomes of a file that was edited since in the same place. `stay` (the default): it stays, and both sides are shown. `mine`: it stays, and counts as undone. `before`: it goes back to what it was before, without the edits. `marks`: both sides are written into it, between marks. A file that was settled before may go back by `before` after all.",
    ),
  ),
});
export const Plan = op({
  id: "undo.plan",
  http: "GET /undo/{episode}",
  cli: "undo plan <episode>",
  effect: "read",
  isForPersons: true,
  deadlineMs: 300_000,
  about: "Show exactly what an undo of a run would do to its files, and which of its steps no undo reaches.",
  input: UndoInput,
  output: UndoReport,
  problems: [NotFound, StillRunning],
});
export const Apply = op({
  id: "undo.apply",
  http: "POST /undo/{episode}",
  cli: "undo <episode>",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  deadlineMs: 300_000,
  about: "Bring the files that a run changed back to what they were before it; what was edited since is kept.",
  input: UndoInput,
  output: UndoReport,
  problems: [NotFound, StillRunning],
  emits: [FileTaken, FileRestored, FileReopened, UndoApplied],
  needs: ["fs:write"],
});
