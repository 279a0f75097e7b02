/** A binary heap: the first of many, in O(log n) a change. */

export interface Heap<T> {
  readonly size: number;
  /** The first value, left in place. */
  peek(): T | undefined;
  push(value: T): void;
  /** The first value, taken out. */
  pop(): T | undefined;
  clear(): void;
}

/** `less` is a strict order. Equal values leave in no promised order: break ties in `less` where order matters. */
export function createHeap<T>(less: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];
  // Indices come from the heap's own arithmetic and stay below `items.length`, hence the assertions on type.
  const at = (index: number): T => items[index] as T;

  const rise = (value: T): void => {
    let hole = items.length - 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!less(value, at(parent))) break;
      items[hole] = at(parent);
      hole = parent;
    }
    items[hole] = value;
  };

  const sink = (value: T): void => {
    const half = items.length >> 1;
    let hole = 0;
    while (hole < half) {
      const left = 2 * hole + 1;
      const right = left + 1;
      const child = right < items.length && less(at(right), at(left)) ? right : left;
      if (!less(at(child), value)) break;
      items[hole] = at(child);
      hole = child;
    }
    items[hole] = value;
  };

  return {
    get size() {
      return items.length;
    },
    peek: () => items[0],
    push(value) {
      items.push(value);
      rise(value);
    },
    pop() {
      if (items.length <= 1) return items.pop();
      const first = at(0);
      const last = items.pop() as T;
      sink(last);
      return first;
    },
    clear() {
      items.length = 0;
    },
  };
}
