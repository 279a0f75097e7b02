/** Finds where something began: an episode's events from an end backwards, a few at a time. */
import { createLru } from "../../base/lru.ts";
import type { Envelope, EventDefinition } from "../../contract/event.ts";
import type { Journal } from "../../kernel/kernel.ts";

/** Ends the search without a result. */
export const nothing = Symbol("nothing");

/** Calls `run` with events from the newest to the oldest until it answers something. */
export type LookBack = <T>(
  query: { readonly end: Envelope; readonly kinds: readonly EventDefinition[] },
  run: (envelope: Envelope) => T | typeof nothing | undefined,
) => T | undefined;

/** A beginning that lies further back makes a span without it. */
const rowsMax = 256;
/** Most beginnings are the newest of their kind, and questions carry diffs of hundreds of kilobytes. */
const pageRows = 4;
/** Episodes at the same time, several kinds of beginning each. */
const emptyMax = 1000;

export function createLookBack(read: Journal["read"]): LookBack {
  /** Positions up to which an episode is known to hold none of these kinds: a long one is searched once, not each time. */
  const emptyTo = createLru<string, number>(emptyMax);
  return ({ end, kinds: definitions }, run) => {
    const { corrId } = end;
    const kinds = definitions.map(({ kind }) => kind);
    const key = `${corrId} ${kinds.join(" ")}`;
    const afterSeq = emptyTo.get(key) ?? 0;
    let toSeq = end.seq;
    for (let seen = 0; seen < rowsMax && toSeq > afterSeq; seen += pageRows) {
      const page = read({ corrId, kinds, afterSeq, toSeq, order: "desc", limit: pageRows });
      if (seen === 0 && page.length === 0) emptyTo.set(key, end.seq);
      for (const envelope of page) {
        const found = envelope.data === null ? undefined : run(envelope);
        if (found === nothing) return undefined;
        if (found !== undefined) return found;
      }
      if (page.length < pageRows) return undefined;
      toSeq = (page.at(-1)?.seq ?? 1) - 1;
    }
    return undefined;
  };
}
