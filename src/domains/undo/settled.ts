/** A file that a person settled before: what it is now, and what becomes of it when they change their mind. */
import type { ChangedFile } from "./changes.ts";
import type { ConflictsWay, UndoneFile } from "./contract.ts";
import { backToBefore, bytesDigest, type Content, type Recall, type Unwound, unwind } from "./unwind.ts";

/** What the undo of a file left there, where its person kept something of the run in it. */
export interface Settled {
  readonly way: "mine" | "marks";
  readonly leftDigest: string | null;
}

export const settledBy = ({ settled, afterRef }: UndoneFile): Settled | undefined =>
  settled === "mine" || settled === "marks" ? { way: settled, leftDigest: afterRef } : undefined;

const wayWords: Readonly<Record<Settled["way"], readonly [still: string, edited: string]>> = {
  mine: ["kept as you had it", "kept as you had it, and edited since"],
  marks: ["marks are in it", "marks were written into it, and it was edited since"],
};

interface Again {
  readonly recall: Recall;
  readonly conflicts: ConflictsWay;
  readonly before: Settled;
}

/** Never throws away what was edited since it was settled: such a file is one that was edited since the run, as any other. */
export function settleAgain(file: ChangedFile, now: Content, again: Again): Promise<Unwound> | Unwound {
  const { recall, conflicts, before } = again;
  const digest = now === null ? null : bytesDigest(now);
  const same = { now, goal: now, nowDigest: digest, thenDigest: digest };
  if (digest === file.changes[0]?.beforeRef) return { ...same, fate: "as-before" };
  const isEdited = digest !== before.leftDigest;
  if (conflicts !== "before" && (conflicts !== "marks" || before.way === "marks"))
    return { ...same, fate: "settled", detail: wayWords[before.way][isEdited ? 1 : 0] };
  if (isEdited) return unwind(file, now, { recall, conflicts: "stay" });
  return conflicts === "before" ? backToBefore(file, now, recall) : unwind(file, now, { recall, conflicts });
}
