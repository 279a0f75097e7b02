import { useNavigate, useSearch } from "@tanstack/react-router";
import { XIcon } from "lucide-react";
import { laneSearch, lanes } from "../filters.ts";
import { IconButton } from "../parts/button.tsx";
import { FamilyMark } from "../parts/marks.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { useEpisode } from "../rooms/episodes/use-episode.ts";
import type { StoryLine } from "../shapes.ts";
import { formatClock } from "../text/formats.ts";
import { familyOf } from "../text/event-words.ts";
import { type MessageKey, t } from "../text/messages.ts";
import { plainLine } from "../text/plain.ts";
import styles from "./sidecar.module.css";
import { useRunning } from "./use-now.ts";
import { useView } from "./view-state.ts";

type Lane = (typeof lanes)[number];

/** What each lane keeps of the story. */
const keeps: Readonly<Record<Lane, (line: StoryLine) => boolean>> = {
  timeline: () => true,
  context: (line) => line.family === "observation",
  policy: (line) => line.family === "approval" || line.kind === "actions.refused",
  activity: (line) => line.family === "intent" || line.family === "action",
};

const leads: Readonly<Record<Lane, MessageKey>> = {
  timeline: "sidecar.timeline.text",
  context: "sidecar.context.text",
  policy: "sidecar.policy.text",
  activity: "sidecar.activity.text",
};

/** A lane is read beside something else: the newest are enough, the episode's page has them all. */
const linesMax = 60;

/** The focused episode in four lanes, the same in every room. */
export function Sidecar() {
  const focused = useView((view) => view.focusedEpisode);
  const [running] = useRunning();
  const episode = focused ?? running?.id ?? null;
  const set = useView((view) => view.set);
  const told = useEpisode(episode);
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const lane: Lane = laneSearch(search).lane ?? "timeline";
  const story = told.data?.story ?? [];
  return (
    <aside className={styles["sidecar"]} data-region="sidecar" tabIndex={-1} aria-label={t("sidecar.region.label")}>
      <Tabs
        label={t("sidecar.lanes.label")}
        value={lane}
        onChange={(next) =>
          void navigate({ to: ".", search: (now: object) => ({ ...now, lane: next }), replace: true })
        }
        tabs={lanes.map((value) => ({ value, label: t(`sidecar.lane.${value}`) }))}
        trailing={
          <IconButton
            label={t("sidecar.toggle.close")}
            icon={<XIcon size={14} aria-hidden />}
            onClick={() => set({ isSidecarOpen: false })}
          />
        }
      >
        {told.data ? (
          <LaneView lane={lane} story={story.filter(keeps[lane])} hasModel={told.data.episode.model !== "none"} />
        ) : (
          <p className={styles["quiet"]}>{t("sidecar.empty.text")}</p>
        )}
      </Tabs>
    </aside>
  );
}

function LaneView({
  lane,
  story,
  hasModel,
}: {
  readonly lane: Lane;
  readonly story: readonly StoryLine[];
  readonly hasModel: boolean;
}) {
  const shown = story.slice(-linesMax);
  return (
    <div className={styles["lane"]}>
      <p className={styles["quiet"]}>
        {t(leads[lane], { count: story.length })}
        {lane === "context" && !hasModel ? ` ${t("sidecar.context.model")}` : null}
      </p>
      {shown.length < story.length ? (
        <p className={styles["quiet"]}>{t("sidecar.lane.earlier", { count: story.length - shown.length })}</p>
      ) : null}
      <ol className={styles["lines"]}>
        {shown.map((line) => (
          <li key={line.seq} className={styles["line"]}>
            <FamilyMark family={familyOf(line.kind)} />
            <span className={styles["text"]}>{plainLine(line.text)}</span>
            <time className={styles["time"]}>{formatClock(line.timeMs)}</time>
          </li>
        ))}
      </ol>
    </div>
  );
}
