/** Projects: folders of the user's that have a name here, with their notes. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import {
  closed,
  Digest,
  EpochMs,
  FolderPath,
  RelativePath,
  SizeBytes,
  type Static,
  Type,
} from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { Entry, fileProblems, Read as ReadFile, Write as WriteFile } from "../fs/contract.ts";

export const ProjectName = Type.String({
  pattern: "^[a-z0-9][a-z0-9-]{0,59}$",
  description: "Name of the project: small letters, digits and dashes.",
});
/** The file of a project's folder that holds its notes. */
export const notesFile = "notes.md";

export const Project = closed({
  project: ProjectName,
  folder: FolderPath,
  title: Type.String({ maxLength: 200 }),
  createdAtMs: EpochMs,
  createdBy: Type.String(),
  notesSavedAtMs: Type.Union([EpochMs, Type.Null()]),
});
export type Project = Static<typeof Project>;

export const ProjectCreated = event({
  kind: "projects.created",
  about: "A person named a folder as a project; nothing in the folder changed.",
  data: closed({ project: ProjectName, folder: FolderPath, title: Type.String({ maxLength: 200 }) }),
});
export const ProjectForgotten = event({
  kind: "projects.forgotten",
  about: "A person took the name of a project away; its folder stays as it is.",
  data: closed({ project: ProjectName }),
});
export const NotesSaved = event({
  kind: "projects.notes.saved",
  about: "The notes of a project were written.",
  data: closed({
    project: ProjectName,
    digest: Digest,
    sizeBytes: SizeBytes,
    beforeRef: Type.Union([Digest, Type.Null()]),
  }),
});

export const NameTaken = problem({
  code: "projects.name-taken",
  status: 409,
  title: "The name is taken",
  about: "Another folder has this name already. `folder` says which; take another name, or forget the other project.",
});
export const TooManyProjects = problem({
  code: "projects.too-many",
  status: 409,
  title: "Too many projects",
  about:
    "The hub keeps 500 projects. Forget one that is not needed any more: `arw projects forget NAME`; its folder stays.",
});

const scope = ({ project }: { readonly project: string }) => ({ project });
const byName = closed({ project: ProjectName });
const problems = [NotFound, ...fileProblems];

export const Create = op({
  id: "projects.create",
  http: "POST /projects",
  cli: "projects create <project> <folder>",
  effect: "write",
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Give a folder of yours a name here; nothing in it changes.",
  input: closed({
    project: ProjectName,
    folder: FolderPath,
    title: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: "In your own words; the name without it." }),
    ),
  }),
  output: Project,
  problems: [NameTaken, TooManyProjects, ...fileProblems],
  emits: [ProjectCreated],
});
export const Forget = op({
  id: "projects.forget",
  http: "DELETE /projects/{project}",
  cli: "projects forget <project>",
  effect: "destroy",
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Take the name of a project away; its folder and everything in it stay.",
  input: byName,
  output: Project,
  problems: [NotFound],
  emits: [ProjectForgotten],
});
export const List = op({
  id: "projects.list",
  http: "GET /projects",
  cli: "projects",
  effect: "read",
  isReadPastRules: true,
  about: "List the projects.",
  input: closed({}),
  output: closed({ projects: Type.Array(Project) }),
});
export const Tree = op({
  id: "projects.tree",
  http: "GET /projects/{project}/tree",
  cli: "projects tree <project>",
  effect: "read",
  about: "List the files of a project, page by page, leaving out what .gitignore leaves out.",
  input: closed({
    project: ProjectName,
    afterPath: Type.Optional(Type.String({ maxLength: 4096, description: "Go on after this path." })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 500 })),
  }),
  output: closed({
    entries: Type.Array(Entry),
    nextAfterPath: Type.Union([Type.String(), Type.Null()]),
    skipped: Type.Array(closed({ path: Type.String(), reason: Type.String() })),
  }),
  problems,
  needs: ["fs:read"],
  scope,
});
export const ReadProjectFile = op({
  id: "projects.file",
  http: "GET /projects/{project}/file",
  cli: "projects file <project> <path>",
  effect: "read",
  about: "Read some lines of a file of a project.",
  input: closed({
    project: ProjectName,
    path: RelativePath,
    fromLine: Type.Optional(Type.Integer({ minimum: 1, default: 1 })),
    lines: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })),
  }),
  output: ReadFile.output,
  problems,
  needs: ["fs:read"],
  scope,
});

const expectedDigest = Type.Union([Digest, Type.Null()], {
  description: "What the file must be now: its digest as it was read, or null when it must not exist.",
});
export const SaveProjectFile = op({
  id: "projects.file.save",
  http: "PUT /projects/{project}/file",
  cli: "",
  effect: "write",
  isIdempotent: true,
  about: "Write a file of a project, if it still is what it was when it was read.",
  input: closed({
    project: ProjectName,
    path: RelativePath,
    text: Type.String({ maxLength: 4_000_000 }),
    expectedDigest,
  }),
  output: WriteFile.output,
  problems,
  needs: ["fs:write"],
  scope,
});
export const ReadNotes = op({
  id: "projects.notes",
  http: "GET /projects/{project}/notes",
  cli: "projects notes <project>",
  effect: "read",
  about: "Read the notes of a project.",
  input: byName,
  output: closed({
    text: Type.String(),
    digest: Type.Union([Digest, Type.Null()], {
      description: "To be sent along when they are saved; null while there are none.",
    }),
    isTruncated: Type.Boolean({ description: "There is more than is shown; open the file itself." }),
  }),
  problems,
  needs: ["fs:read"],
  scope,
});
export const SaveNotes = op({
  id: "projects.notes.save",
  http: "PUT /projects/{project}/notes",
  cli: "",
  effect: "write",
  isIdempotent: true,
  about: "Write the notes of a project, if they still are what they were when they were read.",
  input: closed({ project: ProjectName, text: Type.String({ maxLength: 1_000_000 }), expectedDigest }),
  output: WriteFile.output,
  problems,
  emits: [NotesSaved],
  needs: ["fs:write"],
  scope,
});
