/** A unified diff as lines to show. Pure. */

export interface DiffLine {
  readonly kind: "added" | "removed" | "same" | "hunk" | "file";
  readonly text: string;
  /** Line number in the file after the change; before it for removed lines. */
  readonly line: number | null;
}

const hunkHead = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/u;

export function diffLines(diff: string): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let before = 0;
  let after = 0;
  let isInHunk = false;
  for (const text of diff.replace(/\n$/u, "").split("\n")) {
    const head = hunkHead.exec(text);
    if (head) {
      before = Number(head[1]);
      after = Number(head[2]);
      isInHunk = true;
      lines.push({ kind: "hunk", text, line: null });
    } else if (!isInHunk) lines.push({ kind: "file", text, line: null });
    else if (text.startsWith("+")) lines.push({ kind: "added", text: text.slice(1), line: after++ });
    else if (text.startsWith("-")) lines.push({ kind: "removed", text: text.slice(1), line: before++ });
    else if (text.startsWith("\\")) lines.push({ kind: "hunk", text, line: null });
    else {
      lines.push({ kind: "same", text: text.slice(1), line: after++ });
      before += 1;
    }
  }
  return lines;
}
