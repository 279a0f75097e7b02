import { getRouteApi } from "@tanstack/react-router";
import { eventViews } from "../../filters.ts";
import { Tabs } from "../../parts/tabs.tsx";
import { RoomHeader } from "../../shell/room-header.tsx";
import { type MessageKey, t } from "../../text/messages.ts";
import { ConsumersView } from "./consumers-view.tsx";
import { CountersView } from "./counters-view.tsx";
import styles from "./events-page.module.css";
import { JournalView } from "./journal-view.tsx";
import { LiveView } from "./live-view.tsx";

const route = getRouteApi("/events");
const views = ["live", ...eventViews] as const;

export function EventsPage() {
  const { view = "live", prefix } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <RoomHeader title={t("events.title.text")}>
        <a className={styles["metrics"]} href="/metrics" target="_blank" rel="noreferrer">
          {t("events.link.metrics")}
        </a>
      </RoomHeader>
      <div className={styles["views"]}>
        <Tabs
          isFilling
          label={t("events.view.label")}
          value={view}
          onChange={(next) =>
            void navigate({
              search: { ...(prefix ? { prefix } : {}), ...(next === "live" ? {} : { view: next }) },
            })
          }
          tabs={views.map((value) => ({ value, label: t(`events.view.${value}` satisfies MessageKey) }))}
        >
          {view === "live" ? <LiveView /> : null}
          {view === "journal" ? <JournalView /> : null}
          {view === "consumers" ? <ConsumersView /> : null}
          {view === "counters" ? <CountersView /> : null}
        </Tabs>
      </div>
    </>
  );
}
