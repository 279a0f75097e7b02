/** Plans and makes undos: each file by itself, newest first, as the person who asks, and so that an undo can be undone, too. */
import { createKeyedMutex } from "../../base/async.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { Restore } from "../fs/contract.ts";
import { type ChangedFile, eventsOf, readChanges } from "./changes.ts";
import {
  Apply,
  changingFates,
  FileReopened,
  FileRestored,
  FileTaken,
  type FileUndo,
  filesMax,
  Plan,
  StillRunning,
  stepsNamedMax,
  stuckFates,
  UndoApplied,
  type UndoneFile,
  type UndoReport,
} from "./contract.ts";
import type { UndoFiles } from "./port.ts";
import { type Settled, settleAgain, settledBy } from "./settled.ts";
import { createShower } from "./shown.ts";
import { type Content, settledWords, unwind, type Unwound } from "./unwind.ts";
import { type FileOfRun, undone, undoneKey } from "./views.ts";

export interface UndoDeps {
  readonly parts: KernelParts;
  readonly files: UndoFiles;
  /** Whether a run of this id goes on, or waits. */
  readonly isRunning: (episode: string) => boolean;
}

export const createUndo = (deps: UndoDeps): Domain => {
  const turns = createKeyedMutex();
  return {
    name: "undo",
    operations: [
      bind(Plan, (input, ctx) => report({ ...input, ctx, deps }, (_task, unwound) => Promise.resolve(unwound))),
      // Two at once would each find what the other one changes.
      bind(Apply, (input, ctx) => turns.run(input.episode, () => apply({ ...input, ctx, deps }), ctx)),
    ],
    events: [FileTaken, FileRestored, FileReopened, UndoApplied],
    views: [undone],
  };
};

interface Asked extends Static<typeof Apply.input> {
  readonly ctx: Context;
  readonly deps: UndoDeps;
}

interface Task {
  readonly file: ChangedFile;
  /** Where its person settled it before. */
  readonly settled: Settled | undefined;
}

/** Looks at each file, lets `act` do what it does about it, and tells what came of it. */
async function report(asked: Asked, act: (task: Task, unwound: Unwound) => Promise<Unwound>): Promise<UndoReport> {
  const { episode, ctx, deps } = asked;
  const { kernel } = deps.parts;
  if (kernel.journal.read({ corrId: episode, limit: 1 }).length === 0)
    throw new Problem(NotFound, `nothing is recorded of ${episode}`);
  if (deps.isRunning(episode)) throw new Problem(StillRunning, `${episode} is still running`);
  const { files: all, left } = readChanges(episode, { journal: kernel.journal, operations: kernel.table.operations });
  const files = asked.path === undefined ? all : all.filter(({ path }) => path === asked.path);
  if (all.length > 0 && files.length === 0)
    throw new Problem(
      NotFound,
      `${episode} changed no file ${asked.path}; \`arw undo ${episode} --dry-run\` names those it did`,
    );
  const { tasks, before } = tasksOf(files, asked);
  const show = createShower();
  const shown: FileUndo[] = [];
  for (const task of tasks.slice(0, filesMax)) {
    ctx.signal.throwIfAborted();
    shown.push(show(task.file, await act(task, await lookAt(task, asked))));
  }
  const told = [...shown, ...before.map(undoneBefore)].slice(0, filesMax);
  return {
    episode,
    undoId: null,
    files: told,
    filesMore: files.length - told.length,
    left: left.slice(0, stepsNamedMax),
    leftMore: Math.max(0, left.length - stepsNamedMax),
    status: statusOf(told),
  };
}

/** What is to be looked at, newest first and what is settled last; and what is undone. */
function tasksOf(
  files: readonly ChangedFile[],
  { episode, deps }: Asked,
): { readonly tasks: readonly Task[]; readonly before: readonly ChangedFile[] } {
  const [open, settled, before]: [Task[], Task[], ChangedFile[]] = [[], [], []];
  for (const file of files.toReversed()) {
    const row = undoneBy({ episode, ...file }, deps);
    const way = row === undefined ? undefined : settledBy(row);
    if (row === undefined) open.push({ file, settled: undefined });
    else if (way === undefined) before.unshift(file);
    else settled.push({ file, settled: way });
  }
  return { tasks: [...open, ...settled], before };
}

const has = (files: readonly FileUndo[], fates: ReadonlySet<string>): boolean =>
  files.some(({ fate }) => fates.has(fate));

function statusOf(files: readonly FileUndo[]): UndoReport["status"] {
  if (has(files, changingFates)) return "ready";
  if (has(files, stuckFates)) return "partly";
  return has(files, new Set(["undone-before", "settled"])) ? "undone-before" : "nothing";
}

/** Undos of undos of one file that are followed. */
const undosMax = 1000;

/** Undone or settled, unless that undo was itself undone. */
function undoneBy(file: FileOfRun, deps: UndoDeps): UndoneFile | undefined {
  return isUndone(file, deps) ? deps.parts.kernel.views.get(undone, undoneKey(file)) : undefined;
}

