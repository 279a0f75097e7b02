/** The views of a hub: folding, reading, watching, rebuilding and travelling in time. */
import type { Envelope } from "../contract/event.ts";
import type { Fold, View } from "../contract/view.ts";
import { keepWornRows, refuseDropped } from "./archive.ts";
import { fromStored } from "./envelope.ts";
import type { ViewChange, Views } from "./kernel.ts";
import type { RowWrite, Store, StoredEvent } from "./ports.ts";
import { knownHead } from "./seams.ts";
import { createViewTable, type ViewTable } from "./view-table.ts";

/** Rows of the journal read at once while folding; bounds memory on a journal of any length. */
const foldChunkEvents = 5000;

export interface OwnedViews extends Views {
  /** Brings every view up to the journal's head: nothing to do, the tail only, or a rebuild when its version changed. */
  open(progress: (view: string, seq: number, headSeq: number) => void): void;
  /** Folds one event into all views, or into none when a fold throws. */
  fold(envelope: Envelope): void;
  dirtyRows(): readonly RowWrite[];
  /** After the commit: cleans up and tells the watchers. One that throws is told about, and stops nobody. */
  committed(seq: number, onDefect: (error: unknown, view: string) => void): void;
  /** After a commit that nobody is to be told about. */
  settled(seq: number): void;
  /** After a failed commit: every fold since the last one is undone. */
  discard(): void;
  readonly names: readonly string[];
}

interface Routed {
  readonly table: ViewTable;
  readonly fold: Fold;
}

interface ViewsOptions {
  readonly views: readonly View[];
  readonly store: Store;
  /** Yields to other work between two chunks of a long fold. */
  readonly pause: () => Promise<void>;
}

export function createViews({ views, store, pause }: ViewsOptions): OwnedViews {
  let tables = new Map(views.map((view) => [view.name, createViewTable(view, store)]));
  let route = createRouter([...tables.values()]);
  const changed = new Map<string, number>();
  const watchers = new Map<string, Set<(changes: readonly ViewChange[]) => void>>();
  const touched = new Set<ViewTable>();

  const reset = (): void => {
    tables = new Map(views.map((view) => [view.name, createViewTable(view, store)]));
    route = createRouter([...tables.values()]);
  };
  const table = (view: View): ViewTable => tables.get(view.name) as ViewTable;
  return {
    names: views.map((view) => view.name),
    open(progress) {
      // Rows that were cut off the journal are still in the views, which keep them.
      const head = knownHead(store).seq;
      for (const view of views) changed.set(view.name, head);
      const stale = findStale(views, store, head);
      if (stale.length > 0) bringUp(stale, { store, head, progress });
      reset();
    },
    fold(envelope) {
      const routed = route(envelope.kind);
      for (const { table: each } of routed) each.mark();
      try {
        for (const { table: each, fold } of routed) if (each.fold(fold, envelope)) touched.add(each);
      } catch (error) {
        for (const { table: each } of routed) each.rollback();
        throw error;
      }
    },
    dirtyRows: () => [...touched].flatMap((each) => each.dirtyRows()),
    committed(seq, onDefect) {
      for (const each of touched) {
        const { name } = each.view;
        const changes = each.committed();
        if (changes.length === 0) continue;
        changed.set(name, seq);
        const listeners = watchers.get(name);
        if (listeners === undefined || listeners.size === 0) continue;
        const told = changes.map((change) => ({ view: name, seq, ...change }));
        for (const run of listeners) guarded(run, told, (error) => onDefect(error, name));
      }
      touched.clear();
    },
    settled(seq) {
      for (const each of touched) {
        each.committed();
        changed.set(each.view.name, seq);
      }
      touched.clear();
    },
    discard() {
      touched.clear();
      reset();
    },
    get: (view, key) => table(view).get(key) as never,
    list: (view, options) => listRows(table(view), options) as never,
    headSeq: () => store.head().seq,
    changedSeq: (view) => changed.get(view) ?? 0,
    onChange(view, run) {
      const listeners = watchers.get(view) ?? new Set();
      watchers.set(view, listeners.add(run));
      return () => listeners.delete(run);
    },
    spanOf: (corrId) => spanOf(corrId, store),
    at: async (view, seq) => foldTo({ view, store, seq, pause }) as never,
  };
}

