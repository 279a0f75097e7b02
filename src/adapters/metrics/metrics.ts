/** Counters and histograms in Prometheus' text form. Label values come from the table, so their number is bounded. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Envelope } from "../../contract/event.ts";
import type { Telemetry } from "../../kernel/ports.ts";

const millisecondBuckets = [0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/** What the gauges read at every scrape. */
export interface ObservedHub {
  readonly bus: {
    counters(): {
      readonly published: number;
      readonly delivered: number;
      readonly lagged: number;
      readonly noReceivers: number;
      readonly receivers: number;
    };
    listen(prefixes: readonly string[], run: (envelope: Envelope) => void): () => void;
  };
  readonly queue: { depth(): { readonly queued: number; readonly running: number } };
  streams(): number;
  headSeq(): number;
}

export interface Metrics extends Telemetry, Disposable {
  observe(hub: ObservedHub): void;
  text(): Promise<string>;
}

export function createMetrics(facts: { readonly version: string }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const add = createAdder(registers);
  const calls = add.tally("arw_calls_total", "Calls through the corridor by operation and outcome.", [
    "operation",
    "code",
  ]);
  const kinds = add.tally("arw_events_total", "Events published, by kind.", ["kind"]);
  const durations = createDurations(registers);
  const commits = new Histogram({
    name: "arw_journal_commit_ms",
    help: "Milliseconds of one group commit.",
    buckets: millisecondBuckets,
    registers,
  });
  let written = 0;
  add.counter("arw_journal_events_total", "Events committed to the journal.", () => written);
  const build = new Gauge({ name: "arw_build_info", help: "The running version.", labelNames: ["version"], registers });
  build.set({ version: facts.version }, 1);
  addProcess(add);
  return {
    onSample({ operation, code, durationMs }) {
      calls(operation, code);
      durations(operation, durationMs);
    },
    onCommit({ events, durationMs }) {
      commits.observe(durationMs);
      written += events;
    },
    observe(hub) {
      hub.bus.listen([], (envelope) => kinds(envelope.kind));
      addHub(hub, add);
    },
    text: () => registry.metrics(),
    [Symbol.dispose]: () => registry.clear(),
  };
}

interface Adder {
  gauge(name: string, help: string, read: () => number): void;
  counter(name: string, help: string, read: () => number): void;
  /** Counts in a plain map, which the scrape reads: the hot path pays for one look-up. */
  tally(name: string, help: string, labelNames: readonly string[]): (...labels: string[]) => void;
}

function createAdder(registers: Registry[]): Adder {
  const keep = (_metric: unknown): void => undefined;
  return {
    gauge(name, help, read) {
      keep(
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read());
          },
        }),
      );
    },
    counter(name, help, read) {
      keep(
        new Counter({
          name,
          help,
          registers,
          collect() {
            this.reset();
            this.inc(read());
          },
        }),
      );
    },
    tally(name, help, labelNames) {
      const counts = new Map<string, { readonly labels: readonly string[]; count: number }>();
      const collect = (counter: Counter): void => {
        counter.reset();
        for (const { labels, count } of counts.values()) counter.labels(...labels).inc(count);
      };
      keep(
        new Counter({
          name,
          help,
          labelNames: [...labelNames],
          registers,
          collect() {
            collect(this);
          },
        }),
      );
      return (...labels) => {
        const key = labels.length === 1 ? (labels[0] ?? "") : labels.join(" ");
        const known = counts.get(key);
        if (known === undefined) counts.set(key, { labels, count: 1 });
        else known.count += 1;
      };
    },
  };
}

/** One histogram with a child per operation, found without hashing its labels anew for each call. */
function createDurations(registers: Registry[]): (operation: string, durationMs: number) => void {
  const histogram = new Histogram({
    name: "arw_call_duration_ms",
    help: "Milliseconds a call took, by operation.",
    labelNames: ["operation"],
    buckets: millisecondBuckets,
    registers,
  });
  const children = new Map<string, { observe(value: number): void }>();
  return (operation, durationMs) => {
    let child = children.get(operation);
    if (child === undefined) {
      child = histogram.labels(operation);
      children.set(operation, child);
    }
    child.observe(durationMs);
  };
}

/**
 * The library's default metrics sample the event loop on a timer, which would wake an idle hub a hundred times a second.
 * Utilisation needs no timer, and tells the same of a busy one.
 */
function addProcess(add: Adder): void {
  let last = performance.eventLoopUtilization();
  add.gauge(
    "arw_event_loop_utilization",
    "Share of the time since the last scrape that the event loop was busy.",
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
  );
  add.gauge("arw_process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  add.gauge("arw_process_heap_used_bytes", "JavaScript heap in use.", () => process.memoryUsage().heapUsed);
  add.counter("arw_process_cpu_seconds_total", "Processor time used.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / microsecondsPerSecond;
  });
}

const microsecondsPerSecond = 1e6;

function addHub(hub: ObservedHub, add: Adder): void {
  add.counter("arw_bus_published_total", "Events given to the bus.", () => hub.bus.counters().published);
  add.counter("arw_bus_delivered_total", "Deliveries to listeners and readers.", () => hub.bus.counters().delivered);
  add.counter("arw_bus_lagged_total", "Events that slow readers lost.", () => hub.bus.counters().lagged);
  add.counter("arw_bus_no_receivers_total", "Events that nobody wanted.", () => hub.bus.counters().noReceivers);
  add.gauge("arw_bus_receivers", "Listeners and readers now.", () => hub.bus.counters().receivers);
  add.gauge("arw_queue_queued", "Tasks that wait.", () => hub.queue.depth().queued);
  add.gauge("arw_queue_running", "Tasks that run.", () => hub.queue.depth().running);
  add.gauge("arw_streams", "Open event streams.", () => hub.streams());
  add.gauge("arw_journal_seq", "Position of the newest event.", () => hub.headSeq());
}
