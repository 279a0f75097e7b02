/** What the journal says that a run, or an undo, changed: files with what they were before and after, and all else. */
import { checkerOf, type Static } from "../../contract/schema.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Journal, Table } from "../../kernel/kernel.ts";
import { GoOn } from "../agents/contract.ts";
import { ActionApplied, ActionFailed, ActionRefused, IntentProposed, type Recorded } from "../episodes/contract.ts";
import { Write } from "../fs/contract.ts";
import { FileRestored, type StepLeft } from "./contract.ts";

/** One change of a file; null stands for no file. */
export interface FileChange {
  readonly step: number;
  readonly beforeRef: string | null;
  readonly afterRef: string | null;
}
export interface ChangedFile {
  readonly folder: string;
  readonly path: string;
  /** Oldest first. */
  readonly changes: readonly FileChange[];
  /** Folders that were made on the way to it. */
  readonly madeFolders: number;
  /** Where the folder really lay at its last change, where its path led through a link. */
  readonly realFolder?: string | undefined;
}
export interface RunChanges {
  /** In the order of their first change. */
  readonly files: readonly ChangedFile[];
  readonly left: readonly StepLeft[];
}

const pageEvents = 1000;
const kinds = [IntentProposed, ActionApplied, ActionFailed, ActionRefused, FileRestored].map(({ kind }) => kind);

interface Reading {
  readonly journal: Journal;
  readonly operations: Table["operations"];
}

export function readChanges(episode: string, { journal, operations }: Reading): RunChanges {
  const files = new Map<string, ChangedFile>();
  const left: StepLeft[] = [];
  /** Steps that were begun, until an event tells how they ended. */
  const open = new Map<number, StepLeft>();
  let restorations = 0;
  for (const { kind, data } of eventsOf(journal, { corrId: episode, kinds })) {
    if (kind === FileRestored.kind) {
      const restored = data as Static<typeof FileRestored.data>;
      // Of this very call: a person may give an undo the id of what it undoes.
      if (restored.episode === episode) continue;
      restorations += 1;
      addChange(files, restored, { ...restored, step: restorations });
      continue;
    }
    const told = toldBy(data);
    if (kind === IntentProposed.kind) {
      open.set(told.step, { ...told, reason: "it was begun, and nothing says how it ended" });
      continue;
    }
    open.delete(told.step);
    if (kind === ActionRefused.kind) continue;
    const isDone = kind === ActionApplied.kind;
    if (told.tool === Write.id) {
      // A write that failed left the former file whole.
      if (isDone) takeWrite(data as Applied, { files, left, told });
      continue;
    }
    const reason = reasonOf(told.tool, operations);
    if (reason !== null) left.push({ ...told, reason: isDone ? reason : `it failed on its way; ${reason}` });
  }
  return { files: [...files.values()], left: [...left, ...open.values()].toSorted((a, b) => a.step - b.step) };
}

/** All events of these kinds, of one episode or of all. */
export function* eventsOf(
  journal: Journal,
  which: { readonly corrId?: string; readonly kinds: readonly string[] },
): Generator<Envelope> {
  let afterSeq = 0;
  for (;;) {
    const page = journal.read({ ...which, afterSeq, limit: pageEvents });
    // Retention never drops these kinds by itself; what a person's own rule dropped tells nothing any more.
    for (const each of page) if (each.data !== null) yield each;
    const last = page.at(-1);
    if (last === undefined || page.length < pageEvents) return;
    afterSeq = last.seq;
  }
}

type Told = Omit<StepLeft, "reason">;
type Applied = Static<typeof ActionApplied.data>;

/** An applied step says its number and tool in its record, every other event beside its summary. */
function toldBy(data: unknown): Told {
  const { summary, recorded, step, tool } = data as Told & { readonly recorded?: Recorded };
  return { step: recorded?.step ?? step, tool: recorded?.tool ?? tool, summary };
}

interface Taking {
  readonly files: Map<string, ChangedFile>;
  readonly left: StepLeft[];
  readonly told: Told;
}

function takeWrite({ folder, path, recorded }: Applied, { files, left, told }: Taking): void {
  const { result } = recorded;
  if (folder === undefined || path === undefined || !checkerOf(Write.output).check(result)) {
    left.push({ ...told, reason: "its record does not say what the file was" });
    return;
  }
  const { digest, beforeRef, isChanged, madeFolders = 0, realFolder } = result as Static<typeof Write.output>;
  if (isChanged)
    addChange(files, { folder, path, madeFolders, realFolder }, { step: recorded.step, beforeRef, afterRef: digest });
}

function addChange(
  files: Map<string, ChangedFile>,
  { folder, path, madeFolders, realFolder }: Omit<ChangedFile, "changes">,
  { step, beforeRef, afterRef }: FileChange,
): void {
  const key = `${folder}\n${path}`;
  const known = files.get(key);
  const changes = [...(known?.changes ?? []), { step, beforeRef, afterRef }];
  files.set(key, {
    folder,
    path,
    changes,
    madeFolders: Math.max(known?.madeFolders ?? 0, madeFolders),
    ...(realFolder === undefined ? {} : { realFolder }),
  });
}

/** Why no undo reaches what the tool did; null for what changes nothing. */
function reasonOf(tool: string, operations: Table["operations"]): string | null {
  if (tool === GoOn.id) return null;
  const operation = operations.get(tool)?.operation;
  if (operation === undefined) return "its tool is none of this hub's";
  if (operation.effect === "read") return null;
  const { needs } = operation;
  if (needs.includes("exec")) return "a program ran; what it changed is not recorded";
  if (needs.includes("net:send")) return "it was sent to another machine";
  if (needs.includes("fs:write")) return "what it changed in files is not recorded as its own";
  return "it changed the hub and no file";
}
