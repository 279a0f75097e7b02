/** The hub's figures, twice: in Prometheus' text form and as plain JSON. Labels come from the table, so they are bounded. */
import type { Envelope } from "../../contract/event.ts";
import type { HubStats } from "../../domains/system/port.ts";
import type { RouteMeters, Telemetry } from "../../kernel/ports.ts";
import { createModelMetrics, modelAsked } from "./models.ts";
import { createMetricSet, type MetricSet } from "./registry.ts";
import { createRoutes } from "./routes.ts";

const callBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Jobs wait for disks and people: up to an hour. */
const jobBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600];
const jobEnds: ReadonlySet<string> = new Set(["task.finished", "task.failed", "task.cancelled"]);
const msPerSecond = 1000;
const microsecondsPerSecond = 1e6;

/** What the gauges read at every scrape. */
interface ObservedTee {
  readonly events: number;
  readonly errors: number;
  readonly rotations: number;
  readonly lagEvents: number;
}

interface ObservedOtlp {
  readonly sent: number;
  readonly dropped: number;
  readonly errors: number;
  readonly lagEvents: number;
}

export interface ObservedHub {
  tee?(): ObservedTee | null;
  otlp?(): ObservedOtlp | null;
  readonly bus: {
    counters(): {
      readonly published: number;
      readonly delivered: number;
      readonly lagged: number;
      readonly noReceivers: number;
      readonly receivers: number;
    };
    readonly ring: { readonly held: number; readonly capacity: number };
    readonly subscribers: readonly ObservedReader[];
    /** Events that readers of one sort lost, gone ones included. */
    losses(): ReadonlyMap<string, number>;
  };
  readonly queue: { depth(): { readonly queued: number; readonly running: number } };
  streams(): number;
  headSeq(): number;
  /** Durable consumers; their number is bounded where they are made. */
  consumers?(): HubStats["consumers"];
  disk?(): Promise<{ readonly freeBytes: number; readonly totalBytes: number }>;
  /** What is kept of runs; null before it was counted. */
  records?(): { readonly contents: number; readonly sizeBytes: number; readonly sizeBytesMax: number } | null;
}

interface ObservedReader {
  readonly name: string;
  readonly pending: number;
  readonly skipped: number;
  readonly lastGap: { readonly fromSeq: number; readonly toSeq: number; readonly skipped: number } | null;
}

export interface Metrics extends Required<Telemetry>, Disposable {
  /** For the HTTP surface: one meter per route of the table. */
  readonly routes: RouteMeters;
  observe(hub: ObservedHub): void;
  text(): Promise<string>;
  /** The same figures as JSON. Only after `observe`. */
  stats(): Promise<HubStats>;
}

export function createMetrics(facts: { readonly version: string }): Metrics {
  const set = createMetricSet();
  const calls = set.tally({
    name: "arw_calls_total",
    help: "Calls through the corridor by operation and outcome.",
    labelNames: ["operation", "code"],
  });
  const kinds = set.tally({ name: "arw_events_total", help: "Events published, by kind.", labelNames: ["kind"] });
  const callTimes = set.timings({
    name: "arw_call_duration_seconds",
    help: "Time a call took, by operation.",
    labelNames: ["operation"],
    buckets: callBuckets,
  });
  const commits = createCommits(set);
  const jobs = createJobs(set);
  const models = createModelMetrics(set);
  const routes = createRoutes(set);
  const loop = addProcess(set);
  set.gauges({ name: "arw_build_info", help: "The running version.", label: "version" }, () => [[facts.version, 1]]);
  let hub: ObservedHub | null = null;
  return {
    onSample({ operation, code, durationMs }) {
      calls(operation, code);
      callTimes(operation).observe(durationMs / msPerSecond);
    },
    onCommit: commits.add,
    onEvent(envelope) {
      kinds(envelope.kind);
      if (jobEnds.has(envelope.kind)) jobs.ended(envelope);
      else if (envelope.kind === modelAsked) models.asked(envelope);
    },
    routes: routes.meters,
    observe(observed) {
      hub = observed;
      addHub(set, observed);
    },
    text: () => set.registry.metrics(),
    async stats() {
      const events = [...kinds.counts.values()].map(({ labels: [kind = ""], count }) => ({ kind, count }));
      return {
        events,
        routes: routes.stats(),
        jobs: jobs.stats(),
        ...(await hubStats(hub)),
        commits: commits.stats(),
        process: { ...loop.now(), eventLoopDelayMs: await loopDelayMs() },
      };
    },
    [Symbol.dispose]: () => set.registry.clear(),
  };
}

