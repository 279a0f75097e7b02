/** Sizes and times as people read them. */

const byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Powers of 1000, as disks and networks count: `640 B`, `1.2 kB`, `38 MB`. Three digits at most. */
export function formatBytes(sizeBytes: number): string {
  if (!Number.isFinite(sizeBytes) || sizeBytes < 0) return "unknown";
  let value = Math.round(sizeBytes);
  let unit = 0;
  // 999.5 would show as 1000 of the smaller unit.
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const isShort = unit > 0 && value < 9.95;
  return `${isShort ? value.toFixed(1) : Math.round(value)} ${byteUnits[unit]}`;
}

/** `640 ms`, `3.2 s`, `38 s`, `4 min 12 s`, `2 h 5 min`, `3 d 4 h`: the two largest units, rounded to the smaller. */
export function formatDurationMs(durationMs: number): string {
  if (!Number.isFinite(durationMs) || durationMs < 0) return "unknown";
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 9_950) return `${(durationMs / 1_000).toFixed(1).replace(/\.0$/, "")} s`;
  const seconds = Math.round(durationMs / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return pair(seconds, [60, "min", "s"]);
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return pair(minutes, [60, "h", "min"]);
  return pair(Math.round(minutes / 60), [24, "d", "h"]);
}

function pair(count: number, [size, large, small]: readonly [number, string, string]): string {
  const rest = count % size;
  const head = `${Math.floor(count / size)} ${large}`;
  return rest === 0 ? head : `${head} ${rest} ${small}`;
}

/** `1 step`, `2 steps`; a noun that has another plural brings it along. */
export const counted = (count: number | string, noun: string, plural = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : plural}`;

/** Millionths of a USD: `0.0123 USD`. */
export const formatMicroUsd = (microUsd: number): string => `${Number((microUsd / 1e6).toFixed(6))} USD`;

const spanUnitsMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `90s`, `15m`, `2h` or `7d`, which a schema has looked at. */
export const spanMsOf = (text: string): number =>
  Number(text.slice(0, -1)) * spanUnitsMs[text.at(-1) as keyof typeof spanUnitsMs];

export interface Progress {
  readonly done: number;
  /** Undefined when nobody knows. */
  readonly total: number | undefined;
  readonly elapsedMs: number;
}

/** Time left at the average pace so far; undefined as long as nothing can be said. */
export function etaMs({ done, total, elapsedMs }: Progress): number | undefined {
  if (total === undefined || !(done > 0) || !(elapsedMs > 0) || !Number.isFinite(total)) return undefined;
  return Math.round((Math.max(0, total - done) * elapsedMs) / done);
}