function spanOf(corrId: string, store: Store): { readonly firstSeq: number; readonly lastSeq: number } | null {
  const [first] = store.events({ corrId, limit: 1 });
  const [last] = store.events({ corrId, limit: 1, order: "desc" });
  return first === undefined || last === undefined ? null : { firstSeq: first.seq, lastSeq: last.seq };
}

function guarded(
  run: (changes: readonly ViewChange[]) => void,
  changes: readonly ViewChange[],
  onDefect: (error: unknown) => void,
): void {
  try {
    run(changes);
  } catch (error) {
    onDefect(error);
  }
}

/** Which folds want a kind; remembered per kind, and the number of kinds is bounded by the table. */
function createRouter(tables: readonly ViewTable[]): (kind: string) => readonly Routed[] {
  const known = new Map<string, readonly Routed[]>();
  return (kind) => {
    const found = known.get(kind);
    if (found) return found;
    const routed = tables.flatMap((table) =>
      table.view.folds.filter((fold) => fold.kind === kind || fold.kind === "*").map((fold) => ({ table, fold })),
    );
    known.set(kind, routed);
    return routed;
  };
}

/** A view that lacks events. Folding notes in `rows` what to write, and in `source` finds what it noted. */
interface Stale {
  readonly view: View;
  readonly table: ViewTable;
  /** Texts by key: all rows of a whole rebuild, of a tail those that it changed, `null` for the ones that went. */
  readonly rows: Map<string, string | null>;
  /** Folded already up to here; a whole rebuild starts from nothing, a tail from the stored rows. */
  readonly from: number;
}

function findStale(views: readonly View[], store: Store, head: number): readonly Stale[] {
  const states = store.viewStates();
  return views.flatMap((view) => {
    const state = states.get(view.name);
    if (state?.version === view.version && state.seq === head) return [];
    const isTail = state?.version === view.version && state.seq < head;
    return [createStale(view, store, isTail ? state.seq : 0)];
  });
}

function createStale(view: View, store: Store, from: number): Stale {
  const rows = new Map<string, string | null>();
  const source: Pick<Store, "row" | "rows"> = {
    row(name, key) {
      const noted = rows.get(key);
      return noted === undefined && from > 0 ? store.row(name, key) : (noted ?? undefined);
    },
    // Asked once, before anything is noted.
    rows: (query) => (from > 0 ? store.rows(query) : []),
  };
  return { view, table: createViewTable(view, source), rows, from };
}

interface BringUp {
  readonly store: Store;
  readonly head: number;
  readonly progress: (view: string, seq: number, headSeq: number) => void;
}

/** Folds what the views lack, all of them in one walk over the journal: reading and parsing it is most of the work. */
function bringUp(stale: readonly Stale[], { store, head, progress }: BringUp): void {
  const route = createRouter(stale.map((each) => each.table));
  const fromOf = new Map(stale.map(({ table, from }) => [table, from]));
  const kinds = kindsOf(stale.map((each) => each.view));
  const foldLacking = (envelope: Envelope): void => {
    for (const { table, fold } of route(envelope.kind)) {
      if (envelope.seq > (fromOf.get(table) ?? 0)) table.fold(fold, envelope);
    }
  };
  for (const page of chunks(store, { kinds, from: Math.min(...fromOf.values()), to: head })) {
    for (const row of page) {
      // A tombstone has nothing to fold any more; the rows that rest on one are kept below.
      if (row.data !== null) foldLacking(fromStored(row));
    }
    for (const each of stale) {
      takeRows(each);
      progress(each.view.name, page.at(-1)?.seq ?? head, head);
    }
  }
  const filled = stale.filter((each) => !isEmpty(each, store));
  // In one transaction, for each takes a sync: all views of a new hub are among them.
  store.together(() => {
    for (const each of stale) if (!filled.includes(each)) writeStale(each, store, head);
  });
  for (const each of filled) writeStale(each, store, head);
}

