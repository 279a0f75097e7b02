/**
 * The bus: committed and live events go to whoever asked for their kind. Publishing never waits, never fails and never
 * grows: a reader that is too slow loses its oldest events and is told which.
 */
import { type Envelope } from "../contract/event.ts";
import { createPrefixMatcher } from "../base/prefix-trie.ts";
import type { Bus, BusCounters, Delivery, GapMark, Subscription } from "./kernel.ts";

export interface OwnedBus extends Bus {
  publish(envelope: Envelope): void;
  /** The newest durable events still in memory after `seq`, or null when the ring no longer reaches back that far. */
  recent(afterSeq: number): readonly Envelope[] | null;
}

export interface BusOptions {
  /** Events a subscription holds before it loses the oldest. */
  readonly capacity: number;
  /** Durable events kept in memory, so that a stream that resumes soon reads no disk. */
  readonly replay: number;
  /** A listener threw: its name and the error. */
  readonly onDefect: (error: unknown) => void;
}

type Listener = (envelope: Envelope) => void;

export function createBus({ capacity, replay, onDefect }: BusOptions): OwnedBus {
  const matcher = createPrefixMatcher<Listener>();
  const subscribers = new Set<Subscription>();
  const recentRing = createRecent(replay);
  let published = 0;
  let delivered = 0;
  let noReceivers = 0;
  let lagged = 0;

  const listen = (prefixes: readonly string[], run: Listener): (() => void) => {
    const removals = (prefixes.length === 0 ? [""] : prefixes).map((prefix) => matcher.add(prefix, run));
    return () => {
      for (const remove of removals) remove();
    };
  };

  return {
    publish(envelope) {
      published += 1;
      if (envelope.seq > 0) recentRing.push(envelope);
      const listeners = matcher.match(envelope.kind);
      const count = listeners.length;
      if (count === 0) {
        noReceivers += 1;
        return;
      }
      for (let index = 0; index < count; index += 1) {
        try {
          (listeners[index] as Listener)(envelope);
        } catch (error) {
          onDefect(error);
        }
      }
      delivered += count;
    },
    recent: recentRing.after,
    listen,
    subscribe(options) {
      const subscription = createSubscription({
        name: options.name,
        capacity: options.capacity ?? capacity,
        onLoss: () => {
          lagged += 1;
        },
        onClose: () => {
          stop();
          subscribers.delete(subscription);
        },
      });
      const { corrId } = options;
      const stop = listen(
        options.prefixes,
        corrId === undefined ? subscription.push : (envelope) => (envelope.corrId === corrId ? subscription.push(envelope) : undefined),
      );
      subscribers.add(subscription);
      return subscription;
    },
    counters: (): BusCounters => ({ published, delivered, lagged, noReceivers, receivers: matcher.size }),
    get subscribers() {
      return [...subscribers].map(({ name, pending, skipped }) => ({ name, pending, skipped }));
    },
  };
}

function createRecent(size: number) {
  const slots: (Envelope | undefined)[] = Array.from({ length: Math.max(1, size) });
  let next = 0;
  let held = 0;
  return {
    push(envelope: Envelope): void {
      slots[next] = envelope;
      next = next + 1 === slots.length ? 0 : next + 1;
      if (held < slots.length) held += 1;
    },
    after(afterSeq: number): readonly Envelope[] | null {
      const oldest = slots[(next - held + slots.length) % slots.length];
      if (oldest === undefined || oldest.seq > afterSeq + 1) return null;
      const found: Envelope[] = [];
      for (let index = 0; index < held; index += 1) {
        const envelope = slots[(next - held + index + slots.length) % slots.length];
        if (envelope !== undefined && envelope.seq > afterSeq) found.push(envelope);
      }
      return found;
    },
  };
}

interface OwnedSubscription extends Subscription {
  push(envelope: Envelope): void;
}

interface SubscriptionOptions {
  readonly name: string;
  readonly capacity: number;
  readonly onLoss: () => void;
  readonly onClose: () => void;
}

/**
 * A bounded reader. The queue drops from its front when it is full; what was dropped since the last read is one gap, which
 * is delivered in the place where the events are missing. Live events have no position: they count in `skipped` and widen
 * no range.
 */
function createSubscription({ name, capacity, onLoss, onClose }: SubscriptionOptions): OwnedSubscription {
  let queue: Envelope[] = [];
  let front = 0;
  let gap: GapMark | null = null;
  let skipped = 0;
  let lastSeq = 0;
  let isClosed = false;
  let wake: (() => void) | null = null;

  const lose = (): void => {
    const lost = queue[front] as Envelope;
    front += 1;
    skipped += 1;
    onLoss();
    const seq = lost.seq === 0 ? lastSeq : lost.seq;
    lastSeq = seq;
    gap = gap === null ? { fromSeq: seq, toSeq: seq, skipped: 1 } : { fromSeq: gap.fromSeq, toSeq: seq, skipped: gap.skipped + 1 };
    if (front > capacity) {
      queue = queue.slice(front);
      front = 0;
    }
  };
  const take = (count: number): readonly Delivery[] => {
    const taken: Delivery[] = [];
    if (gap !== null && count > 0) {
      taken.push(gap);
      gap = null;
    }
    const end = Math.min(queue.length, front + count - taken.length);
    for (let index = front; index < end; index += 1) taken.push(queue[index] as Envelope);
    const last = taken.at(-1);
    if (last !== undefined && "seq" in last && last.seq > 0) lastSeq = last.seq;
    front = end;
    if (front === queue.length) {
      queue = [];
      front = 0;
    }
    return taken;
  };
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    onClose();
    queue = [];
    wake?.();
  };

  return {
    name,
    get pending() {
      return queue.length - front;
    },
    get skipped() {
      return skipped;
    },
    push(envelope) {
      if (isClosed) return;
      if (queue.length - front >= capacity) lose();
      queue.push(envelope);
      if (wake !== null) {
        const run = wake;
        wake = null;
        run();
      }
    },
    take,
    onReady(run) {
      if (queue.length > front || gap !== null) run();
      else wake = run;
    },
    async *[Symbol.asyncIterator]() {
      try {
        while (!isClosed) {
          const batch = take(readBatch);
          if (batch.length > 0) yield* batch;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        close();
      }
    },
    [Symbol.dispose]: close,
  };
}

/** Events handed over per turn: large enough to amortise the wake-up, small enough to let others run. */
const readBatch = 256;
