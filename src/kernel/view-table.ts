/**
 * One view in memory: the rows that were touched lately, what is dirty since the last commit, and the fold over it. Rows
 * fold here, and a commit writes each dirty row once, however many events it took.
 */
import type { Envelope } from "../contract/event.ts";
import type { Fold, View } from "../contract/view.ts";
import { createKeyOrder } from "./key-order.ts";
import type { RowWrite, Store } from "./ports.ts";

/** Clean rows kept in memory per view; the rest is read from the store again when it is needed. */
const cachedRowsMax = 20_000;

export interface RowChange {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Undoes what one event did to one row, in reverse order. Used again for the next event. */
interface Undo {
  key: string;
  row: Cell;
  wasDirty: boolean;
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
  list(options: {
    readonly afterKey?: string;
    readonly limit: number;
  }): readonly { readonly key: string; readonly row: unknown }[];
}

/** Stands for "no row": a row may be any JSON value, `null` and `undefined` excepted. */
const absent = Symbol("absent");
/** A row, or `absent`. */
type Cell = unknown;

export function createViewTable(view: View, store: Pick<Store, "row" | "rows"> | null): ViewTable {
  const cells = createCells(view, store);
  return {
    view,
    get: (key) => bare(cells.load(key)),
    fold(fold, envelope) {
      const key = fold.key(envelope);
      if (key === null) return false;
      const before = cells.load(key);
      const row = fold.apply(bare(before), envelope);
      const after = row === null ? absent : row;
      if (after === before) return false;
      cells.set(key, after, before);
      if (view.overflow === "oldestKey" && cells.count() > view.rowsMax) cells.dropOldest();
      return true;
    },
    mark: cells.mark,
    rollback: cells.rollback,
    dirtyRows: () =>
      cells
        .dirtyRows()
        .map(({ key, cell }) => ({ view: view.name, key, json: cell === absent ? null : JSON.stringify(cell) })),
    committed: cells.committed,
    list({ afterKey, limit }) {
      if (store === null) return cells.keysInOrder(afterKey, limit).map((key) => ({ key, row: bare(cells.load(key)) }));
      const found = store.rows({
        view: view.name,
        limit,
        order: view.order,
        ...(afterKey === undefined ? {} : { afterKey }),
      });
      return found.map(({ key, json }) => ({ key, row: bare(cells.held(key)) ?? JSON.parse(json) }));
    },
  };
}

/** The cells in memory, loaded on need, and the order of all keys. */
function createShelf(view: View, store: Pick<Store, "row" | "rows"> | null) {
  const cells = new Map<string, Cell>();
  const keys = createKeyOrder(view, store);
  return {
    cells,
    keys,
    load(key: string): Cell {
      const known = cells.get(key);
      if (known !== undefined) return known;
      const json = store !== null && keys.mayHave(key) ? store.row(view.name, key) : undefined;
      if (json === undefined) return absent;
      const row: unknown = JSON.parse(json);
      cells.set(key, row);
      return row;
    },
    put(key: string, cell: Cell, before: Cell): void {
      cells.set(key, cell);
      if (before === absent && cell !== absent) keys.add(key);
      if (before !== absent && cell === absent) keys.remove(key);
    },
  };
}

/** Cells that are dirty since the last commit, and undone when an event is refused. */
function createCells(view: View, store: Pick<Store, "row" | "rows"> | null) {
  const { cells, keys, load, put } = createShelf(view, store);
  const dirty = new Map<string, Cell>();
  const undo = createUndo();
  const set = (key: string, cell: Cell, before: Cell): void => {
    const wasDirty = dirty.has(key);
    undo.remember(key, before, wasDirty);
    if (!wasDirty) dirty.set(key, before);
    put(key, cell, before);
  };
  return {
    load,
    set,
    count: keys.count,
    held: (key: string): Cell => cells.get(key) ?? absent,
    keysInOrder: keys.inOrder,
    dropOldest(): void {
      const oldest = keys.smallest();
      if (oldest !== undefined) set(oldest, absent, load(oldest));
    },
    mark: undo.begin,
    rollback(): void {
      undo.takeBack(({ key, row, wasDirty }) => {
        put(key, row, cells.get(key) ?? absent);
        if (!wasDirty) dirty.delete(key);
      });
    },
    dirtyRows(): { key: string; cell: Cell }[] {
      const writes: { key: string; cell: Cell }[] = [];
      for (const [key, before] of dirty) {
        const cell = cells.get(key) ?? absent;
        if (cell !== absent || before !== absent) writes.push({ key, cell });
      }
      return writes;
    },
    committed(): RowChange[] {
      const changes: RowChange[] = [];
      for (const [key, before] of dirty) {
        const cell = cells.get(key) ?? absent;
        if (cell === absent) cells.delete(key);
        if (cell !== before) changes.push({ key, before: bare(before), after: bare(cell) });
      }
      dirty.clear();
      undo.forget();
      if (store !== null) trim(cells);
      return changes;
    },
  };
}

/** The steps of the event under way. Before the first `begin` nothing is remembered, as in a rebuild, which takes nothing back. */
function createUndo() {
  const steps: Undo[] = [];
  let count: number | null = null;
  return {
    begin(): void {
      count = 0;
    },
    remember(key: string, row: Cell, wasDirty: boolean): void {
      if (count === null) return;
      const used = steps[count];
      count += 1;
      if (used === undefined) {
        steps.push({ key, row, wasDirty });
        return;
      }
      used.key = key;
      used.row = row;
      used.wasDirty = wasDirty;
    },
    /** Newest first. */
    takeBack(undoStep: (step: Readonly<Undo>) => void): void {
      for (const step of steps.slice(0, count ?? 0).toReversed()) undoStep(step);
      count = 0;
    },
    forget(): void {
      steps.length = 0;
      count = null;
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
