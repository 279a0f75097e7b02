/** The hub as the stream benchmarks meet it: events, the HTTP surface and nothing beside them. */
import { createMemoryBlobs } from "../../src/adapters/files/memory-blobs.ts";
import { createMemoryStore } from "../../src/adapters/memory/store.ts";
import { createSystemChance, systemClock } from "../../src/adapters/system/clock.ts";
import { createRedactor } from "../../src/base/redact.ts";
import { event } from "../../src/contract/event.ts";
import { Type } from "../../src/contract/schema.ts";
import { endedTasks, openTasks, taskEvents } from "../../src/contract/task.ts";
import { createEvents } from "../../src/domains/events/service.ts";
import { createKernel } from "../../src/kernel/create-kernel.ts";
import type { HttpLimits } from "../../src/surfaces/http/limits.ts";
import type { BenchOptions } from "../harness/bench.ts";
import { openDoor } from "../harness/door.ts";
import { openPorts } from "../harness/open-ports.ts";

const limitBytes = 1e9;
const Sampled = event({ kind: "bench.sampled", isDurable: false, about: "A sample.", data: Type.Unknown() });
const Stuffed = event({ kind: "bench.stuffed", isDurable: false, about: "Much at once.", data: Type.Unknown() });
const origin = { caller: { kind: "system", id: "bench" } as const, corrId: "bench", causeId: null };
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Something that streams: where it listens, and how an event is given to it. */
export interface Streamer {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  publish(data: object): void;
}

/** What the benchmarks look at beside the stream itself. */
export interface StreamHub extends Streamer {
  /** Fills what lies between the hub and whoever reads all kinds of this benchmark. */
  stuff(data: object): void;
  openStreams(): number;
  /** Events that slow readers lost. */
  lagged(): number;
}

export interface StreamHubSizes {
  /** Events that wait for one reader at most. */
  readonly busCapacity?: number;
  readonly limits?: Partial<HttpLimits>;
}

export async function startStreamHub(options: BenchOptions, sizes: StreamHubSizes = {}): Promise<StreamHub> {
  const kernel = createKernel({
    store: createMemoryStore(),
    blobs: createMemoryBlobs({ sizeBytesMaxEach: limitBytes }),
    clock: systemClock,
    chance: createSystemChance(),
    log: silent,
    redactor: createRedactor({ secrets: [] }),
    node: "bench-node",
    limits: {
      busCapacity: sizes.busCapacity ?? 1024,
      busReplay: 1000,
      workers: 1,
      recordBytesMax: limitBytes,
      recordAgeMsMax: limitBytes,
    },
    telemetry: { onSample: () => undefined, onCommit: () => undefined },
    compose: (parts) => ({
      domains: [
        createEvents({ parts }),
        { name: "bench", operations: [], events: [Sampled, Stuffed, ...taskEvents], views: [openTasks, endedTasks] },
      ],
      identity: { identify: () => origin.caller },
      ...openPorts,
    }),
  });
  await kernel.start();
  let ids = 0;
  const { surface, port } = await openDoor(kernel, {
    newCorrId: () => `bench-${(ids += 1)}`,
    limits: sizes.limits ?? {},
  });
  options.defer(async () => {
    await surface.close();
    await kernel[Symbol.asyncDispose]();
  });
  return {
    name: "hub",
    port,
    path: "/events?prefix=bench.sampled",
    publish: (data) => void kernel.journal.emit(Sampled, data, origin),
    stuff: (data) => void kernel.journal.emit(Stuffed, data, origin),
    openStreams: () => surface.streamCount,
    lagged: () => kernel.bus.counters().lagged,
  };
}
