import { getRouteApi } from "@tanstack/react-router";
import { eventViews } from "../../filters.ts";
import { Tabs } from "../../parts/tabs.tsx";
import { RoomHeader } from "../../shell/room-header.tsx";
import { ConsumersView } from "./consumers-view.tsx";
import { CountersView } from "./counters-view.tsx";
import { type EventsKey, v } from "./events-messages.ts";
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
      <RoomHeader title={v("events.title.text")}>
        <a className={styles["metrics"]} href="/metrics" target="_blank" rel="noreferrer">
          {v("events.link.metrics")}
        </a>
      </RoomHeader>
      <div className={styles["views"]}>
        <Tabs
          isFilling
          label={v("events.view.label")}
          value={view}
          onChange={(next) =>
            void navigate({
              search: { ...(prefix ? { prefix } : {}), ...(next === "live" ? {} : { view: next }) },
            })
          }
          tabs={views.map((value) => ({ value, label: v(`events.view.${value}` satisfies EventsKey) }))}
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
