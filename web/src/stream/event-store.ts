/** The events of this page: ring, connection state and notifications together. */
import type { HubEvent } from "../shapes.ts";
import { createEventRing, type EventRing } from "./event-ring.ts";
import { createNotifier, type NotifierOptions } from "./notifier.ts";

export type Phase = "connecting" | "live" | "reconnecting" | "locked";

export interface StreamStatus {
  readonly phase: Phase;
  /** Since when it is so, epoch milliseconds. */
  readonly sinceMs: number;
}

export interface EventStore {
  readonly ring: EventRing;
  /** When the newest event came, epoch milliseconds of this machine; 0 before the first. */
  lastArrivalMs(): number;
  status(): StreamStatus;
  setPhase(phase: Phase): void;
  ingest(events: readonly HubEvent[]): void;
  reset(): void;
  readonly subscribe: (listener: () => void) => () => void;
  readonly version: () => number;
  readonly wake: () => void;
}

export function createEventStore(options: NotifierOptions & { readonly capacity?: number }): EventStore {
  const ring = createEventRing(options.capacity);
  const notifier = createNotifier(options);
  let status: StreamStatus = { phase: "connecting", sinceMs: options.now() };
  let lastArrivalMs = 0;
  return {
    ring,
    lastArrivalMs: () => lastArrivalMs,
    status: () => status,
    setPhase(phase) {
      if (status.phase === phase) return;
      status = { phase, sinceMs: options.now() };
      notifier.mark();
    },
    ingest(events) {
      for (const event of events) ring.push(event);
      if (events.length === 0) return;
      lastArrivalMs = options.now();
      notifier.mark();
    },
    reset() {
      ring.clear();
      notifier.mark();
    },
    subscribe: notifier.subscribe,
    version: notifier.version,
    wake: notifier.wake,
  };
}