/** Whether a rebuild leaves nothing in a view. */
function isEmpty({ view, rows, from }: Stale, store: Store): boolean {
  if (from > 0) return false;
  keepWornRows(view, rows, store);
  return rows.size === 0;
}

/** A tail writes what it changed, so that a start takes as long as what it lacks and not as the view is large. */
function writeStale({ view, rows, from }: Stale, store: Store, head: number): void {
  if (from > 0) {
    const changed = [...rows].map(([key, json]) => ({ view: view.name, key, json }));
    store.commit({ events: [], rows: changed, views: [view.name], foldedSeq: head });
    return;
  }
  const stored = [...rows].flatMap(([key, json]) => (json === null ? [] : [{ key, json }]));
  store.rebuild(view.name, { version: view.version, seq: head }, stored);
}

function takeRows({ table, rows, from }: Stale): void {
  for (const { key, json } of table.dirtyRows()) {
    if (json === null && from === 0) rows.delete(key);
    else rows.set(key, json);
  }
  table.committed();
}

/** The kinds that some view folds; undefined when one of them folds every kind. */
function kindsOf(views: readonly View[]): readonly string[] | undefined {
  const wanted = new Set(views.flatMap((view) => view.folds.map((fold) => fold.kind)));
  return wanted.has("*") ? undefined : [...wanted];
}

function* chunks(
  store: Store,
  range: { readonly kinds: readonly string[] | undefined; readonly from: number; readonly to: number },
): Generator<readonly StoredEvent[]> {
  const { kinds, to } = range;
  let afterSeq = range.from;
  for (;;) {
    const query = { afterSeq, toSeq: to, limit: foldChunkEvents, parts: "envelope" as const };
    const stored = store.events(kinds ? { ...query, kinds } : query);
    const last = stored.at(-1);
    if (last === undefined) return;
    yield stored;
    afterSeq = last.seq;
  }
}

async function foldTo(options: {
  view: View;
  store: Store;
  seq: number;
  pause: () => Promise<void>;
}): Promise<ReadonlyMap<string, unknown>> {
  const table = createViewTable(options.view, null);
  const route = createRouter([table]);
  for (const chunk of chunks(options.store, { kinds: kindsOf([options.view]), from: 0, to: options.seq })) {
    refuseDropped(options.view, chunk);
    for (const envelope of chunk.map(fromStored)) {
      for (const { fold } of route(envelope.kind)) table.fold(fold, envelope);
    }
    table.committed();
    await options.pause();
  }
  return new Map(table.list({ limit: options.view.rowsMax }).map(({ key, row }) => [key, row]));
}

interface ListOptions {
  readonly afterKey?: string;
  readonly limit: number;
  where?(row: unknown): boolean;
}

/** Reads pages until enough rows pass the filter, or the view ends. */
function listRows(table: ViewTable, { afterKey, limit, where }: ListOptions) {
  const found: { key: string; row: unknown }[] = [];
  let after = afterKey;
  for (;;) {
    const pageRows = where === undefined ? limit + 1 - found.length : Math.max(limit + 1, filterPageRows);
    const page = table.list({ limit: pageRows, ...(after === undefined ? {} : { afterKey: after }) });
    for (const each of page) {
      if (where !== undefined && !where(each.row)) continue;
      if (found.length === limit) return { rows: found, nextKey: found.at(-1)?.key ?? null };
      found.push(each);
    }
    if (page.length < pageRows) return { rows: found, nextKey: null };
    after = page.at(-1)?.key;
  }
}

/** Rows looked at per page when a filter is set. */
const filterPageRows = 500;
