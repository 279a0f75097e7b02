/** Proves that a journal is what was written: every row hashes to what it says, and each one names the row before it. */
import { chainHash, textHash } from "./envelope.ts";
import type { Store, StoredEvent } from "./ports.ts";

const pageEvents = 5000;
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

type Before = Pick<StoredEvent, "seq" | "hash">;

/**
 * Reads the whole journal, page by page, and goes on behind a fault, from what the row says of itself: one damaged row is
 * one fault. The last page also holds the end against the views, which say up to where they have folded.
 */
export function* walkChain(
  store: Pick<Store, "events" | "viewStates">,
  { toSeq, mayBeEmpty = () => true }: WalkOptions = {},
): Generator<ChainPage> {
  let events = 0;
  let tombstones = 0;
  let before: Before = { seq: 0, hash: firstHash };
  for (;;) {
    const page = store.events({ afterSeq: before.seq, limit: pageEvents, ...(toSeq === undefined ? {} : { toSeq }) });
    const faults: ChainFault[] = [];
    for (const row of page) {
      const fault = faultOf(row, before, mayBeEmpty);
      if (fault !== null) faults.push(fault);
      events += 1;
      if (row.data === null) tombstones += 1;
      before = row;
    }
    const isLast = page.length < pageEvents;
    if (isLast) faults.push(...endFaults(store, before, toSeq));
    yield { events, tombstones, faults, seq: before.seq };
    if (isLast) return;
  }
}

/** The whole walk in one go, up to the first fault. */
export function verifyChain(store: Pick<Store, "events" | "viewStates">): ChainVerdict {
  let verdict: ChainVerdict = { events: 0, tombstones: 0, fault: null };
  for (const { events, tombstones, faults } of walkChain(store)) {
    const [first] = faults;
    if (first !== undefined) return { events, tombstones, fault: { seq: first.seq, reason: first.reason } };
    verdict = { events, tombstones, fault: null };
  }
  return verdict;
}

function faultOf(row: StoredEvent, before: Before, mayBeEmpty: (row: StoredEvent) => boolean): ChainFault | null {
  const fault = (what: ChainFault["what"], reason: string, seq = row.seq): ChainFault => ({ seq, what, reason });
  if (row.seq > before.seq + 1) return fault("missing", missingText(before.seq + 1, row.seq - 1), before.seq + 1);
  if (row.data !== null && textHash(row.data) !== row.dataHash)
    return fault("changed", "the data is not what was written");
  if (chainHash(row) !== row.hash) return fault("changed", "a column is not what was written");
  if (row.prevHash !== before.hash)
    return fault("inserted", "does not name the row before it: one of the two is strange");
  if (row.data === null && !mayBeEmpty(row)) return fault("emptied", "the data is gone, and no retention dropped it");
  return null;
}

const missingText = (from: number, to: number): string =>
  from === to ? "the row is missing" : `the rows up to ${to} are missing`;

/** Rows cut off or put on at the end leave a chain that is whole; the views know better. */
function endFaults(store: Pick<Store, "viewStates">, before: Before, toSeq: number | undefined): readonly ChainFault[] {
  const states = [...store.viewStates().values()];
  const foldedSeq = Math.max(0, ...states.map((state) => state.seq));
  if (foldedSeq > before.seq && (toSeq === undefined || toSeq > before.seq)) {
    const reason = `the journal ends before it, and the views have folded up to ${foldedSeq}`;
    return [{ seq: before.seq + 1, what: "missing", reason }];
  }
  if (states.length === 0 || foldedSeq >= before.seq) return [];
  const reason = `lies behind ${foldedSeq}, up to where the views have folded`;
  return [{ seq: foldedSeq + 1, what: "inserted", reason }];
}