/** Ids of undos are younger than what they undo, so this comes to an end. */
function isUndone(file: FileOfRun, deps: UndoDeps): boolean {
  let { episode } = file;
  let isReverted = false;
  for (let depth = 0; depth < undosMax; depth += 1) {
    const row = deps.parts.kernel.views.get(undone, undoneKey({ ...file, episode }));
    if (row === undefined || row.undoId === episode) return isReverted !== (row !== undefined);
    isReverted = !isReverted;
    episode = row.undoId;
  }
  return isReverted;
}
const undoneBefore = ({ folder, path, changes }: ChangedFile): FileUndo => ({
  folder,
  path,
  fate: "undone-before",
  steps: changes.slice(0, stepsNamedMax).map(({ step }) => step),
  diff: "",
});

async function lookAt({ file, settled }: Task, { ctx, deps, conflicts = "stay" }: Asked): Promise<Unwound> {
  const { files, parts } = deps;
  const how = { recall: parts.recorder.recallBytes, conflicts };
  try {
    const now = await files.read(file, file.path, ctx.signal);
    return await (settled === undefined ? unwind(file, now, how) : settleAgain(file, now, { ...how, before: settled }));
  } catch (error) {
    const unread = outOfReach(error, null);
    // Nothing is asked of it.
    return settled !== undefined && conflicts === "stay" ? { ...unread, fate: "settled" } : unread;
  }
}

function outOfReach(error: unknown, now: Content): Unwound {
  if (!isProblem(error)) throw error;
  const { rule } = error.extra;
  const by = typeof rule === "string" ? ` (${rule})` : "";
  return { fate: "out-of-reach", now, goal: now, detail: `${error.message}${by}` };
}

async function apply(asked: Asked): Promise<UndoReport> {
  const { episode, ctx } = asked;
  let taken: ReadonlyMap<string, Taken> | undefined;
  const made = await report(asked, async ({ file, settled }, unwound) => {
    if (!changingFates.has(unwound.fate)) {
      taken ??= takenIn(asked);
      const ended = await finishTaken({ file, unwound, ctx }, taken.get(undoneKey({ episode, ...file })));
      if (settled !== undefined && ended.fate === "conflict")
        await ctx.emit(FileReopened, { episode, folder: file.folder, path: file.path });
      return ended;
    }
    try {
      await restore(asked, file, unwound);
      return unwound;
    } catch (error) {
      return outOfReach(error, unwound.now);
    }
  });
  const changed = made.files.filter(({ fate }) => changingFates.has(fate)).length;
  if (changed === 0) return made;
  const stuck = made.files.filter(({ fate }) => stuckFates.has(fate)).length;
  const status = stuck > 0 || made.filesMore > 0 ? "partly" : "undone";
  await ctx.emit(UndoApplied, { episode, status, changed, stuck, left: made.left.length + made.leftMore });
  return { ...made, status, undoId: ctx.corrId };
}

type Taken = Static<typeof FileTaken.data>;

/**
 * An undo that was cut off may have changed a file and not have said so. What it said before is said to its end here, so that the
 * undo of this undo knows of the file.
 */
async function finishTaken(
  { file, unwound, ctx }: { readonly file: ChangedFile; readonly unwound: Unwound; readonly ctx: Context },
  taken: Taken | undefined,
): Promise<Unwound> {
  if (taken === undefined || taken.afterRef !== unwound.nowDigest) return unwound;
  const lies = file.realFolder === undefined ? {} : { realFolder: file.realFolder };
  await ctx.emit(FileRestored, { ...taken, madeFolders: 0, ...lies });
  const words = taken.settled === undefined ? {} : { detail: settledWords[taken.settled] };
  return { fate: taken.fate, now: unwound.now, goal: unwound.now, thenDigest: taken.afterRef, ...words };
}

/** Files that an undo of this episode took in hand last without saying how that ended. */
function takenIn({ episode, deps }: Asked): ReadonlyMap<string, Taken> {
  const open = new Map<string, Taken>();
  const kinds = [FileTaken.kind, FileRestored.kind];
  for (const { kind, data } of eventsOf(deps.parts.kernel.journal, { kinds })) {
    const told = data as Taken;
    if (told.episode !== episode) continue;
    if (kind === FileTaken.kind) open.set(undoneKey(told), told);
    else open.delete(undoneKey(told));
  }
  return open;
}

/** Walks the corridor as the person who asked: rules that keep them from changing this file hold here, too. */
async function restore({ episode, ctx, deps }: Asked, file: ChangedFile, unwound: Unwound): Promise<void> {
  const { folder, path, realFolder } = file;
  const { fate, goal, nowDigest = null, thenDigest = null, settled } = unwound;
  // What a merge came to is kept nowhere yet, and a later undo of this one needs it.
  if (goal !== null) await deps.parts.recorder.keepBytes(goal);
  const lies = realFolder === undefined ? {} : { realFolder };
  const input = { folder, ...lies, path, ref: thenDigest, expectedDigest: nowDigest };
  const place = { episode, folder, path, fate, ...(settled === undefined ? {} : { settled }) };
  await ctx.emit(FileTaken, { ...place, beforeRef: nowDigest, afterRef: thenDigest });
  const { beforeRef, digest, madeFolders } = await ctx.call(
    Restore,
    thenDigest === null ? { ...input, emptyFolders: file.madeFolders } : input,
  );
  const data: Static<typeof FileRestored.data> = {
    ...place,
    beforeRef,
    afterRef: digest,
    madeFolders,
    ...lies,
  };
  await ctx.emit(FileRestored, data);
}
