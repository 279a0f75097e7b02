import { Link } from "@tanstack/react-router";
import { XIcon } from "lucide-react";
import { IconButton } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy-button.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import type { HubEvent } from "../../shapes.ts";
import { formatExact } from "../../text/formats.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import styles from "./event-detail.module.css";
import { v } from "./events-messages.ts";
import { reasonOf } from "./reason-of.ts";

/** One event down to its JSON. */
export function EventDetail({
  event,
  error,
  onClose,
}: {
  readonly event: HubEvent | undefined;
  /** Why it could not be read. */
  readonly error?: unknown;
  readonly onClose: () => void;
}) {
  return (
    <section className={styles["detail"]} aria-label={v("events.detail.label")} data-layer="detail">
      <header className={styles["head"]}>
        <h2>{event ? plainLine(event.kind) : v("events.detail.label")}</h2>
        <IconButton
          label={v("events.detail.close")}
          icon={<XIcon size={16} aria-hidden />}
          onClick={onClose}
          data-close
        />
      </header>
      {event ? (
        <>
          <p className={styles["when"]}>
            {formatExact(event.timeMs)} ·{" "}
            {event.seq === undefined ? v("events.row.live") : `${v("events.row.seq")} ${event.seq}`}
          </p>
          <div className={styles["actions"]}>
            <CopyButton label={t("copy.button.json")} text={JSON.stringify(event, null, 2)} />
            <Link to="/episodes/$id" params={{ id: event.corrId }}>
              {v("events.detail.episode")}
            </Link>
          </div>
          {event.data === null ? <p className={styles["when"]}>{v("events.detail.dropped")}</p> : null}
          <JsonView value={event} />
        </>
      ) : (
        <p className={styles["when"]}>{error ? reasonOf(error) : v("events.detail.gone")}</p>
      )}
    </section>
  );
}
