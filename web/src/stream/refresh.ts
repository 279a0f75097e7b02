/** Turns events into "read this again": lists and episodes are refetched when an event touches them, at most 4 times a second. */
import type { QueryClient, QueryKey } from "@tanstack/react-query";
import type { HubEvent } from "../shapes.ts";
import type { EventStore } from "./event-store.ts";

const intervalMs = 250;

export const keys = {
  episodes: ["episodes"] as const,
  episode: (id: string) => ["episode", id] as const,
  approvals: ["approvals"] as const,
  whoami: ["whoami"] as const,
  journal: ["journal"] as const,
  stats: ["stats"] as const,
  halt: ["halt"] as const,
  rules: ["rules"] as const,
  budgets: ["budgets"] as const,
  tokens: ["tokens"] as const,
  egress: ["egress"] as const,
  leases: ["leases"] as const,
  /** Signed rules of others. */
  capsules: ["capsules"] as const,
  /** Recorded runs. */
  runs: ["runs"] as const,
  /** One of them: its record never changes. */
  run: (id: string) => ["run", id] as const,
  mcp: ["mcp"] as const,
  chat: ["chat"] as const,
  questions: ["questions"] as const,
  schedules: ["schedules"] as const,
  projects: ["projects"] as const,
  models: ["models"] as const,
};

const episodeFamilies = new Set(["agents", "observations", "beliefs", "intents", "actions", "approvals"]);

/** Families whose every event may change the same queries. */
const roomFamilies: Readonly<Record<string, readonly QueryKey[]>> = {
  halt: [keys.halt],
  policy: [keys.rules],
  gating: [keys.rules],
  hierarchy: [keys.rules],
  budgets: [keys.budgets],
  access: [keys.tokens],
  // Open hosts are leases, too.
  egress: [keys.egress, keys.leases],
  leases: [keys.leases],
  provenance: [keys.capsules],
  capsules: [keys.runs],
  undo: [keys.runs],
  mcp: [keys.mcp],
  chat: [keys.chat],
  questions: [keys.questions],
  schedules: [keys.schedules],
  projects: [keys.projects],
};

const modelChange = /^models\.(?:server|role)\./u;

/** The queries whose answer an event may have changed. */
export function touched(event: HubEvent): readonly QueryKey[] {
  if (event.kind === "service.started" || event.kind === "bus.gap")
    return [["episodes"], ["episode"], ["approvals"], keys.models, ...new Set(Object.values(roomFamilies).flat())];
  // Who waits for work on a capsule reads how far it is; nothing has changed yet.
  if (event.kind === "capsules.progress") return [];
  const family = event.kind.slice(0, event.kind.indexOf("."));
  // What a model was asked and said changes nothing of what there is to ask.
  if (family === "models") return modelChange.test(event.kind) ? [keys.models] : [];
  const room = roomFamilies[family];
  if (room) return room;
  if (!episodeFamilies.has(family)) return family === "task" ? [keys.episode(event.corrId)] : [];
  const both = [keys.episodes, keys.episode(event.corrId)];
  // What a run comes to is the answer of a conversation.
  if (family === "agents" && event.kind !== "agents.run.progress") return [...both, keys.chat];
  return family === "approvals" ? [...both, keys.approvals] : both;
}

/** Keeps the queries in step with the store. A query that is being fetched is asked again after it, never cancelled midway. */
export function keepFresh(
  store: EventStore,
  client: QueryClient,
  after: (delayMs: number, run: () => void) => void,
): () => void {
  const dirty = new Map<string, QueryKey>();
  let next = 0;
  let epoch = store.ring.epoch;
  let isScheduled = false;

  const flush = (): void => {
    isScheduled = false;
    for (const [hash, queryKey] of dirty) {
      if (client.isFetching({ queryKey }) > 0) continue;
      dirty.delete(hash);
      void client.invalidateQueries({ queryKey });
    }
    schedule();
  };
  const schedule = (): void => {
    if (isScheduled || dirty.size === 0) return;
    isScheduled = true;
    after(intervalMs, flush);
  };

  return store.subscribe(() => {
    if (epoch !== store.ring.epoch) next = 0;
    epoch = store.ring.epoch;
    for (let position = Math.max(next, store.ring.start); position < store.ring.end; position += 1) {
      const event = store.ring.at(position);
      for (const key of event ? touched(event) : []) dirty.set(key.join(" "), key);
    }
    next = store.ring.end;
    schedule();
  });
}
