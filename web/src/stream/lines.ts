/** The lines of the event list: what came over the stream, and in the place of each gap what was read into it. Pure. */
import type { HubEvent } from "../shapes.ts";
import type { FilteredEvents } from "./filtered-events.ts";

export interface Lines {
  readonly count: number;
  /** Lines that are events, not gaps. */
  readonly eventCount: number;
  at(index: number): HubEvent | undefined;
}

export interface LinesOptions {
  readonly events: FilteredEvents;
  /** Indexes of the matches that are shown: from, and one past the last. */
  readonly from: number;
  readonly end: number;
  /** What was read into a gap and passes the filter, oldest first. */
  readonly filled: (gap: HubEvent) => readonly HubEvent[];
}

interface Insert {
  /** The line after which it stands. */
  readonly line: number;
  readonly events: readonly HubEvent[];
}

export function createLines({ events, from, end, filled }: LinesOptions): Lines {
  const inserts: Insert[] = [];
  let inserted = 0;
  let gapCount = 0;
  for (const index of events.gaps) {
    if (index < from || index >= end) continue;
    gapCount += 1;
    const gap = events.at(index);
    const found = gap ? filled(gap) : [];
    if (found.length > 0) inserts.push({ line: index - from + inserted, events: found });
    inserted += found.length;
  }
  return {
    count: end - from + inserted,
    eventCount: end - from - gapCount + inserted,
    at(index) {
      let before = 0;
      for (const insert of inserts) {
        if (index <= insert.line) break;
        if (index <= insert.line + insert.events.length) return insert.events[index - insert.line - 1];
        before += insert.events.length;
      }
      return events.at(from + index - before);
    },
  };
}
