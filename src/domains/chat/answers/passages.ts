/** Cuts a text into passages that can stand alone: a paragraph, an item of a list, a few lines of a table. */

/** More than this is no passage that somebody reads as an answer. */
const linesMax = 8;
const charsMax = 700;
/** A file with more passages is a table or a log; the rest of it is looked through by other means. */
export const passagesMax = 20_000;

export interface Passage {
  /** Lines as they stand in the file, from the first to the last with something on it. */
  readonly text: string;
  /** The first of them, from 1. */
  readonly line: number;
  /** The heading that it stands under; empty where there is none. */
  readonly heading: string;
}

const heading = /^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/;
const item = /^\s{0,12}(?:[-*+•]|\d{1,9}[.)])\s+/;

export function passagesOf(lines: readonly string[]): readonly Passage[] {
  const passages: Passage[] = [];
  let under = "";
  let held: string[] = [];
  let from = 1;
  const end = (): void => {
    if (held.length > 0) passages.push({ text: held.join("\n"), line: from, heading: under });
    held = [];
  };
  for (const [index, line] of lines.entries()) {
    if (passages.length >= passagesMax) break;
    const titled = heading.exec(line);
    const isFull = held.length === linesMax || held.join("\n").length + line.length > charsMax;
    if (line.trim() === "" || titled !== null || item.test(line) || isFull) end();
    if (line.trim() === "") continue;
    if (titled !== null) {
      under = titled[1] ?? "";
      // A heading answers by itself where nothing stands under it.
      passages.push({ text: line, line: index + 1, heading: "" });
      continue;
    }
    if (held.length === 0) from = index + 1;
    held.push(line);
  }
  end();
  return passages;
}
