/** A unified diff as lines to show. Pure. */

export interface DiffLine {
  readonly kind: "added" | "removed" | "same" | "hunk" | "file";
  readonly text: string;
  /** Line number in the file after the change; before it for removed lines. */
  readonly line: number | null;
  /** Place in the diff, from 0. */
  readonly index: number;
}

const hunkHead = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/u;

export function diffLines(diff: string): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  const add = (line: Omit<DiffLine, "index">): void => void lines.push({ ...line, index: lines.length });
  let before = 0;
  let after = 0;
  let isInHunk = false;
  for (const text of diff.replace(/\n$/u, "").split("\n")) {
    const head = hunkHead.exec(text);
    if (head) {
      before = Number(head[1]);
      after = Number(head[2]);
      isInHunk = true;
      add({ kind: "hunk", text, line: null });
    } else if (!isInHunk) add({ kind: "file", text, line: null });
    else if (text.startsWith("+")) add({ kind: "added", text: text.slice(1), line: after++ });
    else if (text.startsWith("-")) add({ kind: "removed", text: text.slice(1), line: before++ });
    else if (text.startsWith("\\")) add({ kind: "hunk", text, line: null });
    else {
      add({ kind: "same", text: text.slice(1), line: after++ });
      before += 1;
    }
  }
  return lines;
}
