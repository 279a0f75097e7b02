import { Link } from "@tanstack/react-router";
import { StatusMark } from "../../parts/marks.tsx";
import { When } from "../../parts/when.tsx";
import type { Episode } from "../../shapes.ts";
import { formatDuration } from "../../text/formats.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import styles from "./episode-row.module.css";

/** One episode of a list. The whole row is the link. */
export function EpisodeRow({ episode }: { readonly episode: Episode }) {
  return (
    <li>
      <Link
        to="/episodes/$id"
        params={{ id: episode.id }}
        className={styles["row"]}
        data-thing="episode"
        data-episode={episode.id}
        data-copy={episode.id}
        preload="intent"
      >
        <span className={styles["status"]}>
          <StatusMark status={episode.status} />
        </span>
        <span className={styles["title"]}>{plainLine(episode.title)}</span>
        <span className={styles["facts"]}>
          {episode.errors > 0 ? (
            <span className={styles["bad"]}>{t("episodes.row.errors", { count: episode.errors })}</span>
          ) : null}
          {episode.refusals > 0 ? (
            <span className={styles["bad"]}>{t("episodes.row.refusals", { count: episode.refusals })}</span>
          ) : null}
          <span>{t("episodes.row.events", { count: episode.counts.events })}</span>
          <span>{formatDuration(episode.durationMs)}</span>
          <span className={styles["when"]}>
            <When timeMs={episode.startedAtMs} />
          </span>
        </span>
      </Link>
    </li>
  );
}
