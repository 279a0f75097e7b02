/** Durable consumers over the journal, with the semantics of a pull consumer: deliver, acknowledge, deliver again. */
import { createKeyedMutex } from "../../base/async.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock } from "../../kernel/ports.ts";
import { CursorAhead } from "../events/contract.ts";
import {
  Ack,
  type Consumer,
  ConsumerCreated,
  ConsumerDiffers,
  ConsumerRemoved,
  Create,
  type Message,
  MessageBuried,
  MessageReturned,
  MessagesAcked,
  Nack,
  Pull,
  Remove,
  Stream,
  TooManyConsumers,
  Working,
} from "./contract.ts";
import { type ConsumerReader, createConsumerReader, type Delivered } from "./reader.ts";
import { consumers, consumersMax } from "./views.ts";

const ackWaitMsDefault = 30_000;
const deliverMaxDefault = 5;
const pendingMaxDefault = 1000;
/** A stream looks again at least this often, also when no event wakes it. */
const streamWaitMs = 30_000;
const streamBatch = 100;

/**
 * The readers of this process by their consumer's name, made from the view when first asked for. What is in flight is known
 * here alone: after a restart every unanswered message is delivered again, so nothing of it is kept.
 */
export type ConsumerReaders = Map<string, ConsumerReader>;

interface ConsumersDeps {
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly readers: ConsumerReaders;
}

export function createConsumers(deps: ConsumersDeps): Domain {
  const { parts } = deps;
  const desk = createDesk(deps);
  return {
    name: "consumers",
    operations: [
      bind(Create, (input, ctx) => create(input, ctx, parts)),
      bind(Remove, async ({ name }, ctx) => {
        desk.row(name);
        await ctx.emit(ConsumerRemoved, { name });
        desk.forget(name);
        return { removed: true };
      }),
      bind(Pull, async ({ name, count, waitMs }, ctx) => {
        const messages = await desk.pull(name, { count: count ?? 1, waitMs: waitMs ?? 0, ctx });
        return { messages: [...messages], lag: lagOf(desk.row(name), parts) };
      }),
      bind(Ack, async ({ name, seqs }, ctx) => ({ acked: await desk.ack(name, seqs, ctx) })),
      bind(Nack, async ({ name, seq, delayMs }, ctx) => ({
        returned: await desk.giveBack(name, { seq, delayMs: delayMs ?? 0, ctx }),
      })),
      bind(Working, ({ name, seqs }) => ({
        extended: desk.reader(name).extend(seqs, deps.clock.monotonicMs() + desk.row(name).ackWaitMs),
      })),
      bind(Stream, ({ name }, ctx) => {
        desk.row(name);
        return stream(name, ctx, desk);
      }),
    ],
    events: [ConsumerCreated, ConsumerRemoved, MessagesAcked, MessageReturned, MessageBuried],
    views: [consumers],
  };
}

/** A consumer can be ahead of a journal that was put back to an earlier day; then nothing waits for it yet. */
const lagOf = ({ floorSeq }: Consumer, { kernel }: KernelParts): number =>
  Math.max(0, kernel.journal.headSeq() - floorSeq);

async function create(input: Static<typeof Create.input>, ctx: Context, parts: KernelParts): Promise<Consumer> {
  const { views, journal } = parts.kernel;
  const { name } = input;
  const start = input.start ?? "new";
  const wanted = {
    name,
    prefixes: input.prefix ?? [],
    ackWaitMs: input.ackWaitMs ?? ackWaitMsDefault,
    deliverMax: input.deliverMax ?? deliverMaxDefault,
    pendingMax: input.pendingMax ?? pendingMaxDefault,
  };
  const known = views.get(consumers, name);
  if (known !== undefined) {
    const { prefixes, ackWaitMs, deliverMax, pendingMax } = known;
    if (JSON.stringify({ name, prefixes, ackWaitMs, deliverMax, pendingMax }) === JSON.stringify(wanted)) return known;
    throw new Problem(ConsumerDiffers, `consumer ${name} exists with other settings`, {
      prefixes,
      ackWaitMs,
      deliverMax,
      pendingMax,
    });
  }
  if (views.list(consumers, { limit: consumersMax }).rows.length >= consumersMax) {
    throw new Problem(TooManyConsumers, `there are ${consumersMax} consumers`);
  }
  const headSeq = journal.headSeq();
  const startSeq = start === "new" ? headSeq : start === "all" ? 0 : start;
  if (startSeq > headSeq)
    throw new Problem(CursorAhead, `position ${startSeq} lies after the newest event ${headSeq}`, { headSeq });
  await ctx.emit(ConsumerCreated, { ...wanted, startSeq });
  return views.get(consumers, name) as Consumer;
}