function createCommits(set: MetricSet) {
  const stats = { count: 0, events: 0, totalMs: 0, maxMs: 0 };
  const timing = set.timings({
    name: "arw_journal_commit_seconds",
    help: "Time of one group commit.",
    labelNames: [],
    buckets: callBuckets,
  })();
  set.counter("arw_journal_events_total", "Events committed to the journal.", () => stats.events);
  return {
    add({ events, durationMs }: { readonly events: number; readonly durationMs: number }): void {
      timing.observe(durationMs / msPerSecond);
      stats.count += 1;
      stats.events += events;
      stats.totalMs += durationMs;
      stats.maxMs = Math.max(stats.maxMs, durationMs);
    },
    stats: (): HubStats["commits"] => ({
      count: stats.count,
      events: stats.events,
      meanMs: stats.count === 0 ? 0 : stats.totalMs / stats.count,
      maxMs: stats.maxMs,
    }),
  };
}

/** From the moment a job was accepted to its end, waiting and retries included. */
function createJobs(set: MetricSet) {
  const ended = new Map<string, { operation: string; outcome: string; count: number }>();
  const timing = set.timings({
    name: "arw_job_duration_seconds",
    help: "Time from a job's acceptance to its end, by operation and outcome.",
    labelNames: ["operation", "outcome"],
    buckets: jobBuckets,
  });
  return {
    ended({ kind, timeMs, data }: Envelope): void {
      // The three kinds share these two fields; the journal has checked them.
      const { operation, enqueuedAtMs } = data as { readonly operation: string; readonly enqueuedAtMs: number };
      const outcome = kind.slice(kind.indexOf(".") + 1);
      timing(operation, outcome).observe(Math.max(0, timeMs - enqueuedAtMs) / msPerSecond);
      const key = `${operation} ${outcome}`;
      const known = ended.get(key) ?? { operation, outcome, count: 0 };
      known.count += 1;
      ended.set(key, known);
    },
    stats: (): HubStats["jobs"] => [...ended.values()].map((each) => ({ ...each })),
  };
}

/**
 * The library's own process metrics sample the event loop on a timer, which would wake an idle hub a hundred times a second.
 * Utilisation and one turn taken at the scrape need no timer, and tell the same of a busy one.
 */
function addProcess(set: MetricSet) {
  let last = performance.eventLoopUtilization();
  const cpuSeconds = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / microsecondsPerSecond;
  };
  set.gauge(
    "arw_event_loop_utilization",
    "Share of the time since the last scrape that the event loop was busy.",
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
  );
  set.gauge("arw_event_loop_delay_seconds", "How long the event loop took to come round at this scrape.", async () => {
    return (await loopDelayMs()) / msPerSecond;
  });
  set.gauge("arw_process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  set.gauge("arw_process_heap_used_bytes", "JavaScript heap in use.", () => process.memoryUsage().heapUsed);
  set.counter("arw_process_cpu_seconds_total", "Processor time used.", cpuSeconds);
  return {
    now: () => ({
      residentBytes: process.memoryUsage.rss(),
      heapUsedBytes: process.memoryUsage().heapUsed,
      cpuMs: cpuSeconds() * msPerSecond,
    }),
  };
}

const loopDelayMs = (): Promise<number> => {
  const startedMs = performance.now();
  return new Promise((resolve) => setImmediate(() => resolve(performance.now() - startedMs)));
};

/** All of them are 0 while there is no tee. */
function addTee(set: MetricSet, tee: ObservedHub["tee"]): void {
  const read = (pick: (status: ObservedTee) => number) => (): number => {
    const status = tee?.();
    return status ? pick(status) : 0;
  };
  set.counter(
    "arw_tee_events_total",
    "Events written to the tee.",
    read((status) => status.events),
  );
  set.counter(
    "arw_tee_errors_total",
    "Failures of the tee; each is tried again.",
    read((status) => status.errors),
  );
  set.counter(
    "arw_tee_rotations_total",
    "Files of the tee that were full or old.",
    read((status) => status.rotations),
  );
  set.gauge(
    "arw_tee_lag_events",
    "Events that the tee has not written yet.",
    read((status) => status.lagEvents),
  );
}

/** All of them are 0 while no collector is named. */
function addOtlp(set: MetricSet, otlp: ObservedHub["otlp"]): void {
  const read = (pick: (status: ObservedOtlp) => number) => (): number => {
    const status = otlp?.();
    return status ? pick(status) : 0;
  };
  set.counter(
    "arw_otlp_spans_total",
    "Spans that the collector took.",
    read((status) => status.sent),
  );
  set.counter(
    "arw_otlp_spans_dropped_total",
    "Spans that the collector refused for good, or whose data retention had dropped.",
    read((status) => status.dropped),
  );
  set.counter(
    "arw_otlp_errors_total",
    "Requests to the collector that failed.",
    read((status) => status.errors),
  );
  set.gauge(
    "arw_otlp_lag_events",
    "Events that have not been looked through for spans yet.",
    read((status) => status.lagEvents),
  );
}

