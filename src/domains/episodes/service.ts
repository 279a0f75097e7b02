import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  BeliefHeld,
  IntentProposed,
  ObservationRecorded,
  Show,
  Snapshot,
} from "./contract.ts";
import { snapshot } from "./snapshot.ts";
import { isTold, storyLine } from "./story.ts";
import { actions, beliefs, episodes, intents, observations } from "./views.ts";

const storyDefault = 1000;

export const createEpisodes = ({ parts }: { readonly parts: KernelParts }): Domain => ({
  name: "episodes",
  families: ["episodes", "observations", "beliefs", "intents", "actions"],
  operations: [
    bind(Show, async ({ id, afterSeq, limit }) => {
      const { journal, views } = parts.kernel;
      const episode = views.get(episodes, id);
      if (episode === undefined) throw new Problem(NotFound, `there is no episode ${id}`);
      await journal.reached(episode.lastSeq);
      const count = limit ?? storyDefault;
      const page = journal.read({ corrId: id, afterSeq: afterSeq ?? 0, limit: count });
      const isMore = page.length === count && (page.at(-1)?.seq ?? 0) < episode.lastSeq;
      return {
        episode,
        story: page.filter(isTold).map(storyLine),
        nextAfterSeq: isMore ? (page.at(-1)?.seq ?? null) : null,
      };
    }),
    bind(Snapshot, async (input) => {
      const { journal, views } = parts.kernel;
      await journal.reached(views.get(episodes, input.id)?.lastSeq ?? 0);
      return snapshot(input, { journal, views });
    }),
  ],
  events: [ObservationRecorded, BeliefHeld, IntentProposed, ActionApplied, ActionRefused, ActionFailed],
  views: [observations, beliefs, intents, actions, episodes],
});
