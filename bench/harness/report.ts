/** The rows as people read them: a table for the terminal, and the page that is kept. */
import { reasons } from "./reasons.ts";
import type { Row, Target } from "./rows.ts";

const targetText = (target: Target | null, unit: string): string => {
  if (target === null) return "";
  const mark = unit === "x" ? "x" : ` ${unit}`;
  const least = target.atLeast === undefined ? "" : `≥ ${target.atLeast}${mark}`;
  return target.atMost === undefined ? least : `≤ ${target.atMost}${mark}`;
};

const valueText = ({ value, min, max, unit, skipped }: Row): string => {
  if (skipped !== undefined || value === null) return `skipped (${skipped ?? "no value"})`;
  const mark = unit === "x" ? "x" : ` ${unit}`;
  return min === max ? `${value}${mark}` : `${value}${mark} [${String(min)}–${String(max)}]`;
};

const verdictText = ({ isMet, skipped, target }: Row): string => {
  if (target === null) return "";
  if (skipped !== undefined || isMet === null) return "not measured";
  return isMet ? "met" : "MISSED";
};

const heads = ["path", "what", "against", "median [range]", "target", "verdict", "absolute, this machine"] as const;

const cells = (row: Row): readonly string[] => [
  row.path,
  row.what,
  row.peer,
  valueText(row),
  targetText(row.target, row.unit),
  verdictText(row),
  row.note ?? "",
];

export function tableText(rows: readonly Row[]): string {
  const lines = [heads, ...rows.map(cells)];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function markdownReport(rows: readonly Row[], facts: readonly string[]): string {
  const missed = rows.filter((row) => verdictText(row) === "MISSED");
  const open = rows.filter((row) => verdictText(row) === "not measured");
  const met = rows.filter((row) => verdictText(row) === "met");
  return `${[
    "<!-- Written by `npm run bench -- --write`. -->",
    "# Benchmark results",
    "",
    ...facts.map((fact) => `- ${fact}`),
    "",
    "Contestants alternate in rotated order; each ratio is taken per round and the median is shown with its range. Above 1x the hub is faster than the peer. Absolute figures are for orientation: they move with the machine and its other work, the ratios less so.",
    "",
    `Targets: ${met.length} met, ${missed.length} missed, ${open.length} not measured.`,
    "",
    markdownTable([heads, ...rows.map(cells)]),
    "",
    "## Missed",
    "",
    ...(missed.length === 0
      ? ["None."]
      : missed.map(
          (row) =>
            `- ${row.path} ${row.what}${row.peer === "" ? "" : ` against ${row.peer}`}: ${valueText(row)}, target ${targetText(row.target, row.unit)}.`,
        )),
    "",
    "## Why",
    "",
    ...whys(missed),
    "",
    "P16 compares 10 k with 1 M events; `--long` goes to the 10 M of its target, and may take up to half an hour; it is not part of a usual run.",
  ].join("\n")}\n`;
}

function whys(missed: readonly { readonly path: string }[]): readonly string[] {
  const paths = [...new Set(missed.map((row) => row.path))].toSorted();
  return paths.map((path) => `- ${path}: ${reasons[path] ?? "not yet known."}`);
}

function markdownTable(lines: readonly (readonly string[])[]): string {
  const [head = [], ...body] = lines.map(
    (line) => `| ${line.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`,
  );
  return [head, `|${" --- |".repeat(heads.length)}`, ...body].join("\n");
}
