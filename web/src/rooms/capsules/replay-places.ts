/** What a place in a record says of the files. Pure. */
import type { Manifest, ShownLine } from "./capsules-api.ts";

export type FileChange = Manifest["files"][number];

export interface Place {
  /** Changed by the event at this place. */
  readonly here: readonly FileChange[];
  /** Files that differ from what they were before the run, by now. */
  readonly changedCount: number;
}

/** A change lies where its step says that it is done; of a step that never says so, at its last event. */
export function placeOf(story: readonly ShownLine[], files: readonly FileChange[], at: number): Place {
  const indexOf = new Map<number, number>();
  for (const [index, { step, kind }] of story.entries()) {
    if (step === null) continue;
    const known = indexOf.get(step);
    if (known === undefined || story[known]?.kind !== applied || kind === applied) indexOf.set(step, index);
  }
  const until = (file: FileChange): number => indexOf.get(file.step) ?? story.length;
  const before = files.filter((file) => until(file) <= at - 1);
  return {
    here: files.filter((file) => until(file) === at - 1),
    changedCount: new Set(before.map(pathOf)).size,
  };
}

const applied = "actions.applied";

export const pathOf = ({ folder, path }: FileChange): string =>
  [folder, path].filter((part) => part !== undefined).join("/");
