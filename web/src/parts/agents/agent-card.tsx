import { useQuery } from "@tanstack/react-query";
import { api } from "../../api.ts";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { ErrorCard } from "../error-card.tsx";
import { Skeleton } from "../skeleton.tsx";
import styles from "./agent-tools.module.css";
import { AgentNeeds, AgentTools } from "./agent-tools.tsx";

/** One agent with all that it may call, for whoever is about to start it. */
export function AgentCard({ agent }: { readonly agent: string }) {
  const shown = useQuery({
    queryKey: [...keys.episodes, "agents", agent],
    queryFn: ({ signal }) => api.agent(agent, signal),
  });
  if (shown.isError) return <ErrorCard error={shown.error} onRetry={() => void shown.refetch()} />;
  if (!shown.data) return <Skeleton rows={4} />;
  return (
    <div className={styles["card"]}>
      <p>{plainLine(shown.data.about)}</p>
      <AgentNeeds agent={shown.data} />
      <AgentTools agent={shown.data} />
    </div>
  );
}
