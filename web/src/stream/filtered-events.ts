/** The events of a ring that pass a filter, kept up by looking at each event once. */
import type { HubEvent } from "../shapes.ts";
import type { EventRing } from "./event-ring.ts";

/** Frames of this kind stand where the stream lost events. */
export const gapKind = "bus.gap";

export interface FilteredEvents {
  /** Index of the oldest match that is still in the ring; indexes count every match and outlive eviction. */
  readonly start: number;
  readonly end: number;
  /** Indexes of the gaps among them, in order. */
  readonly gaps: readonly number[];
  /** Takes in what arrived since the last call. */
  sync(): void;
  at(index: number): HubEvent | undefined;
  slice(from: number, to: number): readonly HubEvent[];
}

export function createFilteredEvents(ring: EventRing, matches: (event: HubEvent) => boolean): FilteredEvents {
  let positions: number[] = [];
  let gaps: number[] = [];
  // How many positions at the head of the array are evicted; cut off in bulk to stay linear.
  let dead = 0;
  let start = 0;
  let next = 0;
  let epoch = ring.epoch;

  const reset = (): void => {
    positions = [];
    gaps = [];
    dead = 0;
    start = 0;
    next = 0;
    epoch = ring.epoch;
  };
  const evict = (): void => {
    while (dead < positions.length && (positions[dead] ?? 0) < ring.start) {
      dead += 1;
      start += 1;
    }
    if ((gaps[0] ?? start) < start) gaps = gaps.filter((index) => index >= start);
    if (dead > positions.length / 2) {
      positions = positions.slice(dead);
      dead = 0;
    }
  };
  const at = (index: number): HubEvent | undefined => {
    const position = positions[dead + index - start];
    return index < start || position === undefined ? undefined : ring.at(position);
  };

  return {
    get start() {
      return start;
    },
    get end() {
      return start + positions.length - dead;
    },
    get gaps() {
      return gaps;
    },
    sync() {
      if (epoch !== ring.epoch) reset();
      for (let position = Math.max(next, ring.start); position < ring.end; position += 1) {
        const event = ring.at(position);
        if (!event || !matches(event)) continue;
        if (event.kind === gapKind) gaps.push(start + positions.length - dead);
        positions.push(position);
      }
      next = ring.end;
      evict();
    },
    at,
    slice(from, to) {
      const found: HubEvent[] = [];
      for (let index = Math.max(from, start); index < to; index += 1) {
        const event = at(index);
        if (event) found.push(event);
      }
      return found;
    },
  };
}
