/** The stream of events: from the journal until nothing is left there, then live, without a seam. */
import type { Domain } from "../../contract/domain.ts";
import { type Envelope, jsonText } from "../../contract/event.ts";
import { type LiveTail, tailed } from "../../contract/live-tail.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { InvalidInput, NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Delivery, GapMark, Journal } from "../../kernel/kernel.ts";
import {
  BusGap,
  CursorAhead,
  type EventShape,
  ServiceConnected,
  ServiceOpened,
  ServiceClosed,
  Watch,
  GetEvent,
  ReadJournal,
} from "./contract.ts";
import { readPage } from "./journal-pages.ts";

const pageEvents = 500;
/** Events looked at to find the newest N that match a filter. */
const searchedEventsMax = 50_000;

type Item = Static<typeof EventShape>;
type WatchInput = Static<typeof Watch.input>;

export const createEvents = ({ parts }: { readonly parts: KernelParts }): Domain => ({
  name: "events",
  families: ["events", "service", "bus"],
  operations: [
    bind(Watch, (input, ctx) => {
      const { journal } = parts.kernel;
      const headSeq = journal.headSeq();
      if (input.after !== undefined && (input.replay ?? 0) > 0)
        throw refused("replay", "and `after` both say where the stream begins; give one of them");
      if (input.after !== undefined && input.after > headSeq) {
        throw new Problem(CursorAhead, `position ${input.after} lies after the newest event ${headSeq}`, { headSeq });
      }
      return tailed(() => watch(input, ctx, parts));
    }),
    bind(ReadJournal, (input) => {
      const { journal } = parts.kernel;
      const { events, nextCursor } = readPage(journal, input);
      return { events: events.map(plain), headSeq: journal.headSeq(), nextCursor };
    }),
    bind(GetEvent, ({ seq }) => {
      const found = parts.kernel.journal.read({ afterSeq: seq - 1, toSeq: seq, limit: 1 })[0];
      if (found === undefined) throw new Problem(NotFound, `the journal has no event ${seq}`);
      return plain(found);
    }),
  ],
  events: [BusGap, ServiceConnected, ServiceOpened, ServiceClosed],
  views: [],
});

const refused = (field: string, message: string): Problem =>
  new Problem(InvalidInput, `/${field} ${message}`, { faults: [{ at: `/${field}`, message }] });

async function* watch(
  input: WatchInput,
  ctx: Context,
  parts: KernelParts,
): AsyncGenerator<Item, LiveTail<Item> | undefined> {
  const { journal } = parts.kernel;
  const self = { ctx, node: parts.node };
  const prefixes = input.prefix ?? [];
  const wants = filterOf(prefixes, input.corr);
  const recent =
    input.after === undefined && (input.replay ?? 0) > 0
      ? newest(journal, { wants, count: input.replay ?? 0, corr: input.corr })
      : [];
  const headSeq = journal.headSeq();
  const resumeFrom = input.after ?? null;
  yield frame(self, ServiceConnected.kind, {
    headSeq,
    resumeFrom,
    replay: {
      mode: resumeFrom === null ? (recent.length > 0 ? "recent" : "live") : "after",
      count: resumeFrom === null ? recent.length : headSeq - resumeFrom,
    },
    prefixes,
  });
  for (const envelope of recent) yield envelope;
  // Reading the journal to its end and subscribing happen in one turn, so nothing can be committed between them.
  let position = resumeFrom ?? headSeq;
  for (let page = next(journal, position, input.corr); page.length > 0; page = next(journal, position, input.corr)) {
    for (const envelope of page) if (wants(envelope)) yield envelope;
    position = page.at(-1)?.seq ?? position;
    if (ctx.signal.aborted) return undefined;
  }
  // Whoever left by now will not leave again.
  if (ctx.signal.aborted) return undefined;
  const subscription = parts.bus.subscribe({
    name: `stream ${ctx.corrId}`,
    prefixes,
    ...(input.corr === undefined ? {} : { corrId: input.corr }),
  });
  const leave = (): void => subscription[Symbol.dispose]();
  ctx.signal.addEventListener("abort", leave, { once: true });
  const shown = (delivery: Delivery): Item =>
    isGap(delivery) ? frame(self, BusGap.kind, shownGap(delivery)) : delivery;
  return {
    take: (count) => subscription.take(count).map(shown),
    onReady: (run) => subscription.onReady(run),
    get isOver() {
      return subscription.isClosed;
    },
    get lostCount() {
      return subscription.skipped;
    },
    [Symbol.dispose]() {
      ctx.signal.removeEventListener("abort", leave);
      leave();
    },
  };
}

const plain = (envelope: Envelope): Item => envelope;

const isGap = (delivery: Delivery): delivery is GapMark => "skipped" in delivery;
const shownGap = ({ fromSeq, toSeq, skipped }: GapMark): GapMark => ({ fromSeq, toSeq, skipped });

const next = (journal: Journal, afterSeq: number, corrId: string | undefined): readonly Envelope[] =>
  journal.read({ afterSeq, limit: pageEvents, ...(corrId === undefined ? {} : { corrId }) });

function filterOf(prefixes: readonly string[], corr: string | undefined): (envelope: Envelope) => boolean {
  const lower = prefixes.map((prefix) => prefix.toLowerCase());
  return ({ kind, corrId }) =>
    (corr === undefined || corrId === corr) && (lower.length === 0 || lower.some((prefix) => kind.startsWith(prefix)));
}

/** The newest events that pass the filter, oldest first. */
function newest(
  journal: Journal,
  {
    wants,
    count,
    corr,
  }: { readonly wants: (e: Envelope) => boolean; readonly count: number; readonly corr: string | undefined },
): Envelope[] {
  const found: Envelope[] = [];
  let toSeq = journal.headSeq();
  for (let searched = 0; searched < searchedEventsMax && found.length < count; searched += pageEvents) {
    const page = journal.read({
      toSeq,
      limit: pageEvents,
      order: "desc",
      ...(corr === undefined ? {} : { corrId: corr }),
    });
    for (const envelope of page) if (found.length < count && wants(envelope)) found.push(envelope);
    const last = page.at(-1);
    if (last === undefined || page.length < pageEvents) break;
    toSeq = last.seq - 1;
  }
  return found.toReversed();
}

/** A frame of the stream itself: it passes by, has no position, and leaves the client's position as it is. */
function frame({ ctx, node }: { readonly ctx: Context; readonly node: string }, kind: string, data: unknown): Item {
  const envelope = {
    id: ctx.id(),
    timeMs: ctx.now(),
    kind,
    version: 1,
    corrId: ctx.corrId,
    causeId: null,
    node,
    caller: "system:hub",
    data,
  };
  return { ...envelope, [jsonText]: JSON.stringify(envelope) } as Item;
}
