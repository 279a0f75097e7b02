/**
 * The journal as rows, for those who keep it: verify, export, import and retention. Everybody else sees envelopes.
 *
 * Retention empties the data of events, never a row of a view. Which rows rest on emptied events is marked in the same
 * transaction, so that a rebuild, which can no longer fold them, keeps those rows as they are (docs/decisions/0011).
 */
import { envelopeJson } from "../contract/event.ts";
import { Problem, problem } from "../contract/problem.ts";
import { checkerOf } from "../contract/schema.ts";
import type { View } from "../contract/view.ts";
import { chainHash, fromStored, rowFormat, textHash } from "./envelope.ts";
import type { OwnedJournal } from "./journal.ts";
import type { EventQuery, RowWrite, Store, StoredEvent } from "./ports.ts";
import type { Seam } from "./seams.ts";
import { type ChainPage, firstHash, type WalkOptions, walkChain } from "./verify.ts";

export const DataDropped = problem({
  code: "arw.data-dropped",
  status: 410,
  title: "The past is no longer whole",
  about:
    "Retention dropped data that the view folds, so what it looked like then cannot be told. The present is not touched.",
});

export interface Archive {
  head(): { readonly seq: number; readonly hash: string };
  /** What the start found cut off or put on at the journal's end; null when it goes on from what it was. */
  readonly seam: Seam | null;
  rows(query: EventQuery): readonly StoredEvent[];
  /** The same as lines of JSON: envelopes as everybody knows them, and of an emptied one the digest of its data. */
  lines(query: EventQuery): readonly { readonly seq: number; readonly id: string; readonly text: string }[];
  /** One page at a time, so that its reader can let others work in between. */
  walk(options: WalkOptions): Generator<ChainPage>;
  /** The row with its hashes, behind `before`. A digest is only taken where there is no data to make one of. */
  seal(row: UnsealedRow, before: Pick<StoredEvent, "hash"> | null): StoredEvent;
  /** Appends rows of another journal as they are and folds them; nobody is told. Throws `StoreFull`, `StoreFailed`. */
  adopt(rows: readonly StoredEvent[]): void;
  /** Empties the data of these events. */
  drop(rows: readonly StoredEvent[]): void;
  /** Gives freed pages back to the disk, at most so many; answers how many. */
  reclaim(pages: number): number;
}

export type UnsealedRow = Omit<StoredEvent, "format" | "data" | "dataHash" | "prevHash" | "hash"> &
  ({ readonly data: string } | { readonly data: null; readonly dataHash: string });

/** Not the name of any view: those are one word. */
const marksView = "arw.worn";
const markPageRows = 1000;

interface ArchiveOptions {
  readonly store: Store;
  readonly journal: Pick<OwnedJournal, "adopt">;
  readonly views: readonly View[];
  readonly seam: Seam | null;
}

export function createArchive({ store, journal, views, seam }: ArchiveOptions): Archive {
  return {
    head: () => store.head(),
    seam,
    rows: (query) => store.events(query),
    lines: (query) => store.events(query).map((row) => ({ seq: row.seq, id: row.id, text: rowLine(row) })),
    walk: (options) => walkChain(store, options),
    seal,
    adopt: journal.adopt,
    drop(rows) {
      const full = rows.filter((row) => row.data !== null);
      store.drop({ seqs: full.map((row) => row.seq), rows: [...marksOf(full, views, store), ...staleMarks(store)] });
    },
    reclaim: (pages) => store.reclaim(pages),
  };
}

export function seal(given: UnsealedRow, before: Pick<StoredEvent, "hash"> | null): StoredEvent {
  const dataHash = given.data === null ? given.dataHash : textHash(given.data);
  const row = { ...given, format: rowFormat, dataHash, prevHash: before?.hash ?? firstHash, hash: "" };
  row.hash = chainHash(row);
  return row;
}

function rowLine(row: StoredEvent): string {
  const line = envelopeJson(fromStored(row));
  return row.data === null ? `${line.slice(0, -1)},"dataHash":"${row.dataHash}"}` : line;
}

/** A mark for each row that exists and that one of the events went into. */
function marksOf(rows: readonly StoredEvent[], views: readonly View[], store: Store): RowWrite[] {
  const marks = rows.map(fromStored).flatMap((envelope) =>
    views.flatMap((view) =>
      view.folds
        .filter((fold) => fold.kind === envelope.kind || fold.kind === "*")
        .map((fold) => fold.key(envelope))
        .filter((key) => key !== null && store.row(view.name, key) !== undefined)
        .map((key) => markKey(view.name, String(key))),
    ),
  );
  return [...new Set(marks)].map((key) => ({ view: marksView, key, json: "1" }));
}

const markKey = (view: string, key: string): string => `${view}/${key}`;

/** Marks of rows that are gone; without this the marks would outgrow the views, which are all bounded. */
function staleMarks(store: Store): RowWrite[] {
  const stale: RowWrite[] = [];
  for (const { view, key } of eachMark(store, "")) {
    if (store.row(view, key) === undefined) stale.push({ view: marksView, key: markKey(view, key), json: null });
  }
  return stale;
}

function* eachMark(store: Pick<Store, "rows">, prefix: string): Generator<{ view: string; key: string }> {
  let afterKey = prefix;
  for (;;) {
    const page = store.rows({ view: marksView, afterKey, order: "asc", limit: markPageRows });
    for (const { key: mark } of page) {
      if (!mark.startsWith(prefix)) return;
      const slash = mark.indexOf("/");
      yield { view: mark.slice(0, slash), key: mark.slice(slash + 1) };
    }
    if (page.length < markPageRows) return;
    afterKey = page.at(-1)?.key ?? afterKey;
  }
}

/**
 * Puts the stored rows that rest on emptied events in the place of what a rebuild made of the rest. A stored row that no
 * longer fits the view's schema cannot stay; then the rebuilt one is all there is.
 */
export function keepWornRows(view: View, rows: Map<string, string | null>, store: Pick<Store, "row" | "rows">): void {
  const row = checkerOf(view.row);
  for (const { key } of eachMark(store, markKey(view.name, ""))) {
    const stored = store.row(view.name, key);
    if (stored === undefined) rows.delete(key);
    else if (row.check(JSON.parse(stored))) rows.set(key, stored);
  }
  if (view.overflow !== "oldestKey") return;
  const surplus = Math.max(0, rows.size - view.rowsMax);
  for (const key of [...rows.keys()].toSorted().slice(0, surplus)) rows.delete(key);
}

/** Time travel says so when it would have to guess. */
export function refuseDropped(view: View, rows: readonly StoredEvent[]): void {
  const dropped = rows.find((row) => row.data === null);
  if (dropped === undefined) return;
  throw new Problem(DataDropped, `${view.name} folds event ${dropped.seq}, whose data is no longer kept`, {
    seq: dropped.seq,
  });
}
