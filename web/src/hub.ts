/** The one connection of this page to the hub: store, stream and query client, made once by `main` and used by the screens. */
import { QueryClient } from "@tanstack/react-query";
import { api, isLocked } from "./api.ts";
import { createEventStore, type EventStore } from "./stream/event-store.ts";
import { createGapFills, type GapFills } from "./stream/gap-fills.ts";
import { keepFresh } from "./stream/refresh.ts";
import { openSharedStream, type SharedStream } from "./stream/shared-stream.ts";
import { useView } from "./shell/view-state.ts";

export interface Hub {
  readonly store: EventStore;
  readonly stream: SharedStream;
  readonly client: QueryClient;
  /** What was read into the gaps of the stream. */
  readonly gaps: GapFills;
}

export const after = (delayMs: number, run: () => void): void => {
  setTimeout(run, delayMs);
};

export const pause = (delayMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

/** A hub that is asked too much answers again soon; every other refusal stays one. */
const retriesMax = (status: number | undefined): number => (status === 429 ? 4 : status === 0 ? 2 : 0);

/** Without locks each tab reads for itself, so nothing may be shared between them. */
const lonely = { postMessage() {}, onmessage: null };

export function connectHub(): Hub {
  const store = createEventStore({ now: Date.now, after, isHidden: () => document.hidden });
  document.addEventListener("visibilitychange", store.wake);
  const client = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        refetchOnWindowFocus: false,
        // The stream notices that the hub is back; a query only bridges the moment.
        retry: (count, error) => count < retriesMax((error as { status?: number }).status),
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
  client.getQueryCache().subscribe(({ query }) => {
    if (isLocked(query.state.error)) useView.getState().set({ isLocked: true });
  });
  keepFresh(store, client, after);
  refetchWhenBack(store, client);
  const locks = navigator.locks as LockManager | undefined;
  const stream = openSharedStream({
    store,
    tabId: crypto.randomUUID?.() ?? String(performance.now()),
    fetch: (...args) => fetch(...args),
    after: pause,
    locks,
    channel: locks ? new BroadcastChannel("arw-events") : lonely,
  });
  return { store, stream, client, gaps: createGapFills(store.ring, (filters) => api.journal(filters)) };
}

function refetchWhenBack(store: EventStore, client: QueryClient): void {
  let phase = store.status().phase;
  store.subscribe(() => {
    const now = store.status().phase;
    if (now === "live" && phase === "reconnecting") void client.invalidateQueries();
    if (now === "locked" && phase !== "locked") useView.getState().set({ isLocked: true });
    phase = now;
  });
}
