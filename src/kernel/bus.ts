/**
 * The bus: committed and live events go to whoever asked for their kind. Publishing never waits, never fails and never
 * grows: a reader that is too slow loses its oldest events and is told which.
 */
import type { Envelope } from "../contract/event.ts";
import { createPrefixMatcher } from "../base/prefix-trie.ts";
import type { Bus, BusCounters, SubscriberState, Subscription } from "./kernel.ts";
import { createSubscription } from "./subscription.ts";

export interface OwnedBus extends Bus {
  publish(envelope: Envelope): void;
  /** Nodes of the prefix trie visited so far; a kind that came before visits none. */
  readonly visits: number;
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
  /** Sees every event and counts as no receiver. */
  readonly onPublish?: ((envelope: Envelope) => void) | undefined;
}

type Listener = (envelope: Envelope) => void;

export function createBus({ capacity, replay, onDefect, onPublish }: BusOptions): OwnedBus {
  const matcher = createPrefixMatcher<Listener>();
  const recentRing = createRecent(replay);
  let published = 0;
  let delivered = 0;
  let noReceivers = 0;

  // Events come in runs of one kind: the list that the last one used is at hand without a look-up.
  let lastKind: string | null = null;
  let lastListeners: readonly Listener[] = [];

  const listenersOf = (kind: string): readonly Listener[] => {
    if (kind === lastKind) return lastListeners;
    lastListeners = matcher.match(kind);
    lastKind = kind;
    return lastListeners;
  };
  const listen = (prefixes: readonly string[], run: Listener): (() => void) => {
    const removals = (prefixes.length === 0 ? [""] : prefixes).map((prefix) => matcher.add(prefix, run));
    lastKind = null;
    return () => {
      for (const remove of removals) remove();
      lastKind = null;
    };
  };
  const readers = createReaders(listen, capacity);
  /** A listener that throws is reported, and the next one still hears the event. */
  const deliver = (listeners: readonly Listener[], envelope: Envelope): void => {
    let next = 0;
    while (next < listeners.length) {
      try {
        while (next < listeners.length) (listeners[next++] as Listener)(envelope);
      } catch (error) {
        onDefect(error);
      }
    }
  };

  return {
    publish(envelope) {
      published += 1;
      onPublish?.(envelope);
      if (envelope.seq > 0) recentRing.push(envelope);
      const listeners = listenersOf(envelope.kind);
      if (listeners.length === 0) noReceivers += 1;
      deliver(listeners, envelope);
      delivered += listeners.length;
    },
    get visits() {
      return matcher.visits;
    },
    recent: recentRing.after,
    listen,
    subscribe: readers.subscribe,
    counters: (): BusCounters => ({
      published,
      delivered,
      lagged: readers.lagged(),
      noReceivers,
      receivers: matcher.size,
    }),
    get ring() {
      return { held: recentRing.held, capacity: recentRing.capacity };
    },
    losses: () => readers.losses,
    get subscribers() {
      return readers.states();
    },
  };
}

type Listen = (prefixes: readonly string[], run: Listener) => () => void;

/** The bounded readers there are, and what readers have lost so far, by the first word of their names. */
function createReaders(listen: Listen, capacityDefault: number) {
  const subscribers = new Set<Subscription>();
  const losses = new Map<string, number>();
  return {
    losses,
    lagged: (): number => losses.values().reduce((sum, count) => sum + count, 0),
    states: (): readonly SubscriberState[] =>
      [...subscribers].map(({ name, pending, skipped, lastGap }) => ({ name, pending, skipped, lastGap })),
    subscribe(options: Parameters<Bus["subscribe"]>[0]): Subscription {
      const sort = options.name.split(" ", 1)[0] ?? "";
      const subscription = createSubscription({
        name: options.name,
        capacity: options.capacity ?? capacityDefault,
        onLoss: () => {
          losses.set(sort, (losses.get(sort) ?? 0) + 1);
        },
        onClose: () => {
          stop();
          subscribers.delete(subscription);
        },
      });
      const { corrId } = options;
      const stop = listen(
        options.prefixes,
        corrId === undefined
          ? subscription.push
          : (envelope) => (envelope.corrId === corrId ? subscription.push(envelope) : undefined),
      );
      subscribers.add(subscription);
      return subscription;
    },
  };
}

function createRecent(size: number) {
  const slots: (Envelope | undefined)[] = Array.from({ length: Math.max(1, size) });
  let next = 0;
  let held = 0;
  return {
    capacity: slots.length,
    get held() {
      return held;
    },
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
