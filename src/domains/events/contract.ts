/** Events: the stream that everything on screen comes from. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, EpochMs, oneOf, Seq, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";

export const EventShape = closed({
  seq: Type.Optional(Seq),
  id: Type.String(),
  timeMs: EpochMs,
  kind: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  corrId: Type.String(),
  causeId: Type.Union([Type.String(), Type.Null()]),
  node: Type.String(),
  caller: Type.String(),
  data: Type.Unknown(),
  dropped: Type.Optional(Type.Literal(true, { description: "Retention let go of the data, which is null here." })),
});

/** What a kind can begin with: words that single dots join. Whatever else is asked for would silently match nothing. */
export const KindPrefix = Type.String({
  pattern: "^[A-Za-z][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+)*\\.?$",
  maxLength: 200,
});
const Prefixes = Type.Array(KindPrefix, {
  maxItems: 50,
  description: "Only kinds that begin with one of these, e.g. `actions.`; repeat it or separate by commas.",
});

/** The most events a stream replays before it goes live; older ones are read from the journal page by page. */
export const replayMax = 1000;

export const BusGap = event({
  kind: "bus.gap",
  isDurable: false,
  about: "This reader was too slow and lost events; they can be read from the journal.",
  data: closed({ fromSeq: Seq, toSeq: Seq, skipped: Type.Integer({ minimum: 1 }) }),
});
export const ServiceConnected = event({
  kind: "service.connected",
  isDurable: false,
  about: "First frame of a stream: says what follows.",
  data: closed({
    headSeq: Seq,
    resumeFrom: Type.Union([Seq, Type.Null()]),
    replay: closed({ mode: oneOf(["live", "recent", "after"]), count: Type.Integer({ minimum: 0 }) }),
    prefixes: Type.Array(Type.String()),
  }),
});
export const ServiceOpened = event({
  kind: "service.opened",
  about: "The hub is ready.",
  data: closed({ version: Type.String(), address: Type.String(), bootId: Type.String() }),
});
export const ServiceClosed = event({
  kind: "service.closed",
  about: "The hub stopped in good order.",
  data: closed({ bootId: Type.String(), reason: Type.String() }),
});

export const CursorAhead = problem({
  code: "events.cursor-ahead",
  status: 400,
  title: "Cursor is ahead of the journal",
  about:
    "The position asked for lies after the newest event; it may belong to another hub. `headSeq` is the newest one.",
});

export const Watch = op({
  id: "events.watch",
  http: "GET /events",
  cli: "events watch",
  mode: "many",
  effect: "read",
  about: "Follow the events: recent ones first if asked, then live, with no duplicate, loss or reorder between.",
  input: closed({
    replay: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: replayMax,
        description: "Begin with this many of the newest events; not together with `after`.",
      }),
    ),
    after: Type.Optional(Type.Integer({ minimum: 0, description: "Begin after this position in the journal." })),
    prefix: Type.Optional(Prefixes),
    corr: Type.Optional(CorrelationId),
  }),
  output: EventShape,
  problems: [CursorAhead],
});

/** Rows that one page looks at while it searches; a rarer match is found by going on with `nextCursor`. */
export const searchedMax = 20_000;

const Range = {
  prefix: Type.Optional(Prefixes),
  corr: Type.Optional(CorrelationId),
  afterSeq: Type.Optional(Type.Integer({ minimum: 0, description: "Only what came after this position." })),
  toSeq: Type.Optional(Type.Integer({ minimum: 0, description: "Nothing after this position." })),
  sinceMs: Type.Optional(
    Type.Integer({ minimum: 0, description: "Only what happened at or after this epoch millisecond." }),
  ),
  untilMs: Type.Optional(
    Type.Integer({ minimum: 0, description: "Nothing that happened after this epoch millisecond." }),
  ),
};

export const ReadJournal = op({
  id: "events.journal",
  http: "GET /events/journal",
  cli: "events journal",
  effect: "read",
  isTool: true,
  needs: ["hub:read"],
  about: "Read the journal page by page, newest first, by kind, episode, position and time.",
  input: closed({
    ...Range,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })),
    cursor: Type.Optional(Type.Integer({ minimum: 1, description: "`nextCursor` of the page before." })),
  }),
  output: closed({
    events: Type.Array(EventShape),
    headSeq: Seq,
    nextCursor: Type.Union([Type.Integer(), Type.Null()], {
      description:
        "Where the next page begins. A page may be short, or empty, and still have one: it looks at a bounded number of events.",
    }),
  }),
});

export const GetEvent = op({
  id: "events.get",
  http: "GET /events/{seq}",
  cli: "events get <seq>",
  effect: "read",
  isTool: true,
  needs: ["hub:read"],
  about: "Show one event of the journal.",
  input: closed({ seq: Type.Integer({ minimum: 1, description: "Its position in the journal." }) }),
  output: EventShape,
  problems: [NotFound],
});
