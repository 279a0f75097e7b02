/** How screens reach the hub, its clock and its stream. */
import { createContext, useContext, useSyncExternalStore } from "react";
import type { Hub } from "./hub.ts";

export const HubContext = createContext<Hub | null>(null);

export function useHub(): Hub {
  const hub = useContext(HubContext);
  if (!hub) throw new TypeError("a screen is used outside of the app");
  return hub;
}

/** Renders again when the stream has news, at most ten times a second. */
export function useStream(): Hub["store"] {
  const { store } = useHub();
  useSyncExternalStore(store.subscribe, store.version);
  return store;
}

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let nowMs = Date.now();

function subscribeClock(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    if (document.hidden) return;
    nowMs = Date.now();
    for (const run of Array.from(listeners)) run();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Now, by the second; one timer for the whole page. */
export const useNow = (): number => useSyncExternalStore(subscribeClock, () => nowMs);
