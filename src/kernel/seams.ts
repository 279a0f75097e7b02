/**
 * Where a journal does not go on from what it was. Every commit also marks how far the views have folded, so a start finds
 * the journal shorter or longer than that mark when rows were cut off or put on behind it. What is found is noted in the
 * store at once, since the next commit moves the mark. A position that was given out is never given out again.
 */
import type { Store } from "./ports.ts";

export interface Seam {
  /** `cut`: these rows are gone. `added`: these rows were put on by somebody else. */
  readonly what: "cut" | "added";
  readonly fromSeq: number;
  readonly toSeq: number;
}

/** Not the name of any view: those are one word. */
const seamsView = "arw.seam";
/** One for each start that found something; more than this many are not told one by one. */
const seamsMax = 1000;
/** So that keys sort as the positions do. */
const seqDigits = 16;

/** Up to where the journal went: its newest row, or what the views know to have been behind it. */
export function knownHead(store: Pick<Store, "head" | "viewStates">): { readonly seq: number; readonly hash: string } {
  const { seq, hash } = store.head();
  return { seq: Math.max(seq, foldedSeq(store) ?? 0), hash };
}

/** Up to where some view has folded; null in a store that never had one. */
export function foldedSeq(store: Pick<Store, "viewStates">): number | null {
  const seqs = [...store.viewStates().values()].map(({ seq }) => seq);
  return seqs.length === 0 ? null : Math.max(...seqs);
}

/** What the newest row and the views' mark say of each other; null when they agree. */
export function seamBetween(headSeq: number, folded: number | null): Seam | null {
  if (folded === null || folded === headSeq) return null;
  return folded > headSeq
    ? { what: "cut", fromSeq: headSeq + 1, toSeq: folded }
    : { what: "added", fromSeq: folded + 1, toSeq: headSeq };
}

/** Looks for what happened while nobody watched, and notes it. Before anything is folded or written. */
export function noteSeam(store: Store): Seam | null {
  const seam = seamBetween(store.head().seq, foldedSeq(store));
  if (seam === null) return null;
  const key = String(seam.fromSeq).padStart(seqDigits, "0");
  store.commit({ events: [], rows: [{ view: seamsView, key, json: JSON.stringify(seam) }], views: [] });
  return seam;
}

/** All that was ever noted, in the order of the journal. */
export const seamsOf = (store: Pick<Store, "rows">): readonly Seam[] =>
  store.rows({ view: seamsView, limit: seamsMax, order: "asc" }).map(({ json }) => JSON.parse(json) as Seam);

export function seamText({ what, fromSeq, toSeq }: Seam): string {
  const events = fromSeq === toSeq ? `event ${fromSeq} was` : `events ${fromSeq} to ${toSeq} were`;
  return what === "cut" ? `${events} cut off the journal` : `${events} put on the journal by somebody else`;
}
