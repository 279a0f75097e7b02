/** The order of a view's keys, kept so that the oldest can go when the view is full. */
import type { View } from "../contract/view.ts";
import type { Store } from "./ports.ts";

/** Keys taken from the front leave a hole; above this it is closed. */
const holeMax = 4096;

export interface KeyOrder {
  add(key: string): void;
  remove(key: string): void;
  /** False only when the key is certainly absent. */
  mayHave(key: string): boolean;
  count(): number;
  smallest(): string | undefined;
  inOrder(afterKey: string | undefined, limit: number): readonly string[];
}

/**
 * A view that drops its oldest row keeps its keys sorted in memory, listed from the store on first need; they mostly arrive
 * in order, so adding is an append. A guarded view never drops one and needs no list.
 */
export function createKeyOrder(view: View, store: Pick<Store, "rows"> | null): KeyOrder {
  if (store !== null && view.overflow === "guarded") return createUnordered(view, store);
  let sorted: string[] | null = null;
  let start = 0;

  const ordered = (): string[] => {
    sorted ??=
      store === null
        ? []
        : store.rows({ view: view.name, limit: view.rowsMax + 1, order: "asc" }).map((row) => row.key);
    return sorted;
  };
  const position = (list: readonly string[], key: string): number => {
    let low = start;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((list[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    add(key) {
      const list = ordered();
      const last = list.at(-1);
      if (list.length === start || last === undefined || last < key) {
        list.push(key);
        return;
      }
      const at = position(list, key);
      if (list[at] !== key) list.splice(at, 0, key);
    },
    remove(key) {
      const list = ordered();
      const at = position(list, key);
      if (list[at] !== key) return;
      if (at === start) start += 1;
      else list.splice(at, 1);
      if (start > holeMax && start > list.length / 2) {
        sorted = list.slice(start);
        start = 0;
      }
    },
    mayHave(key) {
      const list = ordered();
      const last = list.at(-1);
      if (list.length === start || last === undefined || last < key) return false;
      return list[position(list, key)] === key;
    },
    count: () => ordered().length - start,
    smallest: () => ordered()[start],
    inOrder(afterKey, limit) {
      const list = ordered().slice(start);
      if (view.order === "desc") list.reverse();
      const from =
        afterKey === undefined ? list : list.filter((key) => (view.order === "desc" ? key < afterKey : key > afterKey));
      return from.slice(0, limit);
    },
  };
}

/** Knows the largest key alone: new keys mostly are larger than all before, and need not be asked for. */
function createUnordered(view: View, store: Pick<Store, "rows">): KeyOrder {
  let largest: string | null = null;
  const known = (): string => (largest ??= store.rows({ view: view.name, limit: 1, order: "desc" })[0]?.key ?? "");
  return {
    add(key) {
      if (key > known()) largest = key;
    },
    remove() {},
    mayHave: (key) => key <= known(),
    count: () => 0,
    smallest: () => undefined,
    inOrder: () => [],
  };
}
