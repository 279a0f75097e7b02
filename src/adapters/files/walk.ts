/** The walk of a folder: depth first, sorted, resumable, in memory that does not grow with the tree. */
import assert from "node:assert/strict";
import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import type { FolderEntry, FolderWalk, SkippedEntry, SkipReason, WalkOptions } from "../../domains/fs/port.ts";
import { FolderFault } from "../../domains/fs/port.ts";
import { errnoOf, faultOf } from "./faults.ts";
import type { IgnoreRules } from "./ignore-rules.ts";
import { createIgnoreRules } from "./ignore-rules.ts";
import { readNames } from "./names.ts";
import { pathPlatform, pathProblem } from "./path-steps.ts";
import type { Place } from "./place.ts";
import { isTemporaryName } from "./file-calls.ts";
import { kindOf, openRegular, readHead } from "./safe-file.ts";

export interface WalkLimits {
  /** Names of one folder held at once; more are read again in pages. */
  readonly namesPerFolderMax: number;
  /** Names held at once in all folders on the way down. */
  readonly namesHeldMax: number;
}

// Some ten megabytes of names; a folder of 200,000 takes four pages, and nearly all folders take one.
export const defaultWalkLimits: WalkLimits = { namesPerFolderMax: 50_000, namesHeldMax: 100_000 };

// Each level holds a descriptor and its rules; real trees stay below 40, and 1,024 descriptors are a common limit.
const depthMax = 128;
// The head of the list tells what is going on; the count tells how much of it.
const skippedMax = 100;
// No hand-written rule file comes near; a generated giant would cost seconds for each path.
const ignoreFileBytesMax = 256 * 1024;
// Asked for at once: seven times faster than one by one, and few enough to stay fresh and bounded.
const entriesPerBatch = 64;

interface Child {
  readonly name: string;
  readonly found: BigIntStats | SkipReason;
}

interface Frame {
  readonly place: Place;
  /** `""` or the path with a slash at its end. */
  readonly prefix: string;
  readonly depth: number;
  rules: IgnoreRules;
  names: string[];
  isComplete: boolean;
  children: Child[];
  /** The last name taken: where the next page starts, should the names be dropped or not all have fit. */
  after: string | null;
  isAfterInclusive: boolean;
  /** What of `afterPath` lies below the first name. */
  readonly rest: readonly string[];
}

interface WalkState {
  readonly options: WalkOptions;
  readonly limits: WalkLimits;
  readonly frames: Frame[];
  readonly skipped: SkippedEntry[];
  skippedCount: number;
  nextAfterPath: string | null;
  readonly check: () => void;
}

/** A walk begun must be returned or run to its end, since it holds open folders; its owner is told of both. */
export function createWalk(
  root: Place,
  options: WalkOptions,
  owner: {
    readonly limits: WalkLimits;
    begun(walk: AsyncGenerator<FolderEntry>): void;
    ended(walk: AsyncGenerator<FolderEntry>): void;
  },
): FolderWalk {
  const state: WalkState = {
    options,
    limits: owner.limits,
    frames: [],
    skipped: [],
    skippedCount: 0,
    nextAfterPath: options.afterPath ?? "",
    check: () => options.signal.throwIfAborted(),
  };
  let isBegun = false;
  return {
    skipped: state.skipped,
    get skippedCount() {
      return state.skippedCount;
    },
    get nextAfterPath() {
      return state.nextAfterPath;
    },
    [Symbol.asyncIterator]: () => {
      assert.ok(!isBegun, "a walk is iterated once");
      isBegun = true;
      const entries: AsyncGenerator<FolderEntry> = walk(root, state, () => owner.ended(entries));
      owner.begun(entries);
      return entries;
    },
  };
}

async function* walk(root: Place, state: WalkState, ended: () => void): AsyncGenerator<FolderEntry> {
  const { options, frames } = state;
  const start = options.afterPath === undefined || options.afterPath === "" ? [] : options.afterPath.split("/");
  let yieldedCount = 0;
  let seenCount = 0;
  try {
    await push(state, { place: root, path: "", rules: createIgnoreRules(pathPlatform() !== "linux"), rest: start });
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      state.check();
      const child = await nextChild(state, frame);
      if (child === null) {
        await pop(frames);
        continue;
      }
      const path = `${frame.prefix}${child.name}`;
      const isPassed = child.name === frame.rest[0];
      if (!isPassed && (yieldedCount >= options.limit || seenCount++ >= options.entriesMax)) return;
      if (!isPassed) state.nextAfterPath = path;
      const entry = entryOf(state, { path, child, rules: frame.rules });
      if (entry === null) continue;
      if (!isPassed) {
        yieldedCount++;
        yield entry;
      }
      if (entry.kind === "folder") await descend(state, frame, { name: child.name, path, isPassed });
    }
    state.nextAfterPath = null;
  } catch (error) {
    throw faultOf(error, state.nextAfterPath ?? "");
  } finally {
    while (frames.length > 0) await pop(frames);
    ended();
  }
}

/** The entry to yield, or null for one that is ignored or skipped. */
function entryOf(
  state: WalkState,
  at: { readonly path: string; readonly child: Child; readonly rules: IgnoreRules },
): FolderEntry | null {
  const { path, child, rules } = at;
  if (typeof child.found === "string") return skip(state, path, child.found);
  if (pathProblem(path, pathPlatform()) !== null) return skip(state, path, "name-refused");
  const entry = entryFrom(path, child.found);
  if (!rules.isIgnored(path, entry.kind === "folder")) return entry;
  if (entry.kind === "file") state.options.onIgnored?.(path);
  return null;
}

