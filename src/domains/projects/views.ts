import { on, view } from "../../contract/view.ts";
import { NotesSaved, Project, ProjectCreated, ProjectForgotten } from "./contract.ts";

export const projectsMax = 500;
const row = on<Project>();

export const projects = view(Project)({
  name: "projects",
  version: 1,
  about: "Projects, by name.",
  order: "asc",
  overflow: "guarded",
  rowsMax: projectsMax,
  folds: [
    row(
      ProjectCreated,
      (e) => e.data.project,
      (_row, e) => ({ ...e.data, createdAtMs: e.timeMs, createdBy: e.caller, notesSavedAtMs: null }),
    ),
    row(
      ProjectForgotten,
      (e) => e.data.project,
      () => null,
    ),
    row(
      NotesSaved,
      (e) => e.data.project,
      (before, e) => (before === undefined ? null : { ...before, notesSavedAtMs: e.timeMs }),
    ),
  ],
});
