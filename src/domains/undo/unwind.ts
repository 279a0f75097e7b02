/** Takes the changes of a run out of one file, newest first, and says what the file is then. Reads what was kept; writes nothing. */
import { sha256Hex } from "../../base/canonical-json.ts";
import { mergeTexts } from "../../base/merge-text.ts";
import { isLikelyBinary } from "../../base/text-marks.ts";
import type { ChangedFile, FileChange } from "./changes.ts";
import type { ConflictsWay, FileUndo, Settlement } from "./contract.ts";

/** A file's bytes, or null where there is no file. */
export type Content = Uint8Array | null;

export interface Unwound {
  readonly fate: FileUndo["fate"];
  /** Not there when nobody could look. */
  readonly nowDigest?: string | null;
  readonly thenDigest?: string | null;
  readonly now: Content;
  /** What the file is after the undo; in a conflict, what it would be. */
  readonly goal: Content;
  /** What the run left, where that is known and was edited since. */
  readonly left?: Content;
  readonly detail?: string;
  /** How its person settles it. */
  readonly settled?: Settlement;
}

/** The content of a digest; null when it is no longer kept. */
export type Recall = (digest: string) => Promise<Uint8Array | null>;

export const bytesDigest = (bytes: Uint8Array): string => `sha256:${sha256Hex(bytes)}`;

/** `conflicts` says what becomes of a file that was edited since in the same place. */
export async function unwind(
  { changes }: ChangedFile,
  now: Content,
  { recall, conflicts }: { readonly recall: Recall; readonly conflicts: ConflictsWay },
): Promise<Unwound> {
  const nowDigest = now === null ? null : bytesDigest(now);
  const known = new Map<string, Uint8Array>(now === null ? [] : [[nowDigest as string, now]]);
  const kept: Recall = async (digest) => known.get(digest) ?? (await recall(digest));
  let digest = nowDigest;
  let isMerged = false;
  for (const change of changes.toReversed()) {
    if (digest === change.afterRef) digest = change.beforeRef;
    else if (digest !== change.beforeRef) {
      const merged = await mergedWith(change, digest, kept);
      if ("fate" in merged) {
        const stuck = { ...merged, now, nowDigest, thenDigest: nowDigest };
        return await settled(stuck, changes, { kept, conflicts });
      }
      digest = bytesDigest(merged.bytes);
      known.set(digest, merged.bytes);
      isMerged = true;
    }
  }
  const made = { now, nowDigest, thenDigest: digest };
  if (digest === nowDigest) return { ...made, fate: "as-before", goal: now };
  const goal = digest === null ? null : await kept(digest);
  if (digest !== null && goal === null)
    return await settled({ ...made, ...notKept("what it was before", digest), goal: now }, changes, {
      kept,
      conflicts,
    });
  return { ...made, fate: fateOf(now, goal, isMerged), goal };
}

/** What is stuck as its person settles it, beforehand and for the whole file; as it is where that is not possible. */
async function settled(
  stuck: Unwound,
  changes: readonly FileChange[],
  { kept, conflicts }: { readonly kept: Recall; readonly conflicts: ConflictsWay },
): Promise<Unwound> {
  const { now } = stuck;
  if (conflicts === "mine") return { ...told(stuck, now), fate: "merge", detail: settledWords.mine, settled: "mine" };
  if (conflicts === "stay" || stuck.fate !== "conflict") return stuck;
  const [first, last] = [changes[0], changes.at(-1)];
  const before = first === undefined || first.beforeRef === null ? null : await kept(first.beforeRef);
  if (first === undefined || last === undefined) return stuck;
  if (first.beforeRef !== null && before === null)
    return { ...stuck, ...notKept("what it was before", first.beforeRef) };
  if (conflicts === "before")
    return {
      ...told(stuck, before),
      fate: fateOf(now, before, false),
      detail: settledWords.before,
      settled: "before",
    };
  const left = last.afterRef === null ? null : await kept(last.afterRef);
  const [base, ours, theirs] = [left, now, before].map((each) => (each === null ? null : textOf(each)));
  if (typeof base !== "string" || typeof ours !== "string" || typeof theirs !== "string") return stuck;
  const text = mergeTexts({ base, ours, theirs, marks: { ours: "edited since", theirs: "before the run" } });
  if (text === null) return stuck;
  const goal = new TextEncoder().encode(text);
  return { ...told(stuck, goal), fate: "merge", detail: settledWords.marks, settled: "marks" };
}

/** What becomes of a file that a person settles. */
export const settledWords: Readonly<Record<Settlement, string>> = {
  mine: "stays as it is now, and counts as undone",
  before: "goes back to what it was before, without what was edited since",
  marks: "has both sides in it now, between marks; edit it by hand",
};

/** All that the run and its person made of the file goes, however it would unwind. */
export function backToBefore({ changes }: ChangedFile, now: Content, recall: Recall): Promise<Unwound> {
  const digest = now === null ? null : bytesDigest(now);
  const stuck = { fate: "conflict" as const, now, goal: now, nowDigest: digest, thenDigest: digest };
  return settled(stuck, changes, { kept: recall, conflicts: "before" });
}

const told = ({ now, nowDigest = null }: Unwound, goal: Content) => ({
  now,
  goal,
  nowDigest,
  thenDigest: goal === null ? null : bytesDigest(goal),
});

function fateOf(now: Content, goal: Content, isMerged: boolean): FileUndo["fate"] {
  if (now === null) return "bring-back";
  if (goal === null) return "remove";
  return isMerged ? "merge" : "restore";
}

type Stuck = Pick<Unwound, "fate" | "goal" | "left" | "detail">;

const notKept = (what: string, digest: string) => ({
  fate: "not-kept" as const,
  detail: `${what} is not kept any more: ${digest}`,
});

/** Somebody edited the file since: both changes of what the run left are brought together. */
async function mergedWith(
  { beforeRef, afterRef }: FileChange,
  nowDigest: string | null,
  kept: Recall,
): Promise<Stuck | { readonly bytes: Uint8Array }> {
  const before = beforeRef === null ? null : await kept(beforeRef);
  if (beforeRef !== null && before === null) return { ...notKept("what it was before", beforeRef), goal: null };
  const stuck = (detail: string, left: Content): Stuck => ({ fate: "conflict", detail, goal: before, left });
  const after = afterRef === null ? null : await kept(afterRef);
  if (nowDigest === null) return stuck("it was removed since", after);
  if (afterRef === null)
    return stuck("it was removed by what is undone, and is there again with another content", null);
  if (beforeRef === null) return stuck("it did not exist before, and was edited since", after);
  if (after === null)
    return { ...notKept("what the run left, without which edits since cannot be told,", afterRef), goal: before };
  const now = (await kept(nowDigest)) as Uint8Array;
  const [base, ours, theirs] = [textOf(after), textOf(now), before === null ? null : textOf(before)];
  if (base === null || ours === null || theirs === null) return stuck("it was changed since and is no text", after);
  const text = mergeTexts({ base, ours, theirs });
  return text === null
    ? stuck("it was edited since in the same place", after)
    : { bytes: new TextEncoder().encode(text) };
}

/** The exact text of bytes, byte order mark included; null where they are none. */
function textOf(bytes: Uint8Array): string | null {
  if (isLikelyBinary(bytes)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
