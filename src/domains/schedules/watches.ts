/**
 * Watched folders. A notice says only that something may have changed: once the folder is quiet, its files are listed and
 * held against what they were. What the run that a change began writes itself is no change.
 */
import { posix } from "node:path";
import type { Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { ActionApplied } from "../episodes/contract.ts";
import { List, Read } from "../fs/contract.ts";
import type { Starter } from "./begin.ts";
import { changesToldMax, FolderTooLarge, type ScheduleRow, ScheduleSkipped, type When } from "./contract.ts";
import { hubContext, isClosing, isGoing, rowOf, rowsOf, type SchedulesDeps } from "./house.ts";
import { schedules as view } from "./views.ts";

/** A listing of so many files takes a second; what is larger is looked at at times. */
const filesMax = 5000;
const pageEntries = 1000;
/** Files whose content is held against what it was; of others size and time of change. */
const digestsMax = 500;
const digestBytesMax = 1_000_000;
/** A folder that is never quiet is looked at after so many settle times. */
const settlesMax = 10;
/** A folder that is gone may come back, as a stick does. */
const tryAgainMs = 60_000;
/** Changes of one run that are looked through. */
const actionsMax = 10_000;

type Watch = Extract<When, { readonly kind: "watch" }>;
interface Seen {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly digest: string | null;
}
type Listing = ReadonlyMap<string, Seen>;
export interface Change {
  readonly path: string;
  readonly kind: "added" | "changed" | "removed";
}

export interface Watches {
  /** Begins to watch all folders of the rows, and to hear of the ends of their runs. */
  open(): void;
  /** A schedule was added, paused, continued or removed. */
  follow(name: string): void;
  /** Throws `FolderTooLarge`, and what listing the folder is refused with. */
  refuseTooLarge(watch: Watch, ctx: Context): Promise<void>;
}

/** One folder that is watched now. */
interface Guard {
  readonly name: string;
  readonly watch: Watch;
  readonly end: AbortController;
  watching: Disposable | null;
  listing: Listing | null;
  /** Notices since the folder was last looked at. */
  notices: number;
  cancel: (() => void) | null;
  isLooking: boolean;
  /** A run ended since the folder was last looked at: some of what changed may be its own. */
  hasRun: boolean;
  /** It could not be looked at, and its row says so. */
  isLost: boolean;
}

export function createWatches(deps: SchedulesDeps, starter: Pick<Starter, "begin">): Watches {
  const guards = new Map<string, Guard>();
  const stop = (name: string): void => {
    const guard = guards.get(name);
    guards.delete(name);
    guard?.cancel?.();
    guard?.end.abort();
    guard?.watching?.[Symbol.dispose]();
  };
  const follow = (name: string): void => {
    stop(name);
    const row = rowOf(deps, name);
    if (row === undefined || row.when.kind !== "watch" || row.isPaused) return;
    const { when: watch } = row;
    const guard: Guard = {
      name,
      watch,
      end: new AbortController(),
      watching: null,
      listing: null,
      notices: 0,
      cancel: null,
      isLooking: false,
      hasRun: false,
      isLost: false,
    };
    guards.set(name, guard);
    open(guard, { ...deps, starter });
  };
  return {
    open() {
      for (const row of rowsOf(deps)) {
        follow(row.name);
        if (row.when.kind === "watch" && row.catchesUp && !row.isPaused && !isGoing(row))
          caught(row, { ...deps, starter });
      }
      deps.parts.kernel.views.onChange(view.name, (changes) => {
        for (const { key, before, after } of changes) {
          const guard = guards.get(key);
          const isOver =
            before !== undefined && isGoing(before as ScheduleRow) && after !== null && after !== undefined;
          if (guard === undefined || !isOver || isGoing(after as ScheduleRow)) continue;
          guard.hasRun = true;
          soon(guard, { ...deps, starter });
        }
      });
    },
    follow,
    refuseTooLarge: async (watch, ctx) => void (await listed(watch, ctx)),
  };
}

interface Guarding extends SchedulesDeps {
  readonly starter: Pick<Starter, "begin">;
}

/** What changed while the hub was off nobody saw: who wants that run asked for it. */
function caught({ name }: ScheduleRow, { starter, clock, log }: Guarding): void {
  starter
    .begin(name, { dueMs: clock.nowMs(), nextDueMs: null, cause: "catch-up" })
    .catch((error: unknown) =>
      log.error("a watched folder could not be caught up with", { name, error: String(error) }),
    );
}

function open(guard: Guard, guarding: Guarding): void {
  const { notices } = guarding;
  const { watch, end } = guard;
  if (end.signal.aborted) return;
  guard.watching = notices.watch(watch.folder, ({ isOver }) => {
    if (end.signal.aborted) return;
    if (isOver) later(guard, guarding);
    else soon(guard, guarding);
  });
  // What the folder holds now is what it is held against.
  if (guard.listing === null) soon(guard, guarding);
}

/** Looks once the folder was quiet for its settle time, or was never quiet for long. */
function soon(guard: Guard, guarding: Guarding): void {
  if (guard.end.signal.aborted) return;
  guard.notices += 1;
  if (guard.cancel !== null && guard.notices > settlesMax) return;
  guard.cancel?.();
  const waitMs = guard.listing === null ? 0 : guard.watch.settleMs;
  guard.cancel = guarding.clock.after(waitMs, () => {
    guard.cancel = null;
    look(guard, guarding).catch((error: unknown) => {
      const { log } = guarding;
      log.warn("a watched folder could not be looked at", { name: guard.name, error: String(error) });
      later(guard, guarding);
      tellLost(guard, error, guarding).catch((failure: unknown) =>
        log.error("a watched folder is lost, and that could not be told", { name: guard.name, error: String(failure) }),
      );
    });
  });
}

/** Once, until the folder is back: whoever lists the schedules reads that changes there are not seen. */
async function tellLost(guard: Guard, error: unknown, { clock, ...deps }: Guarding): Promise<void> {
  if (guard.isLost || guard.end.signal.aborted || isClosing(deps) || rowOf(deps, guard.name) === undefined) return;
  guard.isLost = true;
  const why = isProblem(error) ? error.message : "it cannot be read";
  const reason = `${guard.watch.folder} could not be looked at, and is tried again each minute: ${why}`.slice(0, 500);
  await hubContext(deps).emit(ScheduleSkipped, { name: guard.name, dueMs: clock.nowMs(), nextDueMs: null, reason });
}

/** The folder went away, and whatever lies there when it comes back is another one. */
function later(guard: Guard, guarding: Guarding): void {
  if (guard.end.signal.aborted) return;
  guard.cancel?.();
  guard.cancel = guarding.clock.after(tryAgainMs, () => {
    guard.cancel = null;
    guard.watching?.[Symbol.dispose]();
    open(guard, guarding);
    soon(guard, guarding);
  });
}

async function look(guard: Guard, guarding: Guarding): Promise<void> {
  if (isClosing(guarding)) return;
  const { name, watch, end } = guard;
  const row = rowOf(guarding, name);
  if (row === undefined || end.signal.aborted || guard.isLooking) return;
  // The end of the run looks again.
  if (isGoing(row) && guard.listing !== null) return;
  guard.isLooking = true;
  guard.notices = 0;
  try {
    const ctx = guarding.parts.act({ caller: row.caller, corrId: "schedules", signal: end.signal });
    const before = guard.listing;
    const now = await withDigests(await listed(watch, ctx), before, { watch, ctx });
    if (end.signal.aborted) return;
    guard.listing = now;
    guard.isLost = false;
    if (before === null) return;
    const changes = changesBetween(before, now).filter(guard.hasRun ? ofOthers(row, watch, guarding) : () => true);
    guard.hasRun = false;
    if (changes.length > 0) await begin(guard, changes, guarding);
  } finally {
    guard.isLooking = false;
    // Notices that came meanwhile have not been looked at.
    if (guard.notices > 0) soon(guard, guarding);
  }
}

async function begin(
  { name }: Guard,
  changes: readonly Change[],
  { starter, clock, halted, ...deps }: Guarding,
): Promise<void> {
  const dueMs = clock.nowMs();
  if (halted().aborted) {
    const reason = `the hub is halted; ${changes.length} changes`;
    await hubContext(deps).emit(ScheduleSkipped, { name, dueMs, nextDueMs: null, reason });
    return;
  }
  const told = changes.slice(0, changesToldMax).map((each) => ({ ...each }));
  await starter.begin(name, { dueMs, nextDueMs: null, cause: "change", changes: told });
}

async function listed({ folder, only }: Watch, ctx: Context): Promise<Map<string, Seen>> {
  const files = new Map<string, Seen>();
  let afterPath: string | null = null;
  for (let count = 0; count <= filesMax; ) {
    const after: { afterPath?: string } = afterPath === null ? {} : { afterPath };
    const page: Static<typeof List.output> = await ctx.call(List, { folder, limit: pageEntries, ...after });
    for (const { path, kind, sizeBytes, modifiedMs } of page.entries)
      if (kind === "file" && isWanted(path, only)) files.set(path, { sizeBytes, modifiedMs, digest: null });
    count += page.entries.length;
    if (page.nextAfterPath === null && count <= filesMax) return files;
    afterPath = page.nextAfterPath;
    if (afterPath === null) break;
  }
  throw new Problem(FolderTooLarge, `${folder} has more than ${filesMax} files`);
}

/** A pattern without a folder is about names, wherever they lie. */
export const isWanted = (path: string, only: readonly string[]): boolean =>
  only.length === 0 ||
  only.some((pattern) => posix.matchesGlob(pattern.includes("/") ? path : posix.basename(path), pattern));

/** The content counts, not that somebody touched a file: known where size and time are the same, read where they are not. */
async function withDigests(
  now: Map<string, Seen>,
  before: Listing | null,
  { watch, ctx }: { readonly watch: Watch; readonly ctx: Context },
): Promise<Listing> {
  let read = 0;
  for (const [path, file] of now) {
    const former = before?.get(path);
    const isSame = former?.sizeBytes === file.sizeBytes && former.modifiedMs === file.modifiedMs;
    if (former !== undefined && isSame) now.set(path, former);
    else if (file.sizeBytes <= digestBytesMax && read < digestsMax) {
      read += 1;
      now.set(path, { ...file, digest: await digestOf(path, watch, ctx) });
    }
  }
  return now;
}

async function digestOf(path: string, { folder }: Watch, ctx: Context): Promise<string | null> {
  try {
    return (await ctx.call(Read, { folder, path, lines: 1 })).digest;
  } catch (error) {
    if (isProblem(error)) return null;
    throw error;
  }
}

export function changesBetween(before: Listing, now: Listing): readonly Change[] {
  const changes: Change[] = [];
  for (const [path, file] of now) {
    const former = before.get(path);
    if (former === undefined) changes.push({ path, kind: "added" });
    else if (isChanged(former, file)) changes.push({ path, kind: "changed" });
  }
  for (const path of before.keys()) if (!now.has(path)) changes.push({ path, kind: "removed" });
  return changes;
}

const isChanged = (former: Seen, file: Seen): boolean =>
  former.sizeBytes !== file.sizeBytes ||
  (former.digest !== null && file.digest !== null
    ? former.digest !== file.digest
    : former.modifiedMs !== file.modifiedMs);

/** What a run did to the folder it says itself; a command says only that it ran there, and then all of it may be its own. */
function ofOthers({ last }: ScheduleRow, { folder }: Watch, { parts }: Guarding): (change: Change) => boolean {
  if (last === null) return () => true;
  const actions = parts.kernel.journal.read({ corrId: last.episode, kinds: [ActionApplied.kind], limit: actionsMax });
  const own = new Set<string>();
  for (const { data } of actions) {
    const target = data as Static<typeof ActionApplied.data> | null;
    if (target?.folder === undefined || !isNear(target.folder, folder)) continue;
    if (target.path !== undefined) own.add(posix.join(target.folder, target.path));
    else if (isWorkingInFiles(target.recorded.tool, parts)) return () => false;
  }
  return ({ path }) => !own.has(posix.join(folder, path));
}

const isWorkingInFiles = (tool: string, { kernel }: SchedulesDeps["parts"]): boolean =>
  kernel.table.operations.get(tool)?.operation.needs.some((need) => need === "exec" || need === "fs:write") ?? true;

const isNear = (one: string, other: string): boolean =>
  one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
