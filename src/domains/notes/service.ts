/** Writes, finds and forgets notes. Those of a project are those that were written while its name meant the same folder. */
import { createKeyedMutex, type KeyedMutex } from "../../base/async.ts";
import { wordMatcher } from "../../base/word-match.ts";
import type { Caller, Label } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Redactor } from "../../kernel/ports.ts";
import {
  Forget,
  History,
  type Note,
  NoteForgotten,
  NoteWritten,
  Read,
  type ReadNote,
  Search,
  textCharsMax,
  TooManyNotes,
  topicCharsMax,
  Write,
} from "./contract.ts";
import type { Eraser } from "./port.ts";
import { episodesThatTell, type Written } from "./remembering.ts";
import { notes as view, notesMax } from "./views.ts";

export interface NotesDeps {
  readonly parts: KernelParts;
  readonly redactor: Redactor;
  readonly erase: Eraser;
}

interface Desk extends NotesDeps {
  /** One topic is written and forgotten by one call at a time. */
  readonly turns: KeyedMutex;
}

const topicsEachMax = 500;
/** Former ones of a topic that the list keeps; older ones are in the journal. */
const formerMax = 20;
const limitDefault = 100;
/** Characters of one answer; the next page goes on. */
const answerCharsMax = 200_000;
const pageEvents = 1000;

export function createNotes(deps: NotesDeps): Domain {
  const { parts } = deps;
  const desk: Desk = { ...deps, turns: createKeyedMutex() };
  return {
    name: "notes",
    operations: [
      bind(Write, (input, ctx) => desk.turns.run(turnOf(input), () => write(input, ctx, desk))),
      bind(Read, ({ project, topic, ...page }) => {
        const key = topic === undefined ? null : keyOf(topic);
        return pageOf(current(project, parts), page, (each) => key === null || keyOf(each.topic) === key);
      }),
      bind(Search, ({ project, words, ...page }) => {
        const matcher = wordMatcher(words);
        return pageOf(current(project, parts), page, ({ topic, text }) => matcher.find(`${topic}\n${text}`) >= 0);
      }),
      bind(History, ({ project, topic }) => ({ notes: ofTopic(project, topic, parts).map(shown) })),
      bind(Forget, (input, ctx) => desk.turns.run(turnOf(input), () => forget(input, ctx, desk)), {
        preview: ({ project, topic }) =>
          Promise.resolve({ summary: `Forget what was noted about ${topic} in ${project}`, canUndo: false }),
      }),
    ],
    events: [NoteWritten, NoteForgotten],
    views: [view],
  };
}

interface Named {
  readonly project: string;
  readonly topic: string;
}

const keyOf = (topic: string): string => topic.normalize("NFC").trim().toLowerCase().replaceAll(/\s+/g, " ");
const turnOf = ({ project, topic }: Named): string => `${project} ${keyOf(topic)}`;
const byTopic = (a: Note, b: Note): number => (keyOf(a.topic) < keyOf(b.topic) ? -1 : 1);

/** The folder that the project names now. */
function folderOf(project: string, { kernel }: KernelParts): string {
  const projects = kernel.table.views.get("projects");
  const row = projects === undefined ? undefined : kernel.views.get(projects, project);
  if (row !== undefined) return (row as { readonly folder: string }).folder;
  throw new Problem(NotFound, `there is no project ${project}; \`arw projects create ${project} FOLDER\` names one`);
}

const rowsOf = ({ kernel }: KernelParts, where: (note: Note) => boolean): readonly Note[] =>
  kernel.views.list(view, { limit: notesMax, where }).rows.map((each) => each.row);

function current(project: string, parts: KernelParts): readonly Note[] {
  const folder = folderOf(project, parts);
  const isOwn = (note: Note): boolean =>
    note.status === "current" && note.project === project && note.folder === folder;
  return rowsOf(parts, isOwn).toSorted(byTopic);
}

/** The newest first. */
function ofTopic(project: string, topic: string, parts: KernelParts): readonly Note[] {
  const folder = folderOf(project, parts);
  const key = keyOf(topic);
  return rowsOf(parts, (note) => note.project === project && note.folder === folder && keyOf(note.topic) === key);
}

