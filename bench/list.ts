/** The benchmarks by name, in the order they run. */
import type { Bench } from "./harness/bench.ts";

/** Loaded one at a time, so that what one imports does not weigh on another. */
export const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  bus: async () => (await import("./paths/bus.ts")).benchBus,
  emit: async () => (await import("./paths/emit.ts")).benchEmit,
  http: async () => (await import("./paths/http.ts")).benchHttp,
  streams: async () => (await import("./paths/streams.ts")).benchStreams,
  "streams-stopped": async () => (await import("./paths/streams-stopped.ts")).benchStopped,
  relay: async () => (await import("./paths/relay.ts")).benchRelay,
  gate: async () => (await import("./paths/gate.ts")).benchGate,
  policies: async () => (await import("./paths/policies.ts")).benchPolicies,
  delay: async () => (await import("./paths/delay.ts")).benchDelay,
  queue: async () => (await import("./paths/queue.ts")).benchQueue,
  restart: async () => (await import("./paths/queue.ts")).benchRestart,
  views: async () => (await import("./paths/views.ts")).benchViews,
  start: async () => (await import("./paths/start.ts")).benchStart,
  replay: async () => (await import("./paths/replay.ts")).benchReplay,
  "what-if": async () => (await import("./paths/what-if.ts")).benchWhatIf,
  growth: async () => (await import("./paths/growth.ts")).benchGrowth,
  install: async () => (await import("./paths/start.ts")).benchInstall,
};
