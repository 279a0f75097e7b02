/** The change between two texts as a unified diff without its head, for the eyes of a person. Pure. */

const contextLines = 3;
/** Above this many compared pairs of lines the whole middle counts as changed: the page must not stop for a nicety. */
const pairsMax = 4_000_000;

interface Line {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

/** Empty when nothing changed. */
export function unifiedDiff(before: string, after: string): string {
  if (before === after) return "";
  return hunks(changedLines(linesOf(before), linesOf(after)));
}

const linesOf = (text: string): readonly string[] => (text === "" ? [] : text.replace(/\n$/u, "").split("\n"));

function changedLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const same = (texts: readonly string[]): Line[] => texts.map((text) => ({ sign: " ", text }));
  return [
    ...same(before.slice(0, head)),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...same(before.slice(before.length - tail)),
  ];
}

/** By the longest common subsequence of the lines. */
function middle(before: readonly string[], after: readonly string[]): Line[] {
  const gone = before.map((text): Line => ({ sign: "-", text }));
  const come = after.map((text): Line => ({ sign: "+", text }));
  if (before.length === 0 || after.length === 0 || before.length * after.length > pairsMax) return [...gone, ...come];
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1)
    for (let column = after.length - 1; column >= 0; column -= 1)
      lengths[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
  const lines: Line[] = [];
  let row = 0;
  let column = 0;
  while (row < before.length && column < after.length) {
    if (before[row] === after[column]) {
      lines.push({ sign: " ", text: before[row] ?? "" });
      row += 1;
      column += 1;
    } else if (at(row + 1, column) >= at(row, column + 1)) lines.push(gone[row++] as Line);
    else lines.push(come[column++] as Line);
  }
  return [...lines, ...gone.slice(row), ...come.slice(column)];
}

/** Changes that lie close together share a hunk. */
function hunks(lines: readonly Line[]): string {
  const isNear = lines.map((_line, index) =>
    lines.slice(Math.max(0, index - contextLines), index + contextLines + 1).some(({ sign }) => sign !== " "),
  );
  const parts: string[] = [];
  let oldLine = 1;
  let newLine = 1;
  for (let index = 0; index < lines.length; ) {
    const end = isNear[index] ? isNear.indexOf(false, index) : isNear.indexOf(true, index);
    const run = lines.slice(index, end < 0 ? lines.length : end);
    const removed = run.filter(({ sign }) => sign !== "+").length;
    const added = run.filter(({ sign }) => sign !== "-").length;
    if (isNear[index]) {
      parts.push(`@@ -${oldLine},${removed} +${newLine},${added} @@`);
      parts.push(...run.map(({ sign, text }) => sign + text));
    }
    oldLine += removed;
    newLine += added;
    index += run.length;
  }
  return parts.join("\n");
}
