import type { Changes, Listing, Manifest } from "./findings.ts";
import { comparePath } from "./ranking.ts";

/** What is new, gone and different since the run that left `previous`. Files without a digest are told apart by size. */
export function findChanges(previous: Manifest, current: Manifest, limit: number): Changes {
  const before = new Map(previous.files.map((file) => [file.path, file]));
  const added: string[] = [];
  const changed: string[] = [];
  let unchangedCount = 0;
  for (const file of current.files) {
    const old = before.get(file.path);
    before.delete(file.path);
    if (old === undefined) added.push(file.path);
    else if (old.digest !== file.digest || old.sizeBytes !== file.sizeBytes) changed.push(file.path);
    else unchangedCount++;
  }
  return {
    added: firstPaths(added, limit),
    removed: firstPaths([...before.keys()], limit),
    changed: firstPaths(changed, limit),
    unchangedCount,
  };
}

function firstPaths(paths: readonly string[], limit: number): Listing<string> {
  return { entries: paths.toSorted(comparePath).slice(0, limit), count: paths.length, isComplete: true };
}
