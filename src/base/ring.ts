/** A fixed ring: the newest values, the oldest overwritten. */

export interface Ring<T> {
  /** How many values are held, at most `capacity`. */
  readonly size: number;
  /** The asked capacity, rounded up to a power of two. */
  readonly capacity: number;
  push(value: T): void;
  /** The newest `count` values, oldest first; fewer when fewer are held. */
  last(count: number): T[];
  clear(): void;
}

/** Above this a ring is a store, and belongs behind a port. */
const capacityMax = 2 ** 24;

/** The slots grow as they are first used, so an idle ring costs nothing. Throws RangeError for a capacity out of 1..2^24. */
export function createRing<T>(capacity: number): Ring<T> {
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > capacityMax) {
    throw new RangeError(`A ring holds 1 to ${capacityMax} values, not ${capacity}.`);
  }
  const slotCount = 2 ** Math.ceil(Math.log2(capacity));
  const mask = slotCount - 1;
  const slots: T[] = [];
  let next = 0;

  return {
    get size() {
      return slots.length;
    },
    capacity: slotCount,
    push(value) {
      slots[next] = value;
      next = (next + 1) & mask;
    },
    last(count) {
      const taken = Math.max(0, Math.min(Math.floor(count), slots.length));
      // Before the first wrap `next` is the length; after it, it is the oldest slot. Both make `next - taken` right.
      const from = (next - taken) & mask;
      const end = from + taken;
      if (end <= slots.length) return slots.slice(from, end);
      return slots.slice(from).concat(slots.slice(0, end & mask));
    },
    clear() {
      slots.length = 0;
      next = 0;
    },
  };
}
