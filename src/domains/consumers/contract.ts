/**
 * Consumers: named, durable readers of the journal for workers and connectors. A message is delivered until it is
 * acknowledged; two readers of one name share the work.
 */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, Seq, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { CursorAhead, EventShape, KindPrefix } from "../events/contract.ts";

export const ConsumerName = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$" });
const prefixesMax = 50;
const aboutPrefixes =
  "Only kinds that begin with one of these; all when there is none. Events of consumers themselves never count.";
const Prefixes = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  maxItems: prefixesMax,
  description: aboutPrefixes,
});
const AckWaitMs = Type.Integer({
  minimum: 100,
  maximum: 86_400_000,
  description: "Milliseconds after which an unanswered message is delivered again.",
});
const DeliverMax = Type.Integer({
  minimum: 1,
  maximum: 1000,
  description: "Deliveries of one message before it becomes a dead letter.",
});
const PendingMax = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  description: "Messages that may be unanswered at once.",
});

export const ConsumerCreated = event({
  kind: "consumers.created",
  about: "A durable consumer exists from here on.",
  data: closed({
    name: ConsumerName,
    prefixes: Prefixes,
    startSeq: Seq,
    ackWaitMs: AckWaitMs,
    deliverMax: DeliverMax,
    pendingMax: PendingMax,
  }),
});
export const ConsumerRemoved = event({
  kind: "consumers.removed",
  about: "A consumer and what it had left to do are gone.",
  data: closed({ name: ConsumerName }),
});
export const MessagesAcked = event({
  kind: "consumers.acked",
  about: "Messages are done and will not be delivered again.",
  data: closed({
    name: ConsumerName,
    seqs: Type.Array(Seq, { maxItems: 1000 }),
    floorSeq: Type.Integer({ minimum: 0, description: "Everything up to here is done." }),
  }),
});
export const MessageReturned = event({
  kind: "consumers.returned",
  about: "A message was given back, or its time ran out; it will be delivered again.",
  data: closed({
    name: ConsumerName,
    seq: Seq,
    attempt: Type.Integer({ minimum: 1 }),
    notBeforeMs: EpochMs,
    delayMs: Type.Optional(
      Type.Integer({ minimum: 0, description: "The delay that was asked for; no clock that is set back adds to it." }),
    ),
  }),
});
export const MessageBuried = event({
  kind: "consumers.buried",
  about: "A message was delivered as often as allowed and nobody finished it: a dead letter.",
  data: closed({
    name: ConsumerName,
    seq: Seq,
    attempt: Type.Integer({ minimum: 1 }),
    floorSeq: Type.Integer({ minimum: 0, description: "Everything up to here is done." }),
  }),
});

export const Consumer = closed({
  name: ConsumerName,
  prefixes: Prefixes,
  ackWaitMs: AckWaitMs,
  deliverMax: DeliverMax,
  pendingMax: PendingMax,
  floorSeq: Type.Integer({ minimum: 0, description: "Everything up to here is done." }),
  doneAbove: Type.Array(Seq, { description: "Done out of order, above `floorSeq`." }),
  returned: Type.Array(
    closed({
      seq: Seq,
      attempt: Type.Integer(),
      notBeforeMs: EpochMs,
      delayMs: Type.Optional(
        Type.Integer({ minimum: 0, description: "The delay that was asked for, in milliseconds." }),
      ),
    }),
    { description: "Given back, with the deliveries they had." },
  ),
  buried: Type.Array(Seq, { description: "The newest dead letters." }),
  buriedCount: Type.Integer({ minimum: 0 }),
  createdAtMs: EpochMs,
});
export type Consumer = Static<typeof Consumer>;

export const Message = closed({
  seq: Seq,
  attempt: Type.Integer({ minimum: 1, description: "Which delivery of it this is." }),
  event: EventShape,
});
export type Message = Static<typeof Message>;

export const ConsumerDiffers = problem({
  code: "consumers.differs",
  status: 409,
  title: "Consumer exists with other settings",
  about: "A consumer of this name exists and was created differently. Remove it first, or use another name.",
});
export const TooManyConsumers = problem({
  code: "consumers.too-many",
  status: 409,
  title: "Too many consumers",
  about: "The hub keeps a bounded number of consumers. Remove one that nobody reads.",
});

