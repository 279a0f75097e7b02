import { Link } from "@tanstack/react-router";
import { CircleDashedIcon, CloudOffIcon, LockIcon, RadioIcon } from "lucide-react";
import { useNow, useStream } from "../hub-context.ts";
import type { Phase } from "../stream/event-store.ts";
import { formatWhen } from "../text/formats.ts";
import { t } from "../text/messages.ts";
import styles from "./status-bar.module.css";
import { useNeeds, useReach, useRunning } from "./use-now.ts";

const glyphs = { connecting: CircleDashedIcon, live: RadioIcon, reconnecting: CloudOffIcon, locked: LockIcon } as const;
/** A reconnect that takes less is not worth a colour. */
const amberMs = 2_000;

export function StatusBar() {
  const store = useStream();
  const now = useNow();
  const running = useRunning();
  const waiting = useNeeds().count;
  const { phase, sinceMs } = store.status();
  const lastMs = store.lastArrivalMs();
  return (
    <footer className={styles["status"]} data-region="status" tabIndex={-1} aria-label={t("status.bar.label")}>
      <Link to="/events" className={styles["item"]}>
        <Connection phase={phase} isAmber={phase === "reconnecting" && now - sinceMs > amberMs} />
      </Link>
      <span className={`${styles["item"]} ${styles["wide"]}`}>
        {lastMs === 0
          ? t("status.last.none")
          : t("status.last.event", { ago: formatWhen(lastMs, Math.max(now, lastMs)) })}
      </span>
      <Link to="/episodes" search={{ status: "running" }} className={styles["item"]}>
        {t("status.episodes.running", { count: running.length })}
      </Link>
      {waiting > 0 ? (
        <Link to="/" className={`${styles["item"]} ${styles["warn"]}`}>
          {t("status.approvals.waiting", { count: waiting })}
        </Link>
      ) : null}
      <ReachLink />
    </footer>
  );
}

/** Copper as soon as anything may leave this machine. */
function ReachLink() {
  const reach = useReach();
  const isOpen = reach !== undefined && reach.posture.posture !== "closed";
  const count = reach?.leases.length ?? 0;
  const look = isOpen || count > 0 ? styles["outside"] : "";
  return (
    <Link
      to="/policy"
      search={{ view: "outside" }}
      className={`${styles["item"]} ${styles["end"]} ${look}`}
      title={t("status.reach.title")}
    >
      {isOpen ? t("status.reach.open") : count > 0 ? t("status.reach.outside", { count }) : t("status.reach.local")}
    </Link>
  );
}

function Connection({ phase, isAmber }: { readonly phase: Phase; readonly isAmber: boolean }) {
  const Glyph = glyphs[phase];
  const tone = isAmber ? styles["warn"] : phase === "live" ? styles["ok"] : styles["calm"];
  return (
    <span className={`${styles["phase"]} ${tone}`} data-phase={phase}>
      <Glyph size={12} aria-hidden />
      {t(`status.phase.${phase}`)}
    </span>
  );
}
