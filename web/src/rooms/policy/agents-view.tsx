import { useMutation, useQuery } from "@tanstack/react-query";
import { TriangleAlertIcon } from "lucide-react";
import { useHub } from "../../hub-context.ts";
import { AgentNeeds, AgentTools } from "../../parts/agents/agent-tools.tsx";
import { g } from "../../parts/agents/agent-messages.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { ListSection } from "../../parts/list-section.tsx";
import marks from "../../parts/marks.module.css";
import type { AgentManifest } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { DeclassifiedLedger } from "./declassified-ledger.tsx";
import { policyApi } from "./policy-api.ts";
import styles from "../../parts/page.module.css";

/** What agents declare that they call, and what persons let them act on. */
export function AgentsView() {
  return (
    <>
      <Agents />
      <DeclassifiedLedger />
    </>
  );
}

function Agents() {
  const list = useQuery({ queryKey: [...keys.episodes, "agents"], queryFn: ({ signal }) => policyApi.agents(signal) });
  const agents = list.data?.agents ?? [];
  return (
    <ListSection
      title={g("agents.list.label")}
      lead={g("agents.list.lead")}
      loading={list}
      rows={agents}
      empty={g("agents.list.empty")}
    >
      {(agent) => <AgentItem key={agent.id} agent={agent} />}
    </ListSection>
  );
}

function AgentItem({ agent }: { readonly agent: AgentManifest }) {
  const { id, about, model, isNew, addedTools, tools } = agent;
  const isGrown = !isNew && addedTools.length > 0;
  return (
    <li data-thing="agent" data-copy={id} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{plainLine(id)}</span>
        <span>{model === "none" ? g("agents.row.nomodel") : g("agents.row.model", { model: plainLine(model) })}</span>
        {isNew ? <span className={styles["quiet"]}>{g("agents.row.new")}</span> : null}
        {isGrown ? (
          <span className={`${marks["mark"]} ${marks["warn"]}`}>
            <TriangleAlertIcon size={14} aria-hidden />
            {g("agents.row.grown", { count: addedTools.length })}
          </span>
        ) : null}
      </div>
      <p>{plainLine(about)}</p>
      {isGrown ? <Accept agent={id} added={addedTools} /> : null}
      <AgentNeeds agent={agent} />
      <details className={styles["fold"]}>
        <summary>{g("agents.row.tools", { count: tools.length })}</summary>
        <AgentTools agent={agent} />
      </details>
    </li>
  );
}

/** Exactly the tools that were shown: a list that grew meanwhile is not accepted with them. */
function Accept({ agent, added }: { readonly agent: string; readonly added: readonly string[] }) {
  const { client } = useHub();
  const accept = useMutation({
    mutationFn: () => policyApi.acceptTools(agent, added),
    onSettled: () => client.invalidateQueries({ queryKey: keys.episodes }),
  });
  return (
    <>
      <p>{g("agents.accept.why")}</p>
      {accept.isError ? <ErrorCard error={accept.error} /> : null}
      <div className={styles["actions"]}>
        <Button
          disabled={accept.isPending}
          aria-label={g("agents.accept.label", { agent: plainLine(agent) })}
          onClick={() => accept.mutate()}
        >
          {g("agents.accept.action")}
        </Button>
      </div>
    </>
  );
}