export function entryFrom(path: string, info: BigIntStats): FolderEntry {
  const kind = kindOf(info);
  return { path, kind, sizeBytes: kind === "file" ? Number(info.size) : 0, modifiedMs: Number(info.mtimeMs) };
}

async function descend(
  state: WalkState,
  frame: Frame,
  into: { readonly name: string; readonly path: string; readonly isPassed: boolean },
): Promise<void> {
  if (frame.depth >= depthMax) return void skip(state, into.path, "too-deep");
  let place: Place;
  try {
    place = await frame.place.enter(into.name);
  } catch (error) {
    return void skip(state, into.path, reasonFor(error));
  }
  const rest = into.isPassed ? frame.rest.slice(1) : [];
  await push(state, { place, path: into.path, rules: frame.rules, rest });
}

async function push(
  state: WalkState,
  on: { readonly place: Place; readonly path: string; readonly rules: IgnoreRules; readonly rest: readonly string[] },
): Promise<void> {
  const frame: Frame = {
    place: on.place,
    prefix: on.path === "" ? "" : `${on.path}/`,
    depth: state.frames.length,
    rules: on.rules,
    names: [],
    isComplete: false,
    children: [],
    after: on.rest[0] ?? null,
    // `afterPath` and the folders on the way to it are entered again, but not seen again.
    isAfterInclusive: true,
    rest: on.rest,
  };
  // From here on the frame owns the place, whatever fails next.
  state.frames.push(frame);
  if (state.options.ignoreFiles) frame.rules = await rulesIn(state, frame, on.path);
}

async function rulesIn(state: WalkState, frame: Frame, path: string): Promise<IgnoreRules> {
  const name = ".gitignore";
  try {
    const file = await openRegular(frame.place, name);
    try {
      if (file.info.size > ignoreFileBytesMax) throw new FolderFault("too-large", "the ignore file is too large");
      const bytes = await readHead(file, { sizeBytesMax: ignoreFileBytesMax, check: state.check });
      return frame.rules.within(path, new TextDecoder().decode(bytes));
    } finally {
      await file.handle.close();
    }
  } catch (error) {
    // A link or a folder of that name is not an ignore file, as in git; the walk shows it as the entry it is.
    if (errnoOf(error) === "ENOENT" || (error instanceof FolderFault && error.code !== "too-large")) return frame.rules;
    skip(state, `${frame.prefix}${name}`, reasonFor(error));
    return frame.rules;
  }
}

async function pop(frames: Frame[]): Promise<void> {
  const frame = frames.pop();
  // The first frame stands on the root, which belongs to the open folder.
  if (frame !== undefined && frames.length > 0) await frame.place.close();
}

async function nextChild(state: WalkState, frame: Frame): Promise<Child | null> {
  if (frame.children.length === 0) await fillChildren(state, frame);
  return frame.children.pop() ?? null;
}

async function fillChildren(state: WalkState, frame: Frame): Promise<void> {
  try {
    if (frame.names.length === 0 && !frame.isComplete) await fillNames(state, frame);
    await frame.place.verify();
  } catch (error) {
    skip(state, frame.prefix.slice(0, -1), reasonFor(error));
    frame.names = [];
    frame.isComplete = true;
    return;
  }
  // Both lists are reversed, so that taking the next one is a pop.
  const names = frame.names.splice(-entriesPerBatch);
  frame.after = names[0] ?? frame.after;
  frame.isAfterInclusive = false;
  frame.children = await Promise.all(names.map((name) => childOf(frame.place, name)));
}

async function fillNames(state: WalkState, frame: Frame): Promise<void> {
  dropNames(state);
  const isFirstPage = frame.after === null;
  const page = await readNames(
    frame.place.self,
    { after: frame.after, isInclusive: frame.isAfterInclusive },
    {
      namesMax: state.limits.namesPerFolderMax,
      check: state.check,
      // Later pages meet the same names again; they are told of once.
      refuse: (shownName) => isFirstPage && skip(state, `${frame.prefix}${shownName}`, "name-not-utf8"),
    },
  );
  const names = page.names.filter((name) => name !== ".git" && !isTemporaryName(name));
  frame.names = names.toReversed();
  frame.isComplete = page.isComplete;
  if (names.length > 0 || page.isComplete) return;
  // A page of hidden names only must not look like the end.
  frame.after = page.names.at(-1) ?? frame.after;
  frame.isAfterInclusive = false;
  await fillNames(state, frame);
}

/** Forgets names of the outermost folders when too many are held; they are read again on the way back. */
function dropNames(state: WalkState): void {
  let held = state.frames.reduce((sum, frame) => sum + frame.names.length, 0);
  for (const frame of state.frames) {
    if (held <= state.limits.namesHeldMax) return;
    held -= frame.names.length;
    if (frame.names.length > 0) frame.isComplete = false;
    frame.names = [];
  }
}

async function childOf(place: Place, name: string): Promise<Child> {
  try {
    return { name, found: await lstat(place.at(name), { bigint: true }) };
  } catch (error) {
    return { name, found: reasonFor(error) };
  }
}

/** Trouble with one entry is its own; running out of descriptors or a defect is everybody's and goes on up. */
function reasonFor(error: unknown): SkipReason {
  if (error instanceof FolderFault) return error.code === "too-large" ? "too-large" : "vanished";
  const errno = errnoOf(error);
  if (["ENOENT", "ENOTDIR", "ELOOP", "ESTALE"].includes(errno)) return "vanished";
  if (["EACCES", "EPERM", "EIO", "ENXIO"].includes(errno)) return "unreadable";
  if (errno === "ENAMETOOLONG") return "too-deep";
  throw error;
}

function skip(state: WalkState, path: string, reason: SkipReason): null {
  state.skippedCount++;
  if (state.skipped.length < skippedMax) state.skipped.push({ path, reason });
  return null;
}
