import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { CheckIcon, HandIcon, ShieldIcon, TriangleAlertIcon } from "lucide-react";
import { connectionsSearch } from "../../filters.ts";
import { Button } from "../../parts/button.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import marks from "../../parts/marks.module.css";
import styles from "../../parts/page.module.css";
import { Skeleton } from "../../parts/skeleton.tsx";
import { When } from "../../parts/when.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { CommandLine } from "./command-line.tsx";
import { connectionsApi, type Tool, type WrappedServer } from "./connections-api.ts";
import { n } from "./connections-messages.ts";
import { ToolDetail } from "./tool-detail.tsx";

const route = getRouteApi("/connections");

/** Servers of tools that stand behind the hub, with each tool and whether it is held. */
export function ServersView() {
  const servers = useQuery({
    queryKey: [...keys.mcp, "servers"],
    queryFn: ({ signal }) => connectionsApi.servers(signal),
  });
  const list = useQuery({ queryKey: [...keys.mcp, "tools"], queryFn: ({ signal }) => connectionsApi.tools(signal) });
  const failed = servers.isError ? servers : list.isError ? list : null;
  const rows = servers.data?.items ?? [];
  const tools = list.data?.tools ?? [];
  return (
    <>
      <p className={styles["lead"]}>{n("servers.list.lead")}</p>
      {failed ? <ErrorCard error={failed.error} onRetry={() => void failed.refetch()} /> : null}
      {servers.isPending ? <Skeleton rows={3} /> : null}
      {servers.data && rows.length === 0 ? (
        <EmptyState line={n("servers.empty.title")} why={n("servers.empty.why")}>
          <CommandLine command="arw connect" />
        </EmptyState>
      ) : null}
      {rows.map((row) => (
        <ServerSection key={row.server} row={row} tools={tools.filter(({ server }) => server === row.server)} />
      ))}
    </>
  );
}

function ServerSection({ row, tools }: { readonly row: WrappedServer; readonly tools: readonly Tool[] }) {
  const { server, seenAtMs } = row;
  const attached = useQuery({
    queryKey: [...keys.mcp, "attached"],
    queryFn: ({ signal }) => connectionsApi.attached(signal),
  });
  const open = attached.data?.items.filter((each) => each.server === server).length ?? 0;
  const held = tools.filter(({ status }) => status === "changed").length;
  const id = `server-${server}`;
  return (
    <section className={styles["section"]} aria-labelledby={id}>
      <div className={styles["head"]}>
        <h2 id={id}>{server}</h2>
        <span className={styles["terms"]}>
          <span>{open > 0 ? n("servers.row.open", { count: open }) : n("servers.row.idle")}</span>
          <span>{n("servers.row.tools", { count: tools.length })}</span>
          <span>
            {n("servers.row.seen")} <When timeMs={seenAtMs} />
          </span>
        </span>
      </div>
      {held > 0 ? (
        <p className={`${marks["mark"]} ${marks["warn"]}`}>
          <TriangleAlertIcon size={14} aria-hidden />
          {n("servers.row.held", { count: held })}
        </p>
      ) : null}
      {tools.length > 0 ? (
        <ul className={styles["list"]} aria-label={server}>
          {tools.map((tool) => (
            <ToolItem key={tool.tool} tool={tool} />
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function ToolItem({ tool }: { readonly tool: Tool }) {
  const { server, tool: name, about, isReadOnlyHint } = tool;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const isOpen = search.server === server && search.tool === name;
  const turn = (to: boolean): void =>
    void navigate({ search: connectionsSearch({ view: "servers", ...(to ? { server, tool: name } : {}) }) });
  return (
    <li data-thing="tool" data-copy={`${server}/${name}`} tabIndex={-1}>
      <div className={styles["row"]}>
        <code className={styles["name"]}>{plainLine(name)}</code>
        <ToolMark tool={tool} />
        {isReadOnlyHint ? <span className={styles["quiet"]}>{n("servers.tool.reads")}</span> : null}
        <span className={styles["source"]}>
          <Button
            look="quiet"
            hotkey="Enter"
            aria-expanded={isOpen}
            aria-label={n(isOpen ? "servers.tool.shut" : "servers.tool.label", { tool: plainLine(name) })}
            onClick={() => turn(!isOpen)}
          >
            {isOpen ? n("servers.tool.close") : n("servers.tool.look")}
          </Button>
        </span>
      </div>
      {about === "" || isOpen ? null : <p className={styles["quiet"]}>{plainLine(about)}</p>}
      {isOpen ? <ToolDetail line={tool} /> : null}
    </li>
  );
}

function ToolMark({ tool: { status, isAllowed } }: { readonly tool: Tool }) {
  const [Icon, tone, word] =
    status === "changed"
      ? ([ShieldIcon, "bad", n("servers.tool.held")] as const)
      : isAllowed
        ? ([CheckIcon, "ok", n("servers.tool.allowed")] as const)
        : ([HandIcon, "calm", n("servers.tool.asks")] as const);
  return (
    <span className={`${marks["mark"]} ${marks[tone]}`}>
      <Icon size={14} aria-hidden />
      {word}
    </span>
  );
}
