import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { connectionsSearch, connectionViews } from "../../filters.ts";
import styles from "../../parts/page.module.css";
import { Tabs } from "../../parts/tabs.tsx";
import { RoomHeader } from "../../shell/room-header.tsx";
import { keys } from "../../stream/refresh.ts";
import { AgentsView } from "./agents-view.tsx";
import { connectionsApi } from "./connections-api.ts";
import { n } from "./connections-messages.ts";
import { ModelsView } from "./models-view.tsx";
import { ServersView } from "./servers-view.tsx";

const route = getRouteApi("/connections");
const views = ["agents", ...connectionViews] as const;

/** Who is attached, and what they reach. */
export function ConnectionsPage() {
  const { view = "agents" } = route.useSearch();
  const navigate = route.useNavigate();
  const held = useHeld();
  return (
    <>
      <RoomHeader title={n("connect.title.text")} />
      <div className={styles["views"]}>
        <Tabs
          label={n("connect.view.label")}
          value={view}
          onChange={(next) => void navigate({ search: connectionsSearch({ view: next }) })}
          tabs={views.map((value) => ({
            value,
            label: n(`connect.view.${value}`),
            ...(value === "servers" && held > 0 ? { count: held } : {}),
          }))}
        >
          <div className={styles["page"]}>
            {view === "agents" ? <AgentsView /> : null}
            {view === "servers" ? <ServersView /> : null}
            {view === "models" ? <ModelsView /> : null}
          </div>
        </Tabs>
      </div>
    </>
  );
}

/** Tools that a person must look at before anybody calls them. */
function useHeld(): number {
  const list = useQuery({ queryKey: [...keys.mcp, "tools"], queryFn: ({ signal }) => connectionsApi.tools(signal) });
  return list.data?.tools.filter(({ status }) => status === "changed").length ?? 0;
}