const Named = { name: ConsumerName };
const NameOnly = closed(Named);

export const Create = op({
  id: "consumers.create",
  http: "POST /consumers/{name}",
  cli: "consumers create <name>",
  effect: "write",
  isIdempotent: true,
  about: "Create a durable consumer, or find it again.",
  input: closed({
    ...Named,
    prefix: Type.Optional(Type.Array(KindPrefix, { maxItems: prefixesMax, description: aboutPrefixes })),
    start: Type.Optional(
      Type.Union([Type.Literal("new"), Type.Literal("all"), Seq], {
        default: "new",
        description: "What it begins with: new events, all that are kept, or those after a position.",
      }),
    ),
    ackWaitMs: Type.Optional(AckWaitMs),
    deliverMax: Type.Optional(DeliverMax),
    pendingMax: Type.Optional(PendingMax),
  }),
  output: Consumer,
  problems: [ConsumerDiffers, CursorAhead, TooManyConsumers],
  emits: [ConsumerCreated],
});
export const Remove = op({
  id: "consumers.remove",
  http: "DELETE /consumers/{name}",
  cli: "consumers remove <name>",
  effect: "destroy",
  about: "Remove a consumer and its place in the journal.",
  input: NameOnly,
  output: closed({ removed: Type.Boolean() }),
  problems: [NotFound],
  emits: [ConsumerRemoved],
});
export const Pull = op({
  id: "consumers.pull",
  http: "POST /consumers/{name}/pull",
  cli: "consumers pull <name>",
  effect: "write",
  isRoutine: true,
  deadlineMs: 90_000,
  about: "Take the next messages, waiting for some if there are none.",
  input: closed({
    ...Named,
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 1 })),
    waitMs: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 60_000, default: 0, description: "Wait up to this many milliseconds." }),
    ),
  }),
  output: closed({
    messages: Type.Array(Message),
    lag: Type.Integer({ minimum: 0, description: "Positions between the newest event and `floorSeq`." }),
  }),
  problems: [NotFound],
  emits: [MessageReturned, MessageBuried],
});
export const Ack = op({
  id: "consumers.ack",
  http: "POST /consumers/{name}/ack",
  cli: "consumers ack <name>",
  effect: "write",
  isRoutine: true,
  isIdempotent: true,
  about: "Say that messages are done.",
  input: closed({ ...Named, seqs: Type.Array(Seq, { minItems: 1, maxItems: 1000 }) }),
  output: closed({ acked: Type.Integer({ description: "How many of them were waiting for it." }) }),
  problems: [NotFound],
  emits: [MessagesAcked],
});
export const Nack = op({
  id: "consumers.nack",
  http: "POST /consumers/{name}/nack",
  cli: "consumers nack <name> <seq>",
  effect: "write",
  isRoutine: true,
  about: "Give a message back, to be delivered again at once or later.",
  input: closed({
    ...Named,
    seq: Seq,
    delayMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400_000,
        default: 0,
        description: "Deliver it again after this many milliseconds.",
      }),
    ),
  }),
  output: closed({ returned: Type.Boolean() }),
  problems: [NotFound],
  emits: [MessageReturned, MessageBuried],
});
export const Working = op({
  id: "consumers.working",
  http: "POST /consumers/{name}/working",
  cli: "consumers working <name>",
  effect: "write",
  isIdempotent: true,
  about: "Ask for more time for messages that are still being worked on.",
  input: closed({ ...Named, seqs: Type.Array(Seq, { minItems: 1, maxItems: 1000 }) }),
  output: closed({ extended: Type.Integer() }),
  problems: [NotFound],
});
export const Stream = op({
  id: "consumers.stream",
  http: "GET /consumers/{name}/stream",
  cli: "consumers stream <name>",
  mode: "many",
  effect: "write",
  about: "Take messages as they come; each still has to be acknowledged.",
  input: NameOnly,
  output: Message,
  problems: [NotFound],
  emits: [MessageReturned, MessageBuried],
});
