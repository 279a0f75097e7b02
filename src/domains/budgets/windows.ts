/** Windows of time that follow each other without a gap, numbered from 1970, in UTC. */
import type { Terms } from "./contract.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** 1970 began on a Thursday; weeks begin on Mondays. */
const mondayMs = 4 * dayMs;

export interface WindowOf {
  readonly window: number;
  /** When the next one begins. */
  readonly endsAtMs: number;
}

const fixed = (timeMs: number, sizeMs: number, offsetMs = 0): WindowOf => {
  const window = Math.floor((timeMs - offsetMs) / sizeMs);
  return { window, endsAtMs: (window + 1) * sizeMs + offsetMs };
};

/** Null for `run`, which ends with its episode. */
export function windowAt(kind: Terms["window"], timeMs: number): WindowOf | null {
  switch (kind) {
    case "minute":
      return fixed(timeMs, 60_000);
    case "hour":
      return fixed(timeMs, hourMs);
    case "day":
      return fixed(timeMs, dayMs);
    case "week":
      return fixed(timeMs, 7 * dayMs, mondayMs);
    case "month": {
      const time = new Date(timeMs);
      const window = (time.getUTCFullYear() - 1970) * 12 + time.getUTCMonth();
      return { window, endsAtMs: Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1) };
    }
    case "run":
    default:
      return null;
  }
}
