import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api } from "../../api.ts";
import { episodeStatuses, type EpisodesSearch, episodesSearch } from "../../filters.ts";
import { Button } from "../../parts/button.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { useSettledText } from "../../parts/use-settled-text.ts";
import { RoomHeader } from "../../shell/room-header.tsx";
import { keys } from "../../stream/refresh.ts";
import { t } from "../../text/messages.ts";
import { useStartScout } from "../home/use-start.ts";
import { EpisodeRow } from "./episode-row.tsx";
import styles from "./episodes-page.module.css";

const route = getRouteApi("/episodes");

export function EpisodesPage() {
  const search = route.useSearch();
  const pages = useInfiniteQuery({
    queryKey: [...keys.episodes, "list", search],
    queryFn: ({ signal, pageParam }) =>
      api.episodes({ ...search, ...(pageParam ? { cursor: pageParam } : {}) }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor,
    // Rows that stay keep the focus while another filter is asked.
    placeholderData: keepPreviousData,
  });
  const episodes = pages.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <RoomHeader title={t("episodes.title.text")}>
        <Filters search={search} />
      </RoomHeader>
      <div className={styles["page"]}>
        {pages.isError ? <ErrorCard error={pages.error} onRetry={() => void pages.refetch()} /> : null}
        {pages.isPending ? <Skeleton rows={8} /> : null}
        {pages.data && episodes.length === 0 ? <Empty isFiltered={Object.keys(search).length > 0} /> : null}
        {episodes.length > 0 ? (
          <ul className={styles["list"]} aria-label={t("episodes.list.label")}>
            {episodes.map((episode) => (
              <EpisodeRow key={episode.id} episode={episode} />
            ))}
          </ul>
        ) : null}
        {pages.hasNextPage ? (
          <Button disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            {t("episodes.list.more")}
          </Button>
        ) : null}
      </div>
    </>
  );
}

function Filters({ search }: { readonly search: EpisodesSearch }) {
  const navigate = route.useNavigate();
  const change = (next: Readonly<Record<string, unknown>>, isTyping = false): void =>
    void navigate({ search: (now) => episodesSearch({ ...now, ...next }), replace: isTyping });
  const [text, setText] = useSettledText(search.text ?? "", (next) =>
    change({ text: next }, search.text !== undefined),
  );
  return (
    <div className={styles["filters"]} role="search">
      <Field
        label={t("episodes.filter.label")}
        isLabelHidden
        data-filter
        type="search"
        value={text}
        placeholder={t("episodes.filter.placeholder")}
        onChange={(event) => setText(event.target.value)}
      />
      <select
        aria-label={t("episodes.filter.status")}
        className={styles["select"]}
        value={search.status ?? ""}
        onChange={(event) => change({ status: event.target.value })}
      >
        <option value="">{t("episodes.filter.any")}</option>
        {episodeStatuses.map((status) => (
          <option key={status} value={status}>
            {t(`episodes.status.${status}`)}
          </option>
        ))}
      </select>
      <label className={styles["check"]}>
        <input
          type="checkbox"
          checked={search.errorsOnly ?? false}
          onChange={(event) => change({ errorsOnly: event.target.checked })}
        />
        {t("episodes.filter.errors")}
      </label>
    </div>
  );
}

function Empty({ isFiltered }: { readonly isFiltered: boolean }) {
  const navigate = route.useNavigate();
  const start = useStartScout();
  if (isFiltered) {
    return (
      <EmptyState line={t("episodes.empty.filtered")}>
        <Button look="primary" onClick={() => void navigate({ search: {} })}>
          {t("episodes.filter.clear")}
        </Button>
      </EmptyState>
    );
  }
  return (
    <EmptyState line={t("episodes.empty.title")} why={t("episodes.empty.why")}>
      <Button look="primary" disabled={start.isPending} onClick={() => start.mutate()}>
        {t("episodes.empty.action")}
      </Button>
      {start.isError ? <ErrorCard error={start.error} /> : null}
    </EmptyState>
  );
}
