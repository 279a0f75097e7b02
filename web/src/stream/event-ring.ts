/** The newest events, outside the component tree. A position counts every event ever pushed, so it outlives eviction. */
import type { HubEvent } from "../shapes.ts";

/** Holds two minutes at 1,000 events per second in about 100 MB; older ones are in the journal. */
export const ringCapacity = 120_000;

export interface EventRing {
  /** Position of the oldest event that is still here. */
  readonly start: number;
  /** One past the newest. */
  readonly end: number;
  /** Newest journal position seen; 0 before the first. */
  readonly lastSeq: number;
  /** Grows with each `clear`, so that readers start anew. */
  readonly epoch: number;
  at(position: number): HubEvent | undefined;
  /** False for a durable event that is here already, as after a reconnect. */
  push(event: HubEvent): boolean;
  clear(): void;
}

export function createEventRing(capacity = ringCapacity): EventRing {
  let slots: HubEvent[] = [];
  let end = 0;
  let lastSeq = 0;
  let epoch = 0;
  return {
    get start() {
      return Math.max(0, end - capacity);
    },
    get end() {
      return end;
    },
    get lastSeq() {
      return lastSeq;
    },
    get epoch() {
      return epoch;
    },
    at: (position) =>
      position < 0 || position >= end || position < end - capacity ? undefined : slots[position % capacity],
    push(event) {
      if (event.seq !== undefined) {
        if (event.seq <= lastSeq) return false;
        lastSeq = event.seq;
      }
      slots[end % capacity] = event;
      end += 1;
      return true;
    },
    clear() {
      slots = [];
      end = 0;
      lastSeq = 0;
      epoch += 1;
    },
  };
}
