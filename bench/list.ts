/** The benchmarks by name, in the order they run. */
import type { Bench } from "./harness/bench.ts";

/** Loaded one at a time, so that what one imports does not weigh on another. */
export const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  bus: async () => (await import("./paths/bus.ts")).benchBus,
  emit: async () => (await import("./paths/emit.ts")).benchEmit,
  queue: async () => (await import("./paths/queue.ts")).benchQueue,
  restart: async () => (await import("./paths/queue.ts")).benchRestart,
};
