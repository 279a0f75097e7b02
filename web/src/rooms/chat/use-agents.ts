/** Agents that one can talk to: the one that quotes files, and those of a project. */
import { useQuery } from "@tanstack/react-query";
import { keys } from "../../stream/refresh.ts";
import { chatApi } from "./chat-api.ts";

export interface Talker {
  readonly name: string;
  readonly about: string;
  /** `none` when no model takes part. */
  readonly model: string;
}

/** The one of this hub that answers without a model. */
const quoting = "answers";

export function useAgents(project: string | undefined): readonly Talker[] {
  const own = useQuery({ queryKey: [...keys.episodes, "agents"], queryFn: ({ signal }) => chatApi.agents(signal) });
  const written = useQuery({
    queryKey: [...keys.projects, "agents", project ?? ""],
    queryFn: ({ signal }) => chatApi.profiles(project ?? "", signal),
    enabled: project !== undefined,
    retry: false,
  });
  const quotes = own.data?.agents.find(({ id }) => id === quoting);
  return [
    ...(written.data?.profiles ?? [])
      .filter(({ ok }) => ok)
      .map(({ agent, about, model }) => ({ name: agent, about, model })),
    ...(quotes ? [{ name: quotes.id, about: quotes.about, model: quotes.model }] : []),
  ];
}

/** Who answers in a conversation, as the hub chooses it. */
export function talkerOf(agents: readonly Talker[], named: string | undefined): Talker {
  const ofProject = agents.filter(({ name }) => name !== quoting);
  const name = named ?? (ofProject.length === 1 ? ofProject[0]?.name : undefined) ?? quoting;
  return agents.find((agent) => agent.name === name) ?? { name, about: "", model: name === quoting ? "none" : "" };
}
