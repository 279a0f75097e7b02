/** One episode with its whole story; after the first read only what is new is fetched. */
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { ApiFault, api } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import type { Episode, StoryLine } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";

export interface Told {
  readonly episode: Episode;
  readonly story: readonly StoryLine[];
}

/** A queued run has no episode until its first event; the task may wait this many tries for a worker. */
const missingTriesMax = 12;
const missingPauseMs = 500;

export function useEpisode(id: string | null): UseQueryResult<Told> {
  const { client } = useHub();
  const queryKey = keys.episode(id ?? "");
  return useQuery({
    queryKey,
    enabled: id !== null,
    retry: (count, error) => error instanceof ApiFault && error.status === 404 && count < missingTriesMax,
    retryDelay: missingPauseMs,
    queryFn: async ({ signal }): Promise<Told> => {
      const known = client.getQueryData<Told>(queryKey);
      const story = [...(known?.story ?? [])];
      for (;;) {
        const page = await api.episode(id ?? "", story.at(-1)?.seq ?? 0, signal);
        story.push(...page.story);
        if (page.nextAfterSeq === null || page.story.length === 0) return { episode: page.episode, story };
      }
    },
  });
}
