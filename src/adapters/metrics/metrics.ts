/** Counters and histograms in Prometheus' text form. Label values come from the table, so their number is bounded. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Envelope } from "../../contract/event.ts";
import type { Telemetry } from "../../kernel/ports.ts";

const millisecondBuckets = [0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const nanosecondsPerSecond = 1e9;

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
  collectDefaultMetrics({ register: registry, prefix: "arw_" });
  const calls = new Counter({
    name: "arw_calls_total",
    help: "Calls through the corridor by operation and outcome.",
    labelNames: ["operation", "code"],
    registers,
  });
  const durations = new Histogram({
    name: "arw_call_duration_ms",
    help: "Milliseconds a call took, by operation.",
    labelNames: ["operation"],
    buckets: millisecondBuckets,
    registers,
  });
  const commits = new Histogram({
    name: "arw_journal_commit_ms",
    help: "Milliseconds of one group commit.",
    buckets: millisecondBuckets,
    registers,
  });
  const written = new Counter({
    name: "arw_journal_events_total",
    help: "Events committed to the journal.",
    registers,
  });
  const kinds = new Counter({
    name: "arw_events_total",
    help: "Events published, by kind.",
    labelNames: ["kind"],
    registers,
  });
  new Gauge({ name: "arw_build_info", help: "The running version.", labelNames: ["version"], registers }).set(
    { version: facts.version },
    1,
  );
  const loopDelay = watchLoop(registers);
  return {
    onSample({ operation, code, durationMs }) {
      calls.inc({ operation, code });
      durations.observe({ operation }, durationMs);
    },
    onCommit({ events, durationMs }) {
      commits.observe(durationMs);
      written.inc(events);
    },
    observe(hub) {
      hub.bus.listen([], (envelope) => kinds.inc({ kind: envelope.kind }));
      addHubGauges(hub, registers);
    },
    text: () => registry.metrics(),
    [Symbol.dispose]() {
      loopDelay.disable();
      registry.clear();
    },
  };
}

function addHubGauges(hub: ObservedHub, registers: Registry[]): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge("arw_bus_published_total", "Events given to the bus.", () => hub.bus.counters().published);
  gauge("arw_bus_delivered_total", "Deliveries to listeners and readers.", () => hub.bus.counters().delivered);
  gauge("arw_bus_lagged_total", "Events that slow readers lost.", () => hub.bus.counters().lagged);
  gauge("arw_bus_no_receivers_total", "Events that nobody wanted.", () => hub.bus.counters().noReceivers);
  gauge("arw_bus_receivers", "Listeners and readers now.", () => hub.bus.counters().receivers);
  gauge("arw_queue_queued", "Tasks that wait.", () => hub.queue.depth().queued);
  gauge("arw_queue_running", "Tasks that run.", () => hub.queue.depth().running);
  gauge("arw_streams", "Open event streams.", () => hub.streams());
  gauge("arw_journal_seq", "Position of the newest event.", () => hub.headSeq());
}

function watchLoop(registers: Registry[]): ReturnType<typeof monitorEventLoopDelay> {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  new Gauge({
    name: "arw_event_loop_delay_p99_seconds",
    help: "99th percentile of the event loop's delay since the last scrape.",
    registers,
    collect() {
      this.set(delay.percentile(99) / nanosecondsPerSecond);
      delay.reset();
    },
  });
  return delay;
}
