/** Brings two changes of the same text together, line by line. Where both changed one place, it says so and merges nothing. */
import { diffArrays } from "diff";

export interface ThreeTexts {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
  /** Where both changed one place, both sides are put there under these names, between lines as git writes them. */
  readonly marks?: Marks;
}
export interface Marks {
  readonly ours: string;
  readonly theirs: string;
}

/**
 * Null where both changed the same or neighbouring lines differently and no marks are wanted, or the texts differ too much to be
 * compared.
 */
export function mergeTexts({ base, ours, theirs, marks }: ThreeTexts): string | null {
  if (ours === theirs || theirs === base) return ours;
  if (ours === base) return theirs;
  if (base.length + ours.length + theirs.length > charactersMax) return null;
  const lines = linesOf(base);
  const ourEdits = editsOf(lines, linesOf(ours));
  const theirEdits = editsOf(lines, linesOf(theirs));
  return ourEdits === null || theirEdits === null ? null : joined(lines, { ourEdits, theirEdits, marks });
}

/** Beyond this many characters even splitting into lines is felt. */
const charactersMax = 6_000_000;
/** Edits looked for at most: the search takes their square; see `text-diff.ts`. */
const editsMax = 1_000;

/** With their ends, so that putting them together gives the text again, whatever its line ends are. */
const linesOf = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+/g) ?? [];

/** Lines `from` up to, and not with, `to` of the base, and what stands there instead. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

function editsOf(base: readonly string[], changed: readonly string[]): readonly Edit[] | null {
  const parts = diffArrays([...base], [...changed], { maxEditLength: editsMax });
  if (parts === undefined) return null;
  const edits: Edit[] = [];
  let at = 0;
  for (const { added, removed, value } of parts) {
    if (!added && !removed) {
      at += value.length;
      continue;
    }
    const to = removed ? at + value.length : at;
    const last = edits.at(-1);
    const lines = added ? value : [];
    // A replacement comes as two parts; both are one edit.
    if (last !== undefined && last.to === at)
      edits[edits.length - 1] = { ...last, to, lines: [...last.lines, ...lines] };
    else edits.push({ from: at, to, lines });
    at = to;
  }
  return edits;
}

interface Sides {
  readonly ourEdits: readonly Edit[];
  readonly theirEdits: readonly Edit[];
  readonly marks: Marks | undefined;
}

function joined(base: readonly string[], { ourEdits: ours, theirEdits: theirs, marks }: Sides): string | null {
  let merged = "";
  const [left, right] = [[...ours], [...theirs]];
  let at = 0;
  for (;;) {
    const from = Math.min(left[0]?.from ?? base.length, right[0]?.from ?? base.length);
    if (left.length + right.length === 0) return merged + textOf(base, at, base.length);
    merged += textOf(base, at, from);
    const { to, ourEdits, theirEdits } = takeRegion(from, left, right);
    const ourText = applied(base, { from, to }, ourEdits);
    const theirText = applied(base, { from, to }, theirEdits);
    const isConflict = theirEdits.length > 0 && ourEdits.length > 0 && ourText !== theirText;
    if (isConflict && marks === undefined) return null;
    if (isConflict && marks !== undefined) merged += marked(ourText, theirText, marks);
    else merged += ourEdits.length > 0 ? ourText : theirText;
    at = to;
  }
}

/** The line ends are those of the text, and a last line without one gets one: a mark stands on a line of its own. */
function marked(ours: string, theirs: string, marks: Marks): string {
  const end = /\r\n/.test(ours + theirs) ? "\r\n" : "\n";
  const whole = (text: string): string => (text === "" || text.endsWith("\n") ? text : text + end);
  return `<<<<<<< ${marks.ours}${end}${whole(ours)}=======${end}${whole(theirs)}>>>>>>> ${marks.theirs}${end}`;
}

const textOf = (lines: readonly string[], from: number, to: number): string => lines.slice(from, to).join("");

/** Takes from both sides all edits that overlap or touch each other, beginning with the one at `from`. */
function takeRegion(from: number, left: Edit[], right: Edit[]) {
  const ourEdits: Edit[] = [];
  const theirEdits: Edit[] = [];
  let to = from;
  for (let isGrown = true; isGrown; ) {
    isGrown = false;
    for (const [side, taken] of [
      [left, ourEdits],
      [right, theirEdits],
    ] as const) {
      for (let next = side[0]; next !== undefined && next.from <= to; next = side[0]) {
        side.shift();
        taken.push(next);
        to = Math.max(to, next.to);
        isGrown = true;
      }
    }
  }
  return { to, ourEdits, theirEdits };
}

function applied(
  base: readonly string[],
  { from, to }: { readonly from: number; readonly to: number },
  edits: readonly Edit[],
): string {
  let text = "";
  let at = from;
  for (const edit of edits) {
    text += textOf(base, at, edit.from) + edit.lines.join("");
    at = edit.to;
  }
  return text + textOf(base, at, to);
}
