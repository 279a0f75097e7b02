/** Colours where they are wanted, and text from outside made safe to look at. */
import { styleText } from "node:util";
import { showHidden, showLine } from "../../base/text-marks.ts";
import type { Terminal } from "./port.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

export interface Pen {
  paint(style: Style, text: string): string;
  /** Text that is not ours: no escape sequence in it reaches the terminal. */
  safe(text: string): string;
  /** The same for what stands in one line: no break in it begins another. */
  line(text: string): string;
  /** The same for what may have several lines and stands inside a list: the others begin so far in, behind a rule. */
  inside(text: string, indent: number): string;
  readonly columns: number;
  readonly timeText: (epochMs: number) => string;
}

export const createPen = (terminal: Pick<Terminal, "columns" | "hasColor" | "timeText">): Pen => ({
  // Whether there is a terminal was decided outside; asking the stream again would make tests depend on it.
  paint: (style, text) => (terminal.hasColor && text !== "" ? styleText(style, text, { validateStream: false }) : text),
  safe: showHidden,
  line: showLine,
  inside: (text, indent) => showHidden(text).replaceAll("\n", `\n${" ".repeat(indent)}│ `),
  columns: terminal.columns,
  timeText: terminal.timeText,
});

/** A unified diff, coloured line by line. */
export function diffText(diff: string, pen: Pen): string {
  return pen
    .safe(diff)
    .split("\n")
    .map((line) => pen.paint(diffStyle(line), line))
    .join("\n");
}

function diffStyle(line: string): Style {
  if (line.startsWith("+++") || line.startsWith("---")) return "bold";
  if (line.startsWith("@@")) return "cyan";
  if (line.startsWith("+")) return "green";
  return line.startsWith("-") ? "red" : "dim";
}
