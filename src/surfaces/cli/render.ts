/** Answers for people: lists as tables, objects as names and values, whatever domain they come from. */
import { truncate } from "../../base/text-marks.ts";
import { formatBytes, formatDurationMs } from "../../base/units.ts";
import type { Pen } from "./pen.ts";

type Row = Readonly<Record<string, unknown>>;

const isRow = (value: unknown): value is Row => typeof value === "object" && value !== null && !Array.isArray(value);
const isRows = (value: unknown): value is readonly Row[] => Array.isArray(value) && value.every(isRow);

export function renderAnswer(output: unknown, pen: Pen): string {
  if (typeof output === "string") return pen.safe(output).trimEnd();
  if (isRows(output)) return renderTable(output, pen);
  if (!isRow(output)) return valueText("", output, pen);
  const lists = Object.entries(output).filter((entry): entry is [string, readonly Row[]] => isRows(entry[1]));
  const [list] = lists;
  // A list that is empty may be one of words: beside another it is not all that is told.
  const isAll = list !== undefined && (list[1].length > 0 || Object.values(output).filter(Array.isArray).length === 1);
  if (list === undefined || lists.length > 1 || !isAll) return renderPairs(output, pen);
  const more =
    typeof output["nextCursor"] === "string"
      ? `\n${pen.paint("dim", `More: --cursor ${pen.safe(output["nextCursor"])}`)}`
      : "";
  return `${renderTable(list[1], pen)}${more}`;
}

/** One line for one item of a stream. */
export function renderItem(item: unknown, pen: Pen): string {
  if (!isRow(item)) return valueText("", item, pen);
  const pairs = Object.entries(item).map(([name, value]) => `${pen.paint("dim", name)} ${valueText(name, value, pen)}`);
  return pairs.join("  ");
}

export function renderPairs(row: Row, pen: Pen): string {
  const width = Math.max(0, ...Object.keys(row).map((name) => name.length));
  return Object.entries(row)
    .map(
      ([name, value]) =>
        `${pen.paint("dim", name.padEnd(width))}  ${valueText(name, value, pen).replaceAll("\n", " ")}`,
    )
    .join("\n");
}

/** A column is as wide as its widest value; the last ones give way when the terminal is narrow. */
const columnWidthMax = 60;
const columnWidthMin = 8;
const gap = 2;

export function renderTable(rows: readonly Row[], pen: Pen): string {
  if (rows.length === 0) return pen.paint("dim", "Nothing here.");
  const names = [...new Set(rows.flatMap((row) => Object.keys(row).filter((name) => isPlain(row[name]))))];
  const cells = rows.map((row) => names.map((name) => valueText(name, row[name], pen).replaceAll(/\s+/gu, " ")));
  const widths = fitWidths(
    names.map((name, column) =>
      Math.min(columnWidthMax, Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0))),
    ),
    pen.columns,
  );
  const line = (texts: readonly string[]): string =>
    widths
      .map((width, column) => truncate(texts[column] ?? "", width).padEnd(width))
      .join(" ".repeat(gap))
      .trimEnd();
  return [pen.paint("dim", line(names)), ...cells.map(line)].join("\n");
}

function fitWidths(widths: readonly number[], columns: number): readonly number[] {
  const kept: number[] = [];
  let left = columns;
  for (const width of widths) {
    const room = Math.min(width, left);
    if (kept.length > 0 && room < Math.min(width, columnWidthMin)) break;
    kept.push(room);
    left -= room + gap;
  }
  return kept;
}

const isPlain = (value: unknown): boolean => typeof value !== "object" || value === null || Array.isArray(value);

/** The unit is the last word of a name, so the name says how its number is read. */
export function valueText(name: string, value: unknown, pen: Pen): string {
  if (value === undefined || value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return numberText(name, value, pen);
  if (typeof value === "string") return pen.safe(value);
  if (Array.isArray(value) && value.every((part) => typeof part !== "object")) return pen.safe(value.join(", "));
  return pen.safe(JSON.stringify(value));
}

function numberText(name: string, value: number, pen: Pen): string {
  if (/(AtMs|^timeMs|modifiedMs|BeforeMs|UntilMs|FromMs|ToMs)$/u.test(name)) return pen.timeText(value);
  if (name.endsWith("Ms")) return formatDurationMs(value);
  if (/bytes$/iu.test(name)) return formatBytes(value);
  return String(value);
}
