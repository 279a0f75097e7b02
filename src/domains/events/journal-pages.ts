/** Pages of the journal, newest first, found with a bounded amount of reading. */
import type { Envelope } from "../../contract/event.ts";
import type { Static } from "../../contract/schema.ts";
import type { Journal } from "../../kernel/kernel.ts";
import { type ReadJournal, searchedMax } from "./contract.ts";

const limitDefault = 200;
const chunkEvents = 1000;

type Query = Static<typeof ReadJournal.input>;

export interface JournalPage {
  readonly events: readonly Envelope[];
  /** The next page begins before this position; null when nothing is left. */
  readonly nextCursor: number | null;
}

export function readPage(journal: Journal, query: Query): JournalPage {
  const limit = query.limit ?? limitDefault;
  const wants = matcherOf(query);
  const events: Envelope[] = [];
  let before = Math.min(query.cursor ?? Number.MAX_SAFE_INTEGER, (query.toSeq ?? Number.MAX_SAFE_INTEGER - 1) + 1);
  for (let searched = 0; searched < searchedMax; searched += chunkEvents) {
    const chunk = journal.read({
      toSeq: before - 1,
      afterSeq: query.afterSeq ?? 0,
      limit: chunkEvents,
      order: "desc",
      ...(query.corr === undefined ? {} : { corrId: query.corr }),
    });
    for (const envelope of chunk) {
      before = envelope.seq;
      if (wants(envelope)) events.push(envelope);
      if (events.length === limit) return { events, nextCursor: before > 1 ? before : null };
    }
    // Positions and times run together but where a clock was set, so what is behind a whole chunk of older ones is older.
    if (query.sinceMs !== undefined && chunk.every(({ timeMs }) => timeMs < (query.sinceMs ?? 0) - clockSlackMs))
      return { events, nextCursor: null };
    if (chunk.length < chunkEvents) return { events, nextCursor: null };
  }
  return { events, nextCursor: before };
}

/** A wall clock may have been set back by this much, for longer than a chunk, while events were written. */
const clockSlackMs = 3_600_000;

function matcherOf({ prefix, sinceMs, untilMs }: Query): (envelope: Envelope) => boolean {
  const prefixes = (prefix ?? []).map((each) => each.toLowerCase());
  return ({ kind, timeMs }) =>
    (prefixes.length === 0 || prefixes.some((each) => kind.startsWith(each))) &&
    (sinceMs === undefined || timeMs >= sinceMs) &&
    (untilMs === undefined || timeMs <= untilMs);
}
