/** Projects: each is a folder, and whatever is done in it is done by the operations for files, under their rules. */
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { FileNotFound, List as ListFiles, Read as ReadFile, Write as WriteFile } from "../fs/contract.ts";
import {
  Create,
  Forget,
  List,
  NameTaken,
  NotesSaved,
  notesFile,
  type Project,
  ProjectCreated,
  ProjectForgotten,
  ReadNotes,
  ReadProjectFile,
  SaveNotes,
  SaveProjectFile,
  TooManyProjects,
  Tree,
} from "./contract.ts";
import { projects as view, projectsMax } from "./views.ts";

/** Longer notes are read as the file that they are. */
const notesLinesMax = 1000;

export function createProjects({ parts }: { readonly parts: KernelParts }): Domain {
  const find = (project: string): Project => {
    const row = parts.kernel.views.get(view, project);
    if (row === undefined)
      throw new Problem(
        NotFound,
        `there is no project ${project}; \`arw projects create ${project} FOLDER\` names one`,
      );
    return row;
  };
  const list = (): readonly Project[] =>
    parts.kernel.views.list(view, { limit: projectsMax }).rows.map((each) => each.row);
  return {
    name: "projects",
    operations: [
      bind(Create, async ({ project, folder, title = project }, ctx) => {
        refuseTaken(parts.kernel.views.get(view, project), folder);
        if (list().length >= projectsMax)
          throw new Problem(TooManyProjects, `there are ${projectsMax} projects already`);
        // A folder that is not there, or that the hub may not open, says so before it has a name.
        await ctx.call(ListFiles, { folder, limit: 1 });
        await ctx.emit(ProjectCreated, { project, folder, title });
        return find(project);
      }),
      bind(Forget, async ({ project }, ctx) => {
        const row = find(project);
        await ctx.emit(ProjectForgotten, { project });
        return row;
      }),
      bind(List, () => ({ projects: [...list()] })),
      bind(Tree, ({ project, ...page }, ctx) => ctx.call(ListFiles, { folder: find(project).folder, ...page })),
      bind(ReadProjectFile, ({ project, ...file }, ctx) =>
        ctx.call(ReadFile, { folder: find(project).folder, ...file }),
      ),
      bind(SaveProjectFile, ({ project, ...file }, ctx) =>
        ctx.call(WriteFile, { folder: find(project).folder, ...file }),
      ),
      bind(ReadNotes, ({ project }, ctx) => notes(find(project), ctx)),
      bind(SaveNotes, async ({ project, ...file }, ctx) => {
        const written = await ctx.call(WriteFile, { folder: find(project).folder, path: notesFile, ...file });
        const { digest, sizeBytes, beforeRef } = written;
        if (written.isChanged) await ctx.emit(NotesSaved, { project, digest, sizeBytes, beforeRef });
        return written;
      }),
    ],
    events: [ProjectCreated, ProjectForgotten, NotesSaved],
    views: [view],
  };
}

function refuseTaken(row: Project | undefined, folder: string): void {
  if (row === undefined || row.folder === folder) return;
  throw new Problem(NameTaken, `${row.project} is ${row.folder} already`, { folder: row.folder });
}

async function notes({ folder }: Project, ctx: Context): Promise<Static<typeof ReadNotes.output>> {
  try {
    const read = await ctx.call(ReadFile, { folder, path: notesFile, lines: notesLinesMax });
    return { text: read.text, digest: read.digest, isTruncated: read.isTruncated };
  } catch (error) {
    if (!isProblem(error, FileNotFound)) throw error;
    return { text: "", digest: null, isTruncated: false };
  }
}
