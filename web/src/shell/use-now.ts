/** What is going on now, for Home, the rail and the status bar alike: the same two questions, asked once. */
import { useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";
import { useNow } from "../hub-context.ts";
import type { Approval, Episode, Lease, Posture, Question, Schedule } from "../shapes.ts";
import { keys } from "../stream/refresh.ts";

export function useWaiting(): readonly Approval[] {
  const page = useQuery({
    queryKey: [...keys.approvals, "waiting"],
    queryFn: ({ signal }) => api.approvals("waiting", signal),
  });
  return page.data?.items ?? [];
}

export interface Needs {
  readonly approvals: readonly Approval[];
  readonly questions: readonly Question[];
  /** Schedules whose time came and went. */
  readonly missed: readonly Schedule[];
  readonly count: number;
}

/** All that waits for the person. */
export function useNeeds(): Needs {
  const approvals = useWaiting();
  const asked = useQuery({
    queryKey: [...keys.questions, "waiting"],
    queryFn: ({ signal }) => api.questions(signal),
  });
  const planned = useQuery({ queryKey: keys.schedules, queryFn: ({ signal }) => api.schedules(signal) });
  const questions = asked.data?.items ?? [];
  const missed = planned.data?.schedules.filter((schedule) => schedule.missed !== null) ?? [];
  return { approvals, questions, missed, count: approvals.length + questions.length + missed.length };
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
