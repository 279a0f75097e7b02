import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { api } from "../../api.ts";
import { keys } from "../../stream/refresh.ts";

/** Fast enough to watch a burst, slow enough not to be one. */
const refreshMs = 2_000;

function subscribeHidden(listener: () => void): () => void {
  document.addEventListener("visibilitychange", listener);
  return () => document.removeEventListener("visibilitychange", listener);
}

/** Asks again while someone looks: a hidden page has no timer, and asks at once when it is shown again. */
export function useRefreshWhileSeen() {
  const isHidden = useSyncExternalStore(subscribeHidden, () => document.hidden);
  return { staleTime: 0, refetchInterval: isHidden ? false : refreshMs, refetchOnWindowFocus: "always" } as const;
}

/** The hub's own figures. */
export function useStats() {
  const refresh = useRefreshWhileSeen();
  return useQuery({ queryKey: keys.stats, queryFn: ({ signal }) => api.stats(signal), ...refresh });
}