interface PullOptions {
  readonly count: number;
  readonly waitMs: number;
  readonly ctx: Context;
}

function createDesk({ parts, clock, readers }: ConsumersDeps) {
  const turns = createKeyedMutex();
  const row = (name: string): Consumer => {
    const found = parts.kernel.views.get(consumers, name);
    if (found === undefined) throw new Problem(NotFound, `there is no consumer ${name}`);
    return found;
  };
  const reader = (name: string): ConsumerReader => {
    const found = row(name);
    const known = readers.get(name) ?? createConsumerReader(found, parts.kernel.journal, clock);
    readers.set(name, known);
    return known;
  };
  const giveBack = async (
    name: string,
    { seq, delayMs, ctx }: { readonly seq: number; readonly delayMs: number; readonly ctx: Context },
  ): Promise<boolean> => {
    const mine = reader(name);
    if (!mine.isOutstanding(seq)) return false;
    const attempt = mine.attemptOf(seq);
    if (attempt >= row(name).deliverMax) {
      const floorSeq = mine.floorWith([seq]);
      const takeBack = mine.settle([seq]);
      await ctx.emit(MessageBuried, { name, seq, attempt, floorSeq }).catch(rethrowAfter(takeBack));
      return true;
    }
    mine.giveBack(seq, clock.monotonicMs() + delayMs);
    await ctx.emit(MessageReturned, { name, seq, attempt, notBeforeMs: ctx.now() + delayMs, delayMs });
    return true;
  };
  /** One taker at a time per consumer, so that what ran out of time is settled before it is delivered again. */
  const takeNow = (name: string, count: number, ctx: Context): Promise<readonly Delivered[]> =>
    turns.run(name, async () => {
      const nowMs = clock.monotonicMs();
      for (const seq of reader(name).overdue(nowMs)) await giveBack(name, { seq, delayMs: 0, ctx });
      return reader(name).take(count, clock.monotonicMs());
    });
  return {
    row,
    reader,
    giveBack,
    forget: (name: string): boolean => readers.delete(name),
    async pull(name: string, { count, waitMs, ctx }: PullOptions): Promise<readonly Message[]> {
      const untilMs = clock.monotonicMs() + waitMs;
      for (;;) {
        const taken = await takeNow(name, count, ctx);
        const leftMs = untilMs - clock.monotonicMs();
        if (taken.length > 0 || leftMs <= 0) return taken.map(messageOf);
        if (reader(name).isAtEnd()) await somethingDue(reader(name), { parts, clock, leftMs, ctx });
        ctx.signal.throwIfAborted();
      }
    },
    async ack(name: string, seqs: readonly number[], ctx: Context): Promise<number> {
      const mine = reader(name);
      const held = seqs.filter((seq) => mine.isOutstanding(seq));
      if (held.length === 0) return 0;
      const floorSeq = mine.floorWith(held);
      const takeBack = mine.settle(held);
      await ctx.emit(MessagesAcked, { name, seqs: held, floorSeq }).catch(rethrowAfter(takeBack));
      return held.length;
    },
  };
}

const rethrowAfter =
  (undo: () => void) =>
  (error: unknown): never => {
    undo();
    throw error;
  };

const messageOf = ({ envelope, attempt }: Delivered): Message => ({
  seq: envelope.seq,
  attempt,
  event: envelope,
});

interface Waiting {
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly leftMs: number;
  readonly ctx: Context;
}

/** Resolves with a matching event, a due return or deadline, the end of the wait, or the caller's leaving. */
function somethingDue(reader: ConsumerReader, { parts, clock, leftMs, ctx }: Waiting): Promise<void> {
  return new Promise((resolve) => {
    const dueMs = reader.nextDueMs();
    const waitMs = Math.max(0, Math.min(leftMs, dueMs === null ? leftMs : dueMs - clock.monotonicMs()));
    const end = (): void => {
      stopListening();
      cancel();
      ctx.signal.removeEventListener("abort", end);
      resolve();
    };
    const stopListening = parts.bus.listen([], (envelope) => {
      if (envelope.seq > 0 && reader.matches(envelope.kind)) end();
    });
    const cancel = clock.after(waitMs, end);
    ctx.signal.addEventListener("abort", end, { once: true });
  });
}

async function* stream(name: string, ctx: Context, desk: ReturnType<typeof createDesk>): AsyncGenerator<Message> {
  while (!ctx.signal.aborted) {
    yield* await desk.pull(name, { count: streamBatch, waitMs: streamWaitMs, ctx });
  }
}
