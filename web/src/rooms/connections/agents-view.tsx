import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import { g } from "../../parts/agents/agent-messages.ts";
import { AgentNeeds, AgentTools } from "../../parts/agents/agent-tools.tsx";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { ListSection, LoadedList, Section } from "../../parts/list-section.tsx";
import styles from "../../parts/page.module.css";
import { When } from "../../parts/when.tsx";
import type { AgentManifest } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { CommandLine } from "./command-line.tsx";
import { type Attached, connectionsApi } from "./connections-api.ts";
import { n } from "./connections-messages.ts";

/** The agents of this hub, those of others, and how to attach one more. */
export function AgentsView() {
  return (
    <>
      <AttachedAgents />
      <OwnAgents />
      <Tokens />
      <HowToConnect />
    </>
  );
}

function AttachedAgents() {
  const list = useQuery({
    queryKey: [...keys.mcp, "attached"],
    queryFn: ({ signal }) => connectionsApi.attached(signal),
  });
  const attached = list.data?.items ?? [];
  return (
    <ListSection
      title={n("connect.attached.title")}
      lead={n("connect.attached.lead")}
      loading={list}
      rows={attached}
      empty={n("connect.attached.empty")}
      bones={2}
    >
      {(each) => <AttachedItem key={each.session} attached={each} />}
    </ListSection>
  );
}

function AttachedItem({
  attached: { session, agent, server, openedAtMs, asksInClient },
}: {
  readonly attached: Attached;
}) {
  const { client } = useHub();
  const stop = useMutation({
    mutationFn: () => api.stop(session),
    onSettled: () => client.invalidateQueries({ queryKey: keys.mcp }),
  });
  return (
    <li data-thing="attached" data-copy={session} data-episode={session} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{plainLine(agent)}</span>
        <span>{n("connect.attached.server", { server })}</span>
        {asksInClient ? <span className={styles["quiet"]}>{n("connect.attached.asks")}</span> : null}
        <When timeMs={openedAtMs} />
        <span className={styles["source"]}>
          <Button
            look="quiet"
            disabled={stop.isPending}
            aria-label={n("connect.attached.label", { agent: plainLine(agent), server })}
            onClick={() => stop.mutate()}
          >
            {n("connect.attached.stop")}
          </Button>
        </span>
      </div>
      {stop.isError ? <ErrorCard error={stop.error} /> : null}
      <Link to="/episodes/$id" params={{ id: session }} className={styles["link"]} data-hotkey="Enter">
        {n("connect.attached.episode")}
      </Link>
    </li>
  );
}

function OwnAgents() {
  const list = useQuery({
    queryKey: [...keys.episodes, "agents"],
    queryFn: ({ signal }) => connectionsApi.agents(signal),
  });
  const agents = list.data?.agents ?? [];
  return (
    <ListSection title={n("connect.own.title")} loading={list} rows={agents}>
      {(agent) => <OwnAgent key={agent.id} agent={agent} />}
    </ListSection>
  );
}

function OwnAgent({ agent }: { readonly agent: AgentManifest }) {
  const { id, about, model, isNew, tools } = agent;
  return (
    <li data-thing="agent" data-copy={id} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{plainLine(id)}</span>
        <span>{model === "none" ? g("agents.row.nomodel") : g("agents.row.model", { model: plainLine(model) })}</span>
        {isNew ? <span className={styles["quiet"]}>{g("agents.row.new")}</span> : null}
      </div>
      <p>{plainLine(about)}</p>
      <AgentNeeds agent={agent} />
      <details className={styles["fold"]}>
        <summary>{g("agents.row.tools", { count: tools.length })}</summary>
        <AgentTools agent={agent} />
      </details>
    </li>
  );
}

function Tokens() {
  const list = useQuery({ queryKey: keys.tokens, queryFn: ({ signal }) => connectionsApi.tokens(signal) });
  const tokens = list.data?.tokens ?? [];
  return (
    <Section title={n("connect.tokens.title")}>
      <LoadedList
        label={n("connect.tokens.title")}
        loading={list}
        rows={tokens}
        empty={n("connect.tokens.empty")}
        bones={1}
      >
        {({ name, role, key }) => (
          <li key={name}>
            <div className={styles["row"]}>
              <span className={styles["name"]}>{plainLine(name)}</span>
              <span>{role}</span>
              <span className={styles["quiet"]}>{n("connect.tokens.reach")}</span>
              {key.map((pattern) => (
                <code key={pattern}>{pattern}</code>
              ))}
            </div>
          </li>
        )}
      </LoadedList>
      <Link to="/policy" search={{ view: "tokens" }} className={styles["link"]}>
        {n("connect.tokens.manage")}
      </Link>
    </Section>
  );
}

/** Words for a terminal: no page can change the files of other programs. */
function HowToConnect() {
  return (
    <section className={styles["card"]} aria-labelledby="connect-how">
      <h2 id="connect-how">{n("connect.how.title")}</h2>
      <CommandLine command="arw connect" />
      <p className={styles["lead"]}>{n("connect.how.lead")}</p>
      <p className={styles["quiet"]}>{n("connect.how.undo")}</p>
      <CommandLine command="arw connect --undo" />
      <p className={styles["quiet"]}>{n("connect.how.hand")}</p>
      <CommandLine command="arw mcp wrap --agent NAME --name SERVER -- COMMAND" />
      <p className={styles["quiet"]}>{n("connect.how.model")}</p>
      <CommandLine command={`${location.origin}/v1`} />
    </section>
  );
}
