/** Proves that a journal is what was written: every row hashes to what it says, and each one names the row before it. */
import { chainHash, textHash } from "./envelope.ts";
import type { Store, StoredEvent } from "./ports.ts";
import { foldedSeq, seamsOf } from "./seams.ts";

const pageEvents = 5000;
/** Rows looked at behind one that does not fit, for the one that links past it. */
const strangersMax = 16;
/** What the first row names as the row before it. */
export const firstHash = "0".repeat(64);

export interface ChainFault {
  readonly seq: number;
  readonly what: "changed" | "missing" | "inserted" | "emptied";
  readonly reason: string;
}

export interface ChainPage {
  /** Rows looked at so far. */
  readonly events: number;
  /** Rows without data so far. */
  readonly tombstones: number;
  /** What is wrong on this page. */
  readonly faults: readonly ChainFault[];
  readonly seq: number;
}

export interface ChainVerdict {
  /** Rows that were looked at, up to the first fault. */
  readonly events: number;
  /** Rows whose data was dropped by retention; the chain holds without it. */
  readonly tombstones: number;
  /** The first thing that is wrong, or null. */
  readonly fault: { readonly seq: number; readonly reason: string } | null;
}

export interface WalkOptions {
  /** Walks up to here, also while events are added behind it. */
  readonly toSeq?: number;
  /** Whether retention may have emptied this row. */
  readonly mayBeEmpty?: (row: StoredEvent) => boolean;
}

export type ChainSource = Pick<Store, "events" | "viewStates" | "rows">;

/**
 * Reads the whole journal, page by page, and goes on behind a fault, from what the row says of itself: one damaged row is
 * one fault. The last page also holds the end against the views, which say up to where they have folded.
 */
export function* walkChain(
  store: ChainSource,
  { toSeq, mayBeEmpty = () => true }: WalkOptions = {},
): Generator<ChainPage> {
  const check = createRowCheck(store, mayBeEmpty);
  let events = 0;
  let tombstones = 0;
  let seq = 0;
  for (;;) {
    const page = store.events({ afterSeq: seq, limit: pageEvents, ...(toSeq === undefined ? {} : { toSeq }) });
    const faults: ChainFault[] = [];
    for (const row of page) {
      faults.push(...check.faultsOf(row));
      events += 1;
      if (row.data === null) tombstones += 1;
      seq = row.seq;
    }
    const isLast = page.length < pageEvents;
    if (isLast) faults.push(...endFaults(store, { endSeq: seq, toSeq }));
    yield { events, tombstones, faults, seq };
    if (isLast) return;
  }
}

/** The whole walk in one go, up to the first fault. A cut that the journal itself tells of is none: it goes on behind it. */
export function verifyChain(store: ChainSource): ChainVerdict {
  const told = new Set(seamsOf(store).flatMap(({ what, fromSeq }) => (what === "cut" ? [fromSeq] : [])));
  let verdict: ChainVerdict = { events: 0, tombstones: 0, fault: null };
  for (const { events, tombstones, faults } of walkChain(store)) {
    const first = faults.find(({ what, seq }) => what !== "missing" || !told.has(seq));
    if (first !== undefined) return { events, tombstones, fault: { seq: first.seq, reason: first.reason } };
    verdict = { events, tombstones, fault: null };
  }
  return verdict;
}

