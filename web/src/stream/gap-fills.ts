/** What a slow page missed, read from the journal afterwards: kept beside the ring, shown in the place of the gap. */
import type { JournalFilters } from "../api.ts";
import type { HubEvent, JournalPage } from "../shapes.ts";
import type { EventRing } from "./event-ring.ts";

/** Events of one press; a larger gap is filled from its newer end, press by press. */
export const fillPageEvents = 1_000;

export interface GapRange {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly skipped: number;
}

export interface GapFill {
  readonly phase: "loading" | "partial" | "whole" | "failed";
  /** The newest that were missed, as far as they are read; oldest first. */
  readonly events: readonly HubEvent[];
  readonly error: unknown;
}

export interface GapFills {
  of(gap: HubEvent): GapFill | undefined;
  /** Reads the next page of what is missing. */
  load(gap: HubEvent): Promise<void>;
  /** An event that was read into a gap. */
  find(eventId: string): HubEvent | undefined;
  readonly subscribe: (listener: () => void) => () => void;
  readonly version: () => number;
}

export type ReadJournal = (
  filters: JournalFilters & { readonly limit: number; readonly cursor?: number | undefined },
) => Promise<JournalPage>;

interface Held extends GapFill {
  readonly cursor: number | undefined;
}

export const rangeOf = (gap: HubEvent): GapRange => gap.data as GapRange;

const blank: Held = { phase: "partial", events: [], error: null, cursor: undefined };

export function createGapFills(ring: EventRing, read: ReadJournal): GapFills {
  const fills = new Map<string, Held>();
  const listeners = new Set<() => void>();
  let epoch = ring.epoch;
  let version = 0;
  const change = (gap: HubEvent, fill: Held): void => {
    fills.set(gap.id, fill);
    version += 1;
    for (const run of Array.from(listeners)) run();
  };
  /** A new epoch has new gaps; those of the old one are gone from the ring. */
  const current = (): ReadonlyMap<string, Held> => {
    if (epoch !== ring.epoch) fills.clear();
    epoch = ring.epoch;
    return fills;
  };
  const load = async (gap: HubEvent): Promise<void> => {
    const before = current().get(gap.id) ?? blank;
    if (before.phase === "loading" || before.phase === "whole") return;
    const asked = epoch;
    change(gap, { ...before, phase: "loading" });
    const after = await readPage(read, { before, toSeq: rangeOf(gap).toSeq, afterSeq: knownBefore(ring, gap) });
    if (asked === ring.epoch) change(gap, after);
  };
  return {
    of: (gap) => current().get(gap.id),
    load,
    find(eventId) {
      for (const { events } of current().values()) {
        const found = events.find((event) => event.id === eventId);
        if (found) return found;
      }
      return undefined;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    version: () => version,
  };
}

interface Missing {
  readonly before: Held;
  readonly afterSeq: number;
  readonly toSeq: number;
}

async function readPage(read: ReadJournal, { before, afterSeq, toSeq }: Missing): Promise<Held> {
  // Only events without a position were lost: they are kept nowhere.
  if (afterSeq >= toSeq) return { ...before, phase: "whole" };
  try {
    const page = await read({ afterSeq, toSeq, limit: fillPageEvents, cursor: before.cursor });
    const isWhole = page.nextCursor === null || page.nextCursor - 1 <= afterSeq;
    return {
      phase: isWhole ? "whole" : "partial",
      events: [...page.events.toReversed(), ...before.events],
      error: null,
      cursor: page.nextCursor ?? undefined,
    };
  } catch (error) {
    return { ...before, phase: "failed", error };
  }
}

/** The last position that came before the gap: a gap of passing events alone names one that is here already. */
function knownBefore(ring: EventRing, gap: HubEvent): number {
  const { fromSeq } = rangeOf(gap);
  let position = ring.end - 1;
  while (position >= ring.start && ring.at(position)?.id !== gap.id) position -= 1;
  for (position -= 1; position >= ring.start; position -= 1) {
    const seq = ring.at(position)?.seq;
    if (seq !== undefined) return Math.max(fromSeq - 1, seq);
  }
  return Math.max(0, fromSeq - 1);
}
