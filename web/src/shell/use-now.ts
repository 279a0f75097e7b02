/** What is going on now, for Home, the rail and the status bar alike: the same two questions, asked once. */
import { useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";
import { useNow } from "../hub-context.ts";
import type { Approval, Episode, Lease, Posture } from "../shapes.ts";
import { keys } from "../stream/refresh.ts";

export function useWaiting(): readonly Approval[] {
  const page = useQuery({
    queryKey: [...keys.approvals, "waiting"],
    queryFn: ({ signal }) => api.approvals("waiting", signal),
  });
  return page.data?.items ?? [];
}

export function useRunning(): readonly Episode[] {
  const page = useQuery({
    queryKey: [...keys.episodes, "running"],
    queryFn: async ({ signal }) => {
      const [running, waiting] = await Promise.all([
        api.episodes({ status: "running" }, signal),
        api.episodes({ status: "waiting" }, signal),
      ]);
      return [...waiting.items, ...running.items];
    },
  });
  return page.data ?? [];
}

export interface Reach {
  readonly posture: Posture;
  /** Those that still run. */
  readonly leases: readonly Lease[];
}

/** How far the hub is open towards the outside. */
export function useReach(): Reach | undefined {
  const reach = useQuery({
    queryKey: [...keys.egress, "reach"],
    queryFn: async ({ signal }) => {
      const [posture, leases] = await Promise.all([api.posture(signal), api.leases(signal)]);
      return { posture, leases: leases.items };
    },
  });
  const now = useNow();
  return reach.data && { ...reach.data, leases: reach.data.leases.filter(({ endsAtMs }) => endsAtMs > now) };
}
