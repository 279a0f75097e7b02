/** Notes: statements about a project that persons and agents keep, with where they come from and whose words they hold. */
import { labels } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, EpochMs, oneOf, RelativePath, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { ProjectName } from "../projects/contract.ts";

const NoteId = Type.String({ minLength: 1, maxLength: 64 });
export const topicCharsMax = 120;
/** A longer text is a file. */
export const textCharsMax = 8_000;
const Topic = Type.String({
  minLength: 1,
  maxLength: topicCharsMax,
  pattern: "\\S",
  examples: ["watering"],
  description: "What the note is about; a newer note of the same topic takes the place of the older one.",
});
const Text = Type.String({ minLength: 1, maxLength: textCharsMax });
export const NoteSource = closed(
  {
    path: Type.Optional(RelativePath),
    line: Type.Optional(Type.Integer({ minimum: 1 })),
    url: Type.Optional(Type.String({ maxLength: 2000 })),
    episode: Type.Optional(CorrelationId),
    step: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  { description: "Where it comes from: a file and line, an address, or a step of an episode." },
);
const Labels = Type.Array(oneOf(labels), {
  maxItems: labels.length,
  description: "Whose words it holds: those of the call that wrote it.",
});
const written = {
  noteId: NoteId,
  project: ProjectName,
  folder: Type.String({ maxLength: 4096, description: "Folder that the project named when it was written." }),
  topic: Topic,
  text: Text,
  source: Type.Optional(NoteSource),
  labels: Labels,
};

export const NoteWritten = event({
  kind: "notes.written",
  about: "Somebody wrote a note of a project; it takes the place of the former one of its topic.",
  data: closed({
    ...written,
    supersedes: Type.Union([NoteId, Type.Null()]),
    leaves: Type.Union([NoteId, Type.Null()], { description: "The oldest one, which the list has no room for." }),
  }),
});
export const NoteForgotten = event({
  kind: "notes.forgotten",
  about: "A person had a note forgotten: it is in no list and no answer any more, and the journal lets go of its text.",
  data: closed({ noteId: NoteId, project: ProjectName }),
});

export const noteStatuses = ["current", "superseded"] as const;
export const Note = closed({
  ...written,
  status: oneOf(noteStatuses),
  author: Type.String({ description: "Who wrote it, such as `agent:scout`." }),
  episode: CorrelationId,
  writtenAtMs: EpochMs,
});
export type Note = Static<typeof Note>;

/** What a project's notes are to whoever reads them. */
export const ReadNote = closed({
  noteId: NoteId,
  topic: Topic,
  text: Text,
  source: Type.Optional(NoteSource),
  labels: Labels,
  author: Type.String(),
  episode: CorrelationId,
  writtenAtMs: EpochMs,
});
export type ReadNote = Static<typeof ReadNote>;

export const TooManyNotes = problem({
  code: "notes.too-many",
  status: 409,
  title: "Too many notes",
  about: "A project has 500 topics at most, and the hub 10,000 notes. Have some forgotten, or write a file.",
});

const scope = ({ project }: { readonly project: string }) => ({ project });
const notesMax = 200;
const Notes = closed({
  notes: Type.Array(ReadNote, { maxItems: notesMax }),
  nextAfterTopic: Type.Union([Type.String(), Type.Null()], {
    description: "Where to go on; null when nothing is left.",
  }),
});
const labelsOf = (output: Static<typeof Notes> | null) => output?.notes.flatMap((each) => each.labels) ?? [];
const page = {
  afterTopic: Type.Optional(Type.String({ maxLength: topicCharsMax, description: "Go on after this topic." })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: notesMax, default: 100 })),
};

export const Write = op({
  id: "notes.write",
  http: "POST /notes/{project}",
  cli: "notes write <project> <topic> <text>",
  effect: "write",
  isTool: true,
  about: "Write a note of a project; a former one of the same topic is superseded.",
  input: closed({ project: ProjectName, topic: Topic, text: Text, source: Type.Optional(NoteSource) }),
  output: closed({ noteId: NoteId, topic: Topic, labels: Labels, supersedes: Type.Union([NoteId, Type.Null()]) }),
  problems: [NotFound, TooManyNotes],
  emits: [NoteWritten],
  needs: ["hub:write"],
  scope,
});
export const Read = op({
  id: "notes.read",
  http: "GET /notes/{project}",
  cli: "notes <project> [topic]",
  effect: "read",
  isTool: true,
  about: "Read the notes of a project, by topic, each as it stands now.",
  input: closed({ project: ProjectName, topic: Type.Optional(Topic), ...page }),
  output: Notes,
  problems: [NotFound],
  needs: ["hub:read"],
  scope,
  labelsOf,
});
export const Search = op({
  id: "notes.search",
  http: "GET /notes/{project}/search",
  cli: "notes search <project> <words>",
  effect: "read",
  isTool: true,
  about: "Find the notes of a project that hold all of some words, in their topic or text.",
  input: closed({
    project: ProjectName,
    words: Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'All of them, in any order and case; `"two words"` is one, and `*` in a word is anything.',
    }),
    ...page,
  }),
  output: Notes,
  problems: [NotFound],
  needs: ["hub:read"],
  scope,
  labelsOf,
});
export const History = op({
  id: "notes.history",
  http: "GET /notes/{project}/history",
  cli: "notes history <project> <topic>",
  effect: "read",
  isForPersons: true,
  about: "Show what was noted about a topic before, newest first; agents are given the newest alone.",
  input: closed({ project: ProjectName, topic: Topic }),
  output: closed({ notes: Type.Array(ReadNote) }),
  problems: [NotFound],
  needs: ["hub:read"],
  scope,
});
/** Episodes that are named: enough to look at by hand. */
export const episodesShown = 100;

export const Forget = op({
  id: "notes.forget",
  http: "DELETE /notes/{project}",
  cli: "notes forget <project> <topic>",
  effect: "destroy",
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Have everything forgotten that was noted about a topic of a project.",
  input: closed({ project: ProjectName, topic: Topic }),
  output: closed({
    forgotten: Type.Integer({ minimum: 1, description: "Notes, former ones among them." }),
    episodes: Type.Array(CorrelationId, {
      maxItems: episodesShown,
      description:
        "Runs whose record still holds words of them, because they wrote or read them, newest first; what they made of it is theirs, too.",
    }),
  }),
  problems: [NotFound],
  emits: [NoteForgotten],
  needs: ["hub:write"],
  scope,
});
