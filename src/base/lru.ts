/** A map that forgets what was not used for longest. */

export interface Lru<K, V> {
  readonly size: number;
  /** Counts as a use. */
  get(key: K): V | undefined;
  /** Does not count as a use. */
  has(key: K): boolean;
  set(key: K, value: V): void;
  delete(key: K): boolean;
  clear(): void;
}

/** `onEvict` hears of entries pushed out by the bound, not of those deleted, replaced or cleared. */
export function createLru<K, V>(max: number, onEvict?: (key: K, value: V) => void): Lru<K, V> {
  if (!Number.isInteger(max) || max < 1) throw new RangeError(`An LRU map holds at least one entry, not ${max}.`);
  // A Map keeps the order of insertion; putting an entry back on each use makes that the order of use.
  const entries = new Map<K, V>();
  return {
    get size() {
      return entries.size;
    },
    get(key) {
      const value = entries.get(key);
      if (value === undefined && !entries.has(key)) return undefined;
      entries.delete(key);
      entries.set(key, value as V);
      return value;
    },
    has: (key) => entries.has(key),
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size <= max) return;
      for (const [oldest, evicted] of entries) {
        entries.delete(oldest);
        onEvict?.(oldest, evicted);
        return;
      }
    },
    delete: (key) => entries.delete(key),
    clear: () => entries.clear(),
  };
}