async function write(
  { project, topic, text, source }: Static<typeof Write.input>,
  ctx: Context,
  { parts, redactor }: Desk,
): Promise<Static<typeof Write.output>> {
  const folder = folderOf(project, parts);
  const former = ofTopic(project, topic, parts);
  const isFull = rowsOf(parts, () => true).length >= notesMax;
  if (former.length === 0) refuseFull(project, isFull, parts);
  const noteId = ctx.id();
  const supersedes = former.find(({ status }) => status === "current")?.noteId ?? null;
  const leaves = isFull || former.length > formerMax ? (former.at(-1)?.noteId ?? null) : null;
  const labels = labelsOfCaller(ctx.caller);
  const note = {
    noteId,
    project,
    folder,
    topic: redactor.text(topic.trim().replaceAll(/\s+/g, " ")).slice(0, topicCharsMax),
    text: redactor.text(text).slice(0, textCharsMax),
    labels,
    ...(source === undefined ? {} : { source }),
  };
  await ctx.emit(NoteWritten, { ...note, supersedes, leaves });
  return { noteId, topic: note.topic, labels, supersedes };
}

/** A person's words are theirs; of whoever else says nothing of their words nobody knows whose they are. */
const labelsOfCaller = ({ labels, kind }: Caller): Label[] => [
  ...(labels ?? (kind === "person" ? ["user"] : ["tool"])),
];

function refuseFull(project: string, isFull: boolean, parts: KernelParts): void {
  const topics = rowsOf(parts, (each) => each.project === project && each.status === "current").length;
  if (topics < topicsEachMax && !isFull) return;
  throw new Problem(TooManyNotes, isFull ? `the hub has ${notesMax} notes` : `${project} has ${topics} topics`, {
    next: "`arw notes forget PROJECT TOPIC` makes room",
  });
}

const shown = ({ noteId, topic, text, source, labels, author, episode, writtenAtMs }: Note): ReadNote => ({
  noteId,
  topic,
  text,
  labels,
  author,
  episode,
  writtenAtMs,
  ...(source === undefined ? {} : { source }),
});

interface Page {
  readonly afterTopic?: string;
  readonly limit?: number;
}

function pageOf(
  all: readonly Note[],
  { afterTopic, limit = limitDefault }: Page,
  matches: (note: Note) => boolean,
): Static<typeof Read.output> {
  const after = afterTopic === undefined ? null : keyOf(afterTopic);
  const left = all.filter((each) => (after === null || keyOf(each.topic) > after) && matches(each));
  const notes: ReadNote[] = [];
  let chars = 0;
  for (const note of left) {
    chars += note.text.length;
    if (notes.length >= limit || (chars > answerCharsMax && notes.length > 0)) break;
    notes.push(shown(note));
  }
  return { notes, nextAfterTopic: notes.length < left.length ? (notes.at(-1)?.topic ?? null) : null };
}

/** Every version that the journal has, also of another folder of that name and of those that the list has no room for. */
async function forget({ project, topic }: Named, ctx: Context, { parts, erase }: Desk) {
  const found = writtenOf({ project, topic }, parts);
  if (found.length === 0) throw new Problem(NotFound, `nothing was noted about ${topic} in ${project}`);
  await Promise.all(found.map(({ noteId }) => ctx.emit(NoteForgotten, { noteId, project })));
  await erase({ kind: NoteWritten.kind, seqs: found.map(({ seq }) => seq) }, ctx);
  return { forgotten: found.length, episodes: episodesThatTell(found, parts) };
}

function writtenOf({ project, topic }: Named, { kernel }: KernelParts): Written[] {
  const key = keyOf(topic);
  const found: Written[] = [];
  let afterSeq = 0;
  for (;;) {
    const page = kernel.journal.read({ kinds: [NoteWritten.kind], afterSeq, limit: pageEvents });
    for (const { seq, corrId, data } of page) {
      const note = data as Static<typeof NoteWritten.data> | null;
      if (note?.project === project && keyOf(note.topic) === key) found.push({ seq, noteId: note.noteId, corrId });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageEvents) return found;
    afterSeq = last.seq;
  }
}
