import { useQuery } from "@tanstack/react-query";
import { api } from "../../api.ts";
import { keys } from "../../stream/refresh.ts";

/** Fast enough to watch a burst, slow enough not to be one. */
export const refreshMs = 2_000;

/** Asks again while someone looks: a hidden page has no timer, and asks at once when it is shown again. */
export const refreshWhileSeen = {
  staleTime: 0,
  refetchInterval: () => (document.hidden ? false : refreshMs),
  refetchOnWindowFocus: "always",
} as const;

/** The hub's own figures. */
export const useStats = () =>
  useQuery({ queryKey: keys.stats, queryFn: ({ signal }) => api.stats(signal), ...refreshWhileSeen });
