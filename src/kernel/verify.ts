/** Proves that a journal is what was written: every row hashes to what it says, and each one names the row before it. */
import { chainHash, textHash } from "./envelope.ts";
import type { Store, StoredEvent } from "./ports.ts";

const pageEvents = 5000;
/** What the first row names as the row before it. */
const firstHash = "0".repeat(64);

export interface ChainVerdict {
  /** Rows that were looked at, up to the first fault. */
  readonly events: number;
  /** Rows whose data was dropped by retention; the chain holds without it. */
  readonly tombstones: number;
  /** The first thing that is wrong, or null. */
  readonly fault: { readonly seq: number; readonly reason: string } | null;
}

/**
 * Reads the whole journal, page by page. Rows cut off at the end leave a chain that is whole; they show in the views, which
 * say up to where they have folded.
 */
export function verifyChain(store: Pick<Store, "events" | "viewStates">): ChainVerdict {
  let events = 0;
  let tombstones = 0;
  let before: Pick<StoredEvent, "seq" | "hash"> = { seq: 0, hash: firstHash };
  for (
    let page = store.events({ limit: pageEvents });
    page.length > 0;
    page = store.events({ afterSeq: before.seq, limit: pageEvents })
  ) {
    for (const row of page) {
      const reason = faultOf(row, before);
      if (reason !== null) return { events, tombstones, fault: { seq: row.seq, reason } };
      events += 1;
      if (row.data === null) tombstones += 1;
      before = row;
    }
  }
  const foldedSeq = Math.max(0, ...[...store.viewStates().values()].map((state) => state.seq));
  const isCut = foldedSeq > before.seq;
  return {
    events,
    tombstones,
    fault: isCut ? { seq: before.seq + 1, reason: `the views have folded up to ${foldedSeq}` } : null,
  };
}

function faultOf(row: StoredEvent, before: Pick<StoredEvent, "seq" | "hash">): string | null {
  if (row.seq !== before.seq + 1) return `follows ${before.seq}`;
  if (row.prevHash !== before.hash) return "does not name the row before it";
  if (row.data !== null && textHash(row.data) !== row.dataHash) return "the data is not what was written";
  if (chainHash(row) !== row.hash) return "a column is not what was written";
  return null;
}