/** Holds each row against those before it, and looks around it where it does not fit. */
function createRowCheck(store: ChainSource, mayBeEmpty: (row: StoredEvent) => boolean) {
  const added = seamsOf(store).filter(({ what }) => what === "added");
  const knownSeq = foldedSeq(store) ?? Number.MAX_SAFE_INTEGER;
  let endSeq = 0;
  let endHash = firstHash;
  /** Hashes that rows named as the one before them, newest first: what a row names that links past its neighbours. */
  let linked: readonly string[] = [];
  /** How far the rows were pushed from where they were written: by one for each that was put in between. */
  let moved = 0;

  const accept = (row: StoredEvent): void => {
    linked = [endHash, ...linked.slice(0, strangersMax - 1)];
    endHash = row.hash;
  };
  const isPutOn = ({ seq }: StoredEvent): boolean =>
    seq > knownSeq + moved || (moved === 0 && added.some(({ fromSeq, toSeq }) => fromSeq <= seq && seq <= toSeq));
  const isLinkedPast = (row: StoredEvent): boolean => {
    const behind = store.events({ afterSeq: row.seq, limit: strangersMax });
    const next = behind.find(({ prevHash }) => prevHash === endHash);
    if (next === undefined) return false;
    if (holdsAt(next, row.seq - moved)) moved += 1;
    return true;
  };
  /** The rows right before this one, when it links past them to one that it does follow. */
  const strangersBefore = (row: StoredEvent): readonly ChainFault[] => {
    const count = linked.indexOf(row.prevHash) + 1;
    if (count === 0 || !holdsAt(row, row.seq - moved - count)) return [];
    moved += count;
    linked = linked.slice(count);
    endHash = row.prevHash;
    return Array.from({ length: count }, (_, index) => inserted(row.seq - count + index));
  };
  const inOrder = (row: StoredEvent): readonly ChainFault[] => {
    const isInPlace = row.prevHash === endHash && holdsAt(row, row.seq);
    if (isInPlace) moved = 0;
    if (isInPlace || (row.prevHash === endHash && holdsAt(row, row.seq - moved))) {
      accept(row);
      if (isPutOn(row)) return [inserted(row.seq)];
      return row.data !== null || mayBeEmpty(row) ? [] : [emptied(row.seq)];
    }
    if (isLinkedPast(row)) return [inserted(row.seq)];
    const strangers = strangersBefore(row);
    const faults = strangers.length > 0 ? strangers : [isPutOn(row) ? inserted(row.seq) : strange(row)];
    accept(row);
    return faults;
  };
  const strange = (row: StoredEvent): ChainFault => {
    const { seq } = row;
    if (!isDataRight(row)) return { seq, what: "changed", reason: "the data is not what was written" };
    if (holdsAt(row, seq - moved))
      return { seq, what: "inserted", reason: "does not name the row before it: one of the two is strange" };
    if (holdsAt(row, seq - moved + 1)) {
      moved -= 1;
      return { seq, what: "missing", reason: "the row is missing, and those behind it moved up" };
    }
    return { seq, what: "changed", reason: "a column is not what was written" };
  };
  return {
    faultsOf(row: StoredEvent): readonly ChainFault[] {
      const fromSeq = endSeq + 1;
      endSeq = row.seq;
      if (row.seq === fromSeq) return inOrder(row);
      // What lies behind a gap is held against what it says of itself.
      accept(row);
      const gap = missing(fromSeq, row.seq - 1);
      return holdsAt(row, row.seq) ? [gap] : [gap, strange(row)];
    },
  };
}

const isDataRight = (row: StoredEvent): boolean => row.data === null || textHash(row.data) === row.dataHash;

/** Whether the row is what was written, had it been written there. */
const holdsAt = (row: StoredEvent, seq: number): boolean =>
  isDataRight(row) && chainHash(seq === row.seq ? row : { ...row, seq }) === row.hash;

const inserted = (seq: number): ChainFault => ({ seq, what: "inserted", reason: "was not written by the hub" });
const emptied = (seq: number): ChainFault => ({
  seq,
  what: "emptied",
  reason: "the data is gone, and no retention dropped it",
});

function missing(from: number, to: number): ChainFault {
  const reason = from === to ? "the row is missing" : `the rows up to ${to} are missing`;
  return { seq: from, what: "missing", reason };
}

interface End {
  readonly endSeq: number;
  readonly toSeq: number | undefined;
}

/** Rows cut off at the end leave a chain that is whole; the views know better. */
function endFaults(store: Pick<Store, "viewStates">, { endSeq, toSeq }: End): readonly ChainFault[] {
  const folded = foldedSeq(store);
  if (folded === null) return [];
  if (folded > endSeq && (toSeq === undefined || toSeq > endSeq)) {
    const reason = `the journal ends before it, and the views have folded up to ${folded}`;
    return [{ seq: endSeq + 1, what: "missing", reason }];
  }
  return [];
}
