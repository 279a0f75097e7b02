/** What a benchmark reports: one row per comparison or per bounded figure. Crosses a process as a line of JSON. */

/** A comparison is met by a ratio at least or at most so large; a figure by its own bound. */
export interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Row {
  /** Number in the list of paths that must be fast, e.g. `P3`. */
  readonly path: string;
  readonly what: string;
  /** Whom the ratio is taken against; empty for a figure of its own. */
  readonly peer: string;
  /** Median over the rounds; null when skipped. */
  readonly value: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly rounds: number;
  /** `x` for a ratio, else the unit of the figure. */
  readonly unit: string;
  readonly target: Target | null;
  readonly isMet: boolean | null;
  readonly skipped?: string;
  /** Absolute figures, for orientation only: they move with the machine. */
  readonly note?: string;
}

export const isMet = (value: number, { atLeast, atMost }: Target): boolean =>
  (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Three digits say what a noisy machine can say. */
export const rounded = (value: number): number => Number(value.toPrecision(3));

interface FigureOptions {
  readonly path: string;
  readonly what: string;
  readonly values: readonly number[];
  readonly unit: string;
  readonly target?: Target;
  readonly peer?: string;
  readonly note?: string;
}

/** A row from the values of the rounds: ratios against a peer, or figures with a bound of their own. */
export function figure({ path, what, values, unit, target, peer, note }: FigureOptions): Row {
  const value = rounded(median(values));
  return {
    path,
    what,
    peer: peer ?? "",
    value,
    min: rounded(Math.min(...values)),
    max: rounded(Math.max(...values)),
    rounds: values.length,
    unit,
    target: target ?? null,
    isMet: target === undefined ? null : isMet(value, target),
    ...(note === undefined ? {} : { note }),
  };
}

/** A comparison that could not be made. Never counts as met. */
export const skippedRow = (row: Pick<Row, "path" | "what" | "peer">, why: string, target?: Target): Row => ({
  ...row,
  value: null,
  min: null,
  max: null,
  rounds: 0,
  unit: "x",
  target: target ?? null,
  isMet: null,
  skipped: why,
});