function addRecords(set: MetricSet, records: ObservedHub["records"]): void {
  if (records === undefined) return;
  const figure = (pick: "contents" | "sizeBytes" | "sizeBytesMax") => () => records()?.[pick] ?? Number.NaN;
  set.gauge("arw_record_contents", "Answers and former files that are kept of runs.", figure("contents"));
  set.gauge("arw_record_bytes", "Their size.", figure("sizeBytes"));
  set.gauge("arw_record_bytes_max", "The ceiling above which the oldest are dropped.", figure("sizeBytesMax"));
}

function addHub(set: MetricSet, hub: ObservedHub): void {
  const { bus, queue, streams, headSeq, consumers, disk } = hub;
  addTee(set, hub.tee);
  addOtlp(set, hub.otlp);
  addRecords(set, hub.records);
  set.counter("arw_bus_published_total", "Events given to the bus.", () => bus.counters().published);
  set.counter(
    "arw_bus_delivered_total",
    "Events handed to listeners and taken by readers; neither what waits nor what was lost.",
    () => bus.counters().delivered,
  );
  set.counter("arw_bus_lagged_total", "Events that slow readers lost.", () => bus.counters().lagged);
  set.counter("arw_bus_no_receivers_total", "Events that nobody wanted.", () => bus.counters().noReceivers);
  set.gauge("arw_bus_receivers", "Listeners and readers now.", () => bus.counters().receivers);
  set.gauge("arw_bus_ring_events", "Newest events at hand for readers that resume.", () => bus.ring.held);
  set.gauge("arw_bus_ring_capacity", "The most events at hand.", () => bus.ring.capacity);
  set.counters(
    { name: "arw_bus_reader_lagged_total", help: "Events that readers of one sort lost.", label: "reader" },
    () => bus.losses(),
  );
  set.gauges(
    { name: "arw_bus_reader_pending_max", help: "Events that wait for the slowest reader of a sort.", label: "reader" },
    () => slowest(bus.subscribers),
  );
  set.gauge("arw_queue_queued", "Tasks that wait.", () => queue.depth().queued);
  set.gauge("arw_queue_running", "Tasks that run.", () => queue.depth().running);
  set.gauge("arw_streams", "Clients that read a stream now.", streams);
  set.gauge("arw_journal_seq", "Position of the newest event.", headSeq);
  if (consumers !== undefined) {
    const figures = (pick: "lag" | "inFlight" | "buried") => () =>
      consumers().map((each) => [each.name, each[pick]] as const);
    set.gauges(
      {
        name: "arw_consumer_lag",
        help: "Positions between the newest event and what a consumer has done.",
        label: "consumer",
      },
      figures("lag"),
    );
    set.gauges(
      {
        name: "arw_consumer_in_flight",
        help: "Messages that a consumer was given and has not yet answered.",
        label: "consumer",
      },
      figures("inFlight"),
    );
    set.gauges(
      { name: "arw_consumer_buried", help: "Dead letters of a consumer.", label: "consumer" },
      figures("buried"),
    );
  }
  if (disk !== undefined) {
    const free = async (): Promise<number> => (await disk()).freeBytes;
    set.gauge("arw_disk_free_bytes", "Space left on the disk of the state directory.", () =>
      free().catch(() => Number.NaN),
    );
  }
}

/** Readers by sort, the first word of their name: streams are named after their call, which would be a label each. */
function slowest(readers: readonly ObservedReader[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { name, pending } of readers) {
    const sort = name.split(" ", 1)[0] ?? name;
    found.set(sort, Math.max(found.get(sort) ?? 0, pending));
  }
  return found;
}

const noHub = {
  bus: { published: 0, delivered: 0, lagged: 0, noReceivers: 0, receivers: 0, ringEvents: 0, ringCapacity: 0 },
  readers: [],
  consumers: [],
  queue: { queued: 0, running: 0 },
  streams: 0,
  headSeq: 0,
  disk: null,
};
/** Readers are listed slowest first; a thousand idle ones tell nobody anything. */
const readersShownMax = 100;

async function hubStats(hub: ObservedHub | null) {
  if (hub === null) return noHub;
  const { bus } = hub;
  const byLag = bus.subscribers.toSorted((a, b) => b.pending - a.pending || b.skipped - a.skipped);
  return {
    bus: { ...bus.counters(), ringEvents: bus.ring.held, ringCapacity: bus.ring.capacity },
    readers: byLag
      .slice(0, readersShownMax)
      .map(({ name, pending, skipped, lastGap }) => ({ name, pending, lost: skipped, lastGap })),
    consumers: hub.consumers?.() ?? [],
    queue: hub.queue.depth(),
    streams: hub.streams(),
    headSeq: hub.headSeq(),
    disk: (await hub.disk?.().catch(() => null)) ?? null,
  };
}
