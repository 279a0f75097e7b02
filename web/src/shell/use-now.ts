/** What is going on now, for Home, the rail and the status bar alike: the same two questions, asked once. */
import { useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";
import type { Approval, Episode } from "../shapes.ts";
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
