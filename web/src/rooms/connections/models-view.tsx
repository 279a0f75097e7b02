import { useMutation, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { CheckIcon, CloudOffIcon } from "lucide-react";
import { useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { LoadedList, Section } from "../../parts/list-section.tsx";
import marks from "../../parts/marks.module.css";
import styles from "../../parts/page.module.css";
import { keys } from "../../stream/refresh.ts";
import { formatNumber } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import { CommandLine } from "./command-line.tsx";
import { connectionsApi, type Models, type ModelServer } from "./connections-api.ts";
import { n } from "./connections-messages.ts";

/** What can be asked: the servers that a person named, which of them answer, and what the roles stand for. */
export function ModelsView() {
  const servers = useQuery({
    queryKey: [...keys.models, "servers"],
    queryFn: ({ signal }) => connectionsApi.modelServers(signal),
  });
  const models = useQuery({
    queryKey: [...keys.models, "list"],
    queryFn: ({ signal }) => connectionsApi.models(signal),
  });
  const [removed, setRemoved] = useState<ModelServer | null>(null);
  const rows = servers.data?.servers ?? [];
  return (
    <>
      <Section
        title={n("llm.list.title")}
        lead={n("llm.list.lead")}
        tools={
          rows.length > 0 ? (
            <Button disabled={models.isFetching} onClick={() => void models.refetch()}>
              {n("llm.ask.action")}
            </Button>
          ) : null
        }
      >
        {models.isError ? <ErrorCard error={models.error} onRetry={() => void models.refetch()} /> : null}
        <LoadedList
          label={n("llm.list.title")}
          loading={servers}
          rows={rows}
          empty={<EmptyState line={n("llm.empty.title")} why={n("llm.empty.why")} />}
          bones={2}
        >
          {(row) => <ServerItem key={row.server} row={row} models={models} onRemove={() => setRemoved(row)} />}
        </LoadedList>
      </Section>
      <Roles roles={models.data?.roles} />
      <Find />
      {removed ? <RemoveDialog server={removed.server} onClose={() => setRemoved(null)} /> : null}
    </>
  );
}

interface ServerItemProps {
  readonly row: ModelServer;
  readonly models: UseQueryResult<Models>;
  readonly onRemove: () => void;
}

function ServerItem({ row: { server, kind, isLocal, secret }, models, onRemove }: ServerItemProps) {
  const own = models.data?.models.filter((each) => each.server === server) ?? [];
  const silent = models.data?.silent.find((each) => each.server === server);
  return (
    <li data-thing="server" data-copy={server} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{plainLine(server)}</span>
        <Standing silent={silent !== undefined} count={models.data ? own.length : null} />
        <span>{isLocal ? n("llm.row.local") : n("llm.row.outside")}</span>
        <span className={styles["quiet"]}>{kind}</span>
        <span className={styles["source"]}>
          <Button look="quiet" aria-label={n("llm.row.label", { server: plainLine(server) })} onClick={onRemove}>
            {n("llm.row.remove")}
          </Button>
        </span>
      </div>
      {silent ? <p>{plainLine(silent.reason)}</p> : null}
      {secret === undefined ? null : <p className={styles["quiet"]}>{n("llm.row.key", { name: plainLine(secret) })}</p>}
      {own.length > 0 ? (
        <details className={styles["fold"]}>
          <summary>{n("llm.row.models", { count: own.length })}</summary>
          <ul>
            {own.map(({ model, contextTokens, isScripted }) => (
              <li key={model} className={styles["row"]}>
                <code>{plainLine(model)}</code>
                {contextTokens === null ? null : (
                  <span className={styles["quiet"]}>
                    {n("llm.row.context", { tokens: formatNumber(contextTokens) })}
                  </span>
                )}
                {isScripted ? <span className={styles["quiet"]}>{n("llm.row.scripted")}</span> : null}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </li>
  );
}

function Standing({ silent, count }: { readonly silent: boolean; readonly count: number | null }) {
  if (count === null) return <span className={styles["quiet"]}>{n("llm.row.unknown")}</span>;
  const Icon = silent ? CloudOffIcon : CheckIcon;
  return (
    <span className={`${marks["mark"]} ${marks[silent ? "warn" : "ok"]}`}>
      <Icon size={14} aria-hidden />
      {silent ? n("llm.row.silent") : n("llm.row.answers", { count })}
    </span>
  );
}

function Roles({ roles }: { readonly roles: Models["roles"] | undefined }) {
  return (
    <Section title={n("llm.roles.title")} lead={n("llm.roles.lead")}>
      {roles?.length === 0 ? (
        <>
          <p className={styles["quiet"]}>{n("llm.roles.empty")}</p>
          <CommandLine command="arw models role chat SERVER/MODEL" />
        </>
      ) : null}
      {roles && roles.length > 0 ? (
        <ul className={styles["list"]} aria-label={n("llm.roles.title")}>
          {roles.map(({ role, models, mayLeave }) => (
            <li key={role}>
              <div className={styles["row"]}>
                <span className={styles["name"]}>{role}</span>
                {models.map((model, index) => (
                  <span key={model} className={styles["row"]}>
                    {index > 0 ? n("llm.roles.then") : null} <code>{plainLine(model)}</code>
                  </span>
                ))}
                <span className={styles["quiet"]}>{mayLeave ? n("llm.roles.leave") : n("llm.roles.local")}</span>
              </div>
            </li>
          ))}
        </ul>
      ) : null}
    </Section>
  );
}

/** Probes only on a press: nobody is asked anything by looking at this room. */
function Find() {
  const look = useMutation({ mutationFn: () => connectionsApi.discover() });
  const { servers = [], keys: found = [] } = look.data ?? {};
  return (
    <section className={styles["card"]} aria-labelledby="connect-find">
      <h2 id="connect-find">{n("llm.find.title")}</h2>
      <p className={styles["lead"]}>{n("llm.find.lead")}</p>
      {look.isError ? <ErrorCard error={look.error} /> : null}
      <div className={styles["actions"]}>
        <Button disabled={look.isPending} onClick={() => look.mutate()}>
          {n("llm.find.action")}
        </Button>
      </div>
      <div aria-live="polite" className={styles["section"]}>
        {look.data && servers.length + found.length === 0 ? (
          <>
            <p>{n("llm.find.none")}</p>
            <CommandLine command="arw models add SERVER" />
          </>
        ) : null}
        {servers.map(({ server, kind, isAdded, next }) => (
          <div key={server}>
            <p className={styles["row"]}>
              <span className={styles["name"]}>{plainLine(server)}</span>
              <span className={styles["quiet"]}>{kind}</span>
              {isAdded ? <span>{n("llm.find.added")}</span> : null}
            </p>
            {isAdded ? null : <CommandLine command={next} />}
          </div>
        ))}
        {found.map(({ variable, server, next }) => (
          <div key={variable}>
            <p>{n("llm.find.key", { variable: plainLine(variable), server: plainLine(server) })}</p>
            {next.map((command) => (
              <CommandLine key={command} command={command} />
            ))}
          </div>
        ))}
      </div>
    </section>
  );
}

function RemoveDialog({ server, onClose }: { readonly server: string; readonly onClose: () => void }) {
  const { client } = useHub();
  const change = useMutation({
    mutationFn: () => connectionsApi.removeModelServer(server),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: keys.models });
    },
  });
  return (
    <ConfirmDialog
      title={n("llm.remove.title", { server: plainLine(server) })}
      action={n("llm.remove.action")}
      keep={n("llm.remove.keep")}
      asking={change}
      onConfirm={() => change.mutate()}
      onClose={onClose}
    >
      <p>{n("llm.remove.body")}</p>
    </ConfirmDialog>
  );
}
