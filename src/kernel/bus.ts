/**
 * The bus: committed and live events go to whoever asked for their kind. Publishing never waits, never fails and never
 * grows: a reader that is too slow loses its oldest events and is told which.
 */
import type { Envelope } from "../contract/event.ts";
import { createPrefixMatcher } from "../base/prefix-trie.ts";
import type { Bus, BusCounters, Subscription } from "./kernel.ts";
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
        corrId === undefined
          ? subscription.push
          : (envelope) => (envelope.corrId === corrId ? subscription.push(envelope) : undefined),
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
