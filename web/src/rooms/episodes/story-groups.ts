/** Lines of a story, with long runs of the same family folded. Pure. */
import type { StoryLine } from "../../shapes.ts";

export interface StoryGroup {
  readonly key: number;
  readonly lines: readonly StoryLine[];
  /** How many lines stand open; the rest is behind a button. */
  readonly openCount: number;
}

/** A run of up to this many lines is read at a glance. */
const runLengthMax = 6;
/** What remains of a longer run: enough to see what it is about. */
const openCount = 3;

const foldable = new Set(["observation", "belief"]);

export function storyGroups(story: readonly StoryLine[]): readonly StoryGroup[] {
  const groups: StoryGroup[] = [];
  let run: StoryLine[] = [];
  const close = (): void => {
    const [first] = run;
    if (first)
      groups.push({ key: first.seq, lines: run, openCount: run.length > runLengthMax ? openCount : run.length });
    run = [];
  };
  for (const line of story) {
    const previous = run.at(-1);
    const isSame =
      previous && previous.family === line.family && foldable.has(line.family) && !line.isError && !previous.isError;
    if (!isSame) close();
    run.push(line);
  }
  close();
  return groups;
}
