/** Scout: the built-in agent that needs no model. It quotes and counts, and never pretends to understand. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import {
  closed,
  CorrelationId,
  Digest,
  EpochMs,
  FolderPath,
  RelativePath,
  SizeBytes,
  type Static,
  Type,
} from "../../contract/schema.ts";
import { Run, RunCancelled, RunFailed, RunFinished, RunStarted } from "../agents/contract.ts";

export const FolderNotFound = problem({
  code: "scout.folder-not-found",
  status: 404,
  title: "No such folder",
  about: "The folder does not exist, is not a folder, or cannot be opened by the user who runs the hub.",
});

export const NoModel = problem({
  code: "scout.no-model",
  status: 409,
  title: "No model for a summary",
  about:
    "No role `brief` or `chat` stands for a model. `arw models role brief SERVER/MODEL` sets one; without a summary no model is needed.",
});

const InShort = closed(
  {
    model: Type.String(),
    notInFiles: Type.Integer({ minimum: 0, description: "Sentences of the model that name no line of the files." }),
    leftOut: Type.Integer({ minimum: 0, description: "What the rules would tell first and the model does not." }),
    difference: Type.String({
      description: "Line by line: ` ` both say it, `-` only the rules, `+` only the model.",
    }),
  },
  { description: "How the summary of the model differs from what the rules would tell first." },
);

export const Brief = op({
  id: "scout.brief",
  http: "POST /scout/brief",
  cli: "brief <folder>",
  mode: "job",
  effect: "write",
  isTask: true,
  isTool: true,
  attemptsMax: 1,
  canRecover: true,
  about: "Read a folder and write a brief of it, with a citation on every statement.",
  input: closed({
    folder: FolderPath,
    output: Type.Optional(
      Type.String({
        default: "brief.md",
        minLength: 1,
        maxLength: 255,
        pattern: "^[^/\\\\\\u0000-\\u001f.][^/\\\\\\u0000-\\u001f]*$",
        description: "Name of the brief, inside the folder: without `/`, and with no dot in front.",
      }),
    ),
    allowWrite: Type.Optional(
      Type.Boolean({
        default: false,
        description: "Allow writing the brief without asking; nothing else is allowed by it.",
      }),
    ),
    summary: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Let a model add a section "In short", written from what the rules found: the model of the role `brief`, or else of `chat`.',
      }),
    ),
  }),
  output: closed({
    episode: CorrelationId,
    written: Type.Boolean(),
    path: RelativePath,
    files: Type.Integer({ minimum: 0 }),
    statements: Type.Integer({ minimum: 0 }),
    notDone: Type.Array(Type.String()),
    inShort: Type.Optional(InShort),
  }),
  problems: [FolderNotFound, NoModel, ...Run.problems],
  emits: [RunStarted, RunFinished, RunFailed, RunCancelled],
  needs: ["fs:read", "fs:write"],
  scope: (input) => ({ folder: input.folder, path: input.output ?? "brief.md" }),
});

/** What Scout keeps of a folder to tell next time what changed: paths and digests, no content. */
export const Manifest = closed({
  files: Type.Array(closed({ path: RelativePath, digest: Type.Union([Digest, Type.Null()]), sizeBytes: SizeBytes }), {
    maxItems: 200_000,
  }),
});

export const FolderRemembered = event({
  kind: "scout.folder.remembered",
  about: "Scout keeps the list of a folder's files, to tell next time what changed.",
  data: closed({ folder: FolderPath, manifestRef: Digest, files: Type.Integer({ minimum: 0 }) }),
});

export const RememberedFolder = closed({
  folder: FolderPath,
  manifestRef: Digest,
  files: Type.Integer(),
  episode: CorrelationId,
  atMs: EpochMs,
});
export type RememberedFolder = Static<typeof RememberedFolder>;

export const Recall = op({
  id: "scout.recall",
  http: "POST /scout/recall",
  effect: "read",
  isTool: true,
  needs: ["hub:read"],
  about: "Say which files a folder had when Scout last read it.",
  input: closed({ folder: FolderPath }),
  output: closed({ manifest: Type.Union([Manifest, Type.Null()]), atMs: Type.Union([EpochMs, Type.Null()]) }),
  scope: (input) => ({ folder: input.folder }),
});
export const Remember = op({
  id: "scout.remember",
  http: "POST /scout/remember",
  effect: "write",
  isIdempotent: true,
  isTool: true,
  needs: ["hub:write"],
  about: "Keep which files a folder has now, for the next brief.",
  input: closed({ folder: FolderPath, manifest: Manifest }),
  output: closed({ manifestRef: Digest }),
  emits: [FolderRemembered],
  scope: (input) => ({ folder: input.folder }),
});

export const Sample = op({
  id: "scout.sample",
  http: "POST /scout/sample",
  cli: "sample",
  effect: "write",
  about: "Lay out a fresh copy of the sample folder in the state directory and say where it is.",
  input: closed({}),
  output: closed({ folder: FolderPath }),
});
