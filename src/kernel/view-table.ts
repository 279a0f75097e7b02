/**
 * One view in memory: the rows that were touched lately, what is dirty since the last commit, and the fold over it. Rows
 * fold here, and a commit writes each dirty row once, however many events it took.
 */
import type { Envelope } from "../contract/event.ts";
import type { Fold, View } from "../contract/view.ts";
import type { RowWrite, Store } from "./ports.ts";

/** Clean rows kept in memory per view; the rest is read from the store again when it is needed. */
const cachedRowsMax = 20_000;

export interface RowChange {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Undoes what one event did to one row, in reverse order. */
interface Undo {
  readonly key: string;
  readonly row: unknown;
  readonly wasDirty: boolean;
}

export interface ViewTable {
  readonly view: View;
  get(key: string): unknown;
  /** Folds one event. Returns false when no row changed. */
  fold(fold: Fold, envelope: Envelope): boolean;
  /** Begins to remember, so that `rollback` can take everything since back. */
  mark(): void;
  rollback(): void;
  /** What the commit has to write; `committed` then makes it clean. */
  dirtyRows(): readonly RowWrite[];
  committed(): readonly RowChange[];
  /** Keys and rows in memory and store together, in order. */
  list(options: { readonly afterKey?: string; readonly limit: number }): readonly { readonly key: string; readonly row: unknown }[];
  readonly count: number;
  readonly hasDirty: boolean;
}

const absent = Symbol("absent");
type Cell = unknown | typeof absent;

export function createViewTable(view: View, store: Pick<Store, "row" | "rows"> | null): ViewTable {
  const cells = new Map<string, Cell>();
  const dirty = new Map<string, Cell>();
  const undo: Undo[] = [];
  const keys = createKeyOrder(view, store);

  const load = (key: string): Cell => {
    const known = cells.get(key);
    if (known !== undefined) return known;
    const json = store !== null && keys.mayHave(key) ? store.row(view.name, key) : undefined;
    if (json === undefined) return absent;
    const row: unknown = JSON.parse(json);
    cells.set(key, row);
    return row;
  };
  const set = (key: string, cell: Cell, before: Cell): void => {
    undo.push({ key, row: before, wasDirty: dirty.has(key) });
    if (!dirty.has(key)) dirty.set(key, before);
    cells.set(key, cell);
    if (before === absent && cell !== absent) keys.add(key);
    if (before !== absent && cell === absent) keys.remove(key);
  };

  return {
    view,
    get(key) {
      const cell = load(key);
      return cell === absent ? undefined : cell;
    },
    fold(fold, envelope) {
      const key = fold.key(envelope as Envelope);
      if (key === null) return false;
      const before = load(key);
      const row = fold.apply(before === absent ? undefined : before, envelope as Envelope);
      const after = row === null ? absent : row;
      if (after === before) return false;
      set(key, after, before);
      if (view.overflow === "oldestKey" && keys.count() > view.rowsMax) {
        const oldest = keys.smallest();
        if (oldest !== undefined) set(oldest, absent, load(oldest));
      }
      return true;
    },
    mark() {
      undo.length = 0;
    },
    rollback() {
      for (let step = undo.pop(); step !== undefined; step = undo.pop()) {
        const now = cells.get(step.key) ?? absent;
        if (now === absent && step.row !== absent) keys.add(step.key);
        if (now !== absent && step.row === absent) keys.remove(step.key);
        cells.set(step.key, step.row);
        if (!step.wasDirty) dirty.delete(step.key);
      }
    },
    dirtyRows() {
      const writes: RowWrite[] = [];
      for (const [key, before] of dirty) {
        const cell = cells.get(key) ?? absent;
        if (cell === absent && before === absent) continue;
        writes.push({ view: view.name, key, json: cell === absent ? null : JSON.stringify(cell) });
      }
      return writes;
    },
    committed() {
      const changes: RowChange[] = [];
      for (const [key, before] of dirty) {
        const cell = cells.get(key) ?? absent;
        if (cell === absent) cells.delete(key);
        if (cell !== before) changes.push({ key, before: bare(before), after: bare(cell) });
      }
      dirty.clear();
      undo.length = 0;
      if (store !== null) trim(cells);
      return changes;
    },
    list({ afterKey, limit }) {
      if (store === null) return keys.inOrder(afterKey, limit).map((key) => ({ key, row: cells.get(key) }));
      const found = store.rows({ view: view.name, limit, order: view.order, ...(afterKey === undefined ? {} : { afterKey }) });
      return found.map(({ key, json }) => ({ key, row: cells.get(key) ?? JSON.parse(json) }));
    },
    get count() {
      return keys.count();
    },
    get hasDirty() {
      return dirty.size > 0;
    },
  };
}

const bare = (cell: Cell): unknown => (cell === absent ? undefined : cell);

/** Insertion order is age; a dirty row cannot be met here, since this runs right after everything was written. */
function trim(cells: Map<string, Cell>): void {
  if (cells.size <= cachedRowsMax) return;
  let surplus = cells.size - cachedRowsMax / 2;
  for (const key of cells.keys()) {
    if (surplus <= 0) return;
    cells.delete(key);
    surplus -= 1;
  }
}

/**
 * The keys of a view in order, needed only to find the oldest when the view is full. They are counted at start and listed on
 * first need; keys mostly arrive in order, so adding is an append.
 */
function createKeyOrder(view: View, store: Pick<Store, "rows"> | null) {
  let sorted: string[] | null = store === null ? [] : null;
  let start = 0;
  let counted: number | null = null;
  const isCounted = store !== null && view.overflow === "guarded";

  const stored = (): string[] => {
    if (store === null) return [];
    return store.rows({ view: view.name, limit: view.rowsMax + 1, order: "asc" }).map((row) => row.key);
  };
  const ordered = (): string[] => {
    sorted ??= stored();
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
    add(key: string): void {
      if (isCounted) {
        counted = (counted ?? 0) + 1;
        return;
      }
      const list = ordered();
      const last = list.at(-1);
      if (last === undefined || last < key) list.push(key);
      else {
        const at = position(list, key);
        if (list[at] !== key) list.splice(at, 0, key);
      }
    },
    remove(key: string): void {
      if (isCounted) {
        counted = (counted ?? 0) - 1;
        return;
      }
      const list = ordered();
      const at = position(list, key);
      if (list[at] !== key) return;
      if (at === start) start += 1;
      else list.splice(at, 1);
      if (start > 4096 && start > list.length / 2) {
        sorted = list.slice(start);
        start = 0;
      }
    },
    /** Unknown keys of a full list are answered from memory; a counted view has to ask the store. */
    mayHave(key: string): boolean {
      if (isCounted) return true;
      const list = ordered();
      const last = list.at(-1);
      if (last === undefined || last < key) return false;
      return list[position(list, key)] === key;
    },
    count: (): number => (isCounted ? (counted ?? 0) : ordered().length - start),
    smallest: (): string | undefined => ordered()[start],
    inOrder(afterKey: string | undefined, limit: number): readonly string[] {
      const list = ordered().slice(start);
      if (view.order === "desc") list.reverse();
      const from = afterKey === undefined ? list : list.filter((key) => (view.order === "desc" ? key < afterKey : key > afterKey));
      return from.slice(0, limit);
    },
  };
}
