/**
 * The bus: committed and live events go to whoever asked for their kind. Publishing never waits, never fails and never
 * grows: a reader that is too slow loses its oldest events and is told which.
 */
import type { Envelope } from "../contract/event.ts";
import { createPrefixMatcher, type PrefixMatcher } from "../base/prefix-trie.ts";
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

/** Who hears a kind, found once, and how often it came: every other count follows from these two. */
interface Route {
  readonly listeners: readonly Listener[];
  published: number;
}

/** Kinds whose routes are at hand. A hub has some hundred; what floods past this starts over. */
const routesMax = 4_096;

export function createBus({ capacity, replay, onDefect, onPublish }: BusOptions): OwnedBus {
  const matcher = createPrefixMatcher<Listener>();
  const ring = createReplayRing(replay);
  const routes = createRoutes(matcher);
  const { known, find } = routes;
  const readers = createReaders(routes.listen, capacity);
  return {
    publish(envelope) {
      const { kind, seq } = envelope;
      const route = known.get(kind) ?? find(kind);
      route.published += 1;
      const { listeners } = route;
      if (onPublish !== undefined) onPublish(envelope);
      if (seq > 0) {
        ring.slots[ring.next] = envelope;
        ring.next += 1;
        if (ring.next === ring.capacity) wrap(ring);
      }
      for (let next = 0; next < listeners.length; next += 1) {
        // A listener that throws is reported, and the next one still hears the event.
        try {
          (listeners[next] as Listener)(envelope);
        } catch (error) {
          onDefect(error);
        }
      }
    },
    get visits() {
      return matcher.visits;
    },
    recent: (afterSeq) => recentAfter(ring, afterSeq),
    listen: routes.listen,
    subscribe: readers.subscribe,
    counters(): BusCounters {
      const { offered, ...counts } = routes.counters();
      const lagged = readers.lagged();
      return { ...counts, delivered: offered - lagged - readers.undelivered(), lagged, receivers: routes.listening() };
    },
    get ring() {
      return { held: heldIn(ring), capacity: ring.capacity };
    },
    losses: () => readers.losses,
    get subscribers() {
      return readers.states();
    },
  };
}

/** The routes of the kinds that came since somebody last began or ceased to listen, and the sums of those before. */
function createRoutes(matcher: PrefixMatcher<Listener>) {
  const known = new Map<string, Route>();
  const sums = { published: 0, offered: 0, noReceivers: 0 };
  let listening = 0;
  const addTo = (to: typeof sums): typeof sums => {
    for (const { listeners, published } of known.values()) {
      to.published += published;
      to.offered += published * listeners.length;
      if (listeners.length === 0) to.noReceivers += published;
    }
    return to;
  };
  const forget = (): void => {
    addTo(sums);
    known.clear();
  };
  return {
    /** Read by `publish` itself: one look-up for an event of a known kind, and no call. */
    known: known as ReadonlyMap<string, Route>,
    find(kind: string): Route {
      if (known.size >= routesMax) forget();
      const route = { listeners: matcher.match(kind), published: 0 };
      known.set(kind, route);
      return route;
    },
    listen(prefixes: readonly string[], run: Listener): () => void {
      const removals = (prefixes.length === 0 ? [""] : prefixes).map((prefix) => matcher.add(prefix, run));
      listening += 1;
      forget();
      let isListening = true;
      return () => {
        if (!isListening) return;
        isListening = false;
        listening -= 1;
        for (const remove of removals) remove();
        forget();
      };
    },
    /** Each counts once, however many kinds it listens to. */
    listening: (): number => listening,
    counters: () => addTo({ ...sums }),
  };
}

type Listen = (prefixes: readonly string[], run: Listener) => () => void;

/** The bounded readers there are, and what readers have lost so far, by the first word of their names. */
function createReaders(listen: Listen, capacityDefault: number) {
  const subscribers = new Set<Subscription>();
  const losses = new Map<string, number>();
  /** Offered to readers that are of another episode, or that closed before they took them. */
  let unwanted = 0;
  return {
    losses,
    /** Neither lost nor handed over: what waits, and what nobody will ever take. Counted here, so that publishing need not. */
    undelivered: (): number => subscribers.values().reduce((sum, { pending }) => sum + pending, unwanted),
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
        onDiscard: (count) => {
          unwanted += count;
        },
      });
      const { corrId } = options;
      const stop = listen(
        options.prefixes,
        corrId === undefined
          ? subscription.push
          : (envelope) => {
              if (envelope.corrId === corrId) subscription.push(envelope);
              else unwanted += 1;
            },
      );
      subscribers.add(subscription);
      return subscription;
    },
  };
}

/** The newest durable events in a fixed array. A plain record, so that publishing writes two fields and calls nothing. */
interface ReplayRing {
  readonly slots: (Envelope | null)[];
  readonly capacity: number;
  /** Where the next event goes. */
  next: number;
  isFull: boolean;
}

function createReplayRing(size: number): ReplayRing {
  const capacity = Math.max(1, size);
  return { slots: Array.from({ length: capacity }, () => null), capacity, next: 0, isFull: false };
}

function wrap(ring: ReplayRing): void {
  ring.next = 0;
  ring.isFull = true;
}

const heldIn = ({ isFull, capacity, next }: ReplayRing): number => (isFull ? capacity : next);

function recentAfter({ slots, next, isFull }: ReplayRing, afterSeq: number): readonly Envelope[] | null {
  const inOrder = isFull ? [...slots.slice(next), ...slots.slice(0, next)] : slots.slice(0, next);
  const held = inOrder.filter((envelope) => envelope !== null);
  const oldest = held[0];
  if (oldest === undefined || oldest.seq > afterSeq + 1) return null;
  return held.filter((envelope) => envelope.seq > afterSeq);
}
