import { useMutation } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect } from "react";
import { ApiFault, api } from "../../api.ts";
import type { EpisodeSearch } from "../../filters.ts";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy-button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { StatusMark } from "../../parts/marks.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { When } from "../../parts/when.tsx";
import { RoomHeader } from "../../shell/room-header.tsx";
import { useView } from "../../shell/view-state.ts";
import type { Episode } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";
import { formatDuration } from "../../text/formats.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import { RecordLinks } from "../capsules/record-links.tsx";
import { StoryEvents } from "../events/story-events.tsx";
import styles from "./episode-page.module.css";
import { Story } from "./story.tsx";
import { type Told, useEpisode } from "./use-episode.ts";

const route = getRouteApi("/episodes/$id");

export function EpisodePage() {
  const { id } = route.useParams();
  const told = useEpisode(id);
  const set = useView((view) => view.set);
  useEffect(() => {
    set({ focusedEpisode: id });
    return () => set({ focusedEpisode: null });
  }, [id, set]);
  if (told.data) return <ToldEpisode told={told.data} />;
  const isMissing = told.error instanceof ApiFault && told.error.status === 404;
  return (
    <>
      <RoomHeader title={t("shell.room.episodes")} />
      <div className={styles["page"]}>
        {told.isError ? (
          <ErrorCard
            error={told.error}
            onRetry={() => void told.refetch()}
            {...(isMissing ? { title: t("episode.missing.title") } : {})}
          />
        ) : (
          <>
            {told.failureCount > 0 ? <p className={styles["starting"]}>{t("episode.start.waiting")}</p> : null}
            <Skeleton rows={6} />
          </>
        )}
      </div>
    </>
  );
}

function ToldEpisode({ told: { episode, story } }: { readonly told: Told }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const tab = search.tab ?? "story";
  return (
    <>
      <RoomHeader title={plainLine(episode.title)} status={<StatusMark status={episode.status} />}>
        <EpisodeActions episode={episode} />
      </RoomHeader>
      <div className={styles["page"]}>
        <Meta episode={episode} />
        <Tabs
          label={t("episode.tabs.label")}
          value={tab}
          onChange={(next) =>
            void navigate({ search: next === "story" ? {} : ({ tab: next } satisfies EpisodeSearch) })
          }
          tabs={[
            { value: "story", label: t("episode.tab.story") },
            { value: "events", label: t("episode.tab.events"), count: story.length },
            { value: "raw", label: t("episode.tab.raw") },
          ]}
        >
          {tab === "story" ? <StoryTab episode={episode} story={story} /> : null}
          {tab === "events" ? <StoryEvents story={story} /> : null}
          {tab === "raw" ? <Raw told={{ episode, story }} /> : null}
        </Tabs>
      </div>
    </>
  );
}

function StoryTab({ episode, story }: Told) {
  return (
    <>
      <Story episode={episode} story={story} />
      {episode.outcome ? <Outcome episode={episode} story={story} /> : null}
    </>
  );
}

function Outcome({ episode, story }: Told) {
  const last = story.findLast((line) => line.kind === "agents.run.finished")?.data as
    | { notDone?: readonly string[] }
    | undefined;
  const notDone = last?.notDone ?? [];
  return (
    <section className={styles["outcome"]} aria-label={t("episode.outcome.title")}>
      <h2>{t("episode.outcome.title")}</h2>
      <p>{plainLine(episode.outcome ?? "")}</p>
      {notDone.length > 0 ? (
        <>
          <h3>{t("episode.outcome.notdone")}</h3>
          <ul className={styles["notDone"]}>
            {notDone.map((text) => (
              <li key={text}>{plainLine(text)}</li>
            ))}
          </ul>
        </>
      ) : null}
    </section>
  );
}

function EpisodeActions({ episode }: { readonly episode: Episode }) {
  const { client } = useHub();
  const act = useMutation({
    mutationFn: (verb: "stop" | "resume") => api[verb](episode.id),
    onSettled: () => client.invalidateQueries({ queryKey: keys.episode(episode.id) }),
  });
  const isOpen = episode.status === "running" || episode.status === "waiting";
  return (
    <>
      {act.isError ? (
        <span role="alert" className={styles["fault"]}>
          {plainLine(act.error.message)}
        </span>
      ) : null}
      {episode.waitingApprovalIds.length + episode.waitingQuestionIds.length > 0 ? (
        <Button onClick={focusQuestion}>{t("episode.action.answer")}</Button>
      ) : null}
      {isOpen ? (
        <Button disabled={act.isPending} onClick={() => act.mutate("stop")}>
          {t("episode.action.stop")}
        </Button>
      ) : null}
      {episode.status === "interrupted" ? (
        <Button look="primary" disabled={act.isPending} onClick={() => act.mutate("resume")}>
          {t("episode.action.resume")}
        </Button>
      ) : null}
      <RecordLinks episode={episode} />
      <CopyButton text={episode.id} label={t("episode.action.id")} />
    </>
  );
}

/** A new question never takes the focus; this takes the reader to it. */
function focusQuestion(): void {
  const card = document.querySelector<HTMLElement>("main :is([data-approval], [data-question])");
  card?.focus({ preventScroll: true });
  card?.scrollIntoView({ block: "nearest" });
}

function Meta({ episode }: { readonly episode: Episode }) {
  const { counts } = episode;
  return (
    <ul className={styles["meta"]}>
      <li>{t("episode.meta.agent", { agent: plainLine(episode.agent) })}</li>
      <li>
        {episode.model === "none"
          ? t("episode.meta.nomodel")
          : t("episode.meta.model", { model: plainLine(episode.model) })}
      </li>
      <li>
        <When timeMs={episode.startedAtMs} />
      </li>
      <li>{t("episodes.row.took", { duration: formatDuration(episode.durationMs) })}</li>
      <li>{t("episodes.row.events", { count: counts.events })}</li>
      {counts.approvals > 0 ? <li>{t("episode.meta.approvals", { count: counts.approvals })}</li> : null}
      {episode.refusals > 0 ? (
        <li className={styles["bad"]}>{t("episodes.row.refusals", { count: episode.refusals })}</li>
      ) : null}
      {episode.errors > 0 ? (
        <li className={styles["bad"]}>{t("episodes.row.errors", { count: episode.errors })}</li>
      ) : null}
      {episode.folder ? (
        <li>
          <code>{plainLine(episode.folder)}</code>
        </li>
      ) : null}
    </ul>
  );
}

function Raw({ told }: { readonly told: Told }) {
  return (
    <section className={styles["raw"]} aria-label={t("episode.raw.label")}>
      <CopyButton label={t("copy.button.json")} text={JSON.stringify(told, null, 2)} />
      <JsonView value={told} />
    </section>
  );
}
