import { oneOf } from "../../contract/schema.ts";
import { on, view } from "../../contract/view.ts";
import { ProjectName } from "../projects/contract.ts";
import { Note, NoteForgotten, noteStatuses, NoteWritten } from "./contract.ts";

export const notesMax = 10_000;

const row = on<Note>();
export const notes = view(Note)({
  name: "notes",
  version: 1,
  about: "Notes of projects, with those that a newer one superseded, newest first.",
  overflow: "guarded",
  rowsMax: notesMax,
  filters: {
    project: { schema: ProjectName, matches: (each: Note, value: string) => each.project === value },
    status: { schema: oneOf(noteStatuses), matches: (each: Note, value: string) => each.status === value },
  },
  folds: [
    row(
      NoteWritten,
      (e) => e.data.noteId,
      (_row, e) => {
        const { supersedes: _former, leaves: _oldest, ...note } = e.data;
        return { ...note, status: "current", author: e.caller, episode: e.corrId, writtenAtMs: e.timeMs };
      },
    ),
    row(
      NoteWritten,
      (e) => e.data.supersedes,
      (before) => (before === undefined ? null : { ...before, status: "superseded" }),
    ),
    row(
      NoteWritten,
      (e) => e.data.leaves,
      () => null,
    ),
    row(
      NoteForgotten,
      (e) => e.data.noteId,
      () => null,
    ),
  ],
});
