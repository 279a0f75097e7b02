import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { Recorded } from "../../kernel/envelope.ts";
import { createMetrics, type ObservedHub } from "./metrics.ts";
import { createMetricSet, otherLabel } from "./registry.ts";

const sample = { operation: "fs.list", caller: "person:admin", corrId: "c", durationMs: 3, code: "ok", status: 200 };

const envelope = (kind: string, data: unknown = {}): Recorded =>
  new Recorded(
    { seq: 1, id: "i", timeMs: 9_000, kind, version: 1, corrId: "c", causeId: null, node: "n", caller: "system:hub" },
    data,
    null,
  );

const hub: ObservedHub = {
  bus: {
    counters: () => ({ published: 7, delivered: 5, lagged: 3, noReceivers: 2, receivers: 1 }),
    ring: { held: 4, capacity: 10 },
    subscribers: [
      { name: "stream a", pending: 9, skipped: 3, lastGap: { fromSeq: 2, toSeq: 4, skipped: 3 } },
      { name: "stream b", pending: 1, skipped: 0, lastGap: null },
    ],
    losses: () => new Map([["stream", 3]]),
  },
  queue: { depth: () => ({ queued: 6, running: 2 }) },
  streams: () => 8,
  headSeq: () => 70,
  consumers: () => [{ name: "mirror", lag: 12, inFlight: 3, buried: 1 }],
  disk: () => Promise.resolve({ freeBytes: 1000, totalBytes: 4000 }),
  records: () => ({ contents: 3, sizeBytes: 400, sizeBytesMax: 5000 }),
};

function assertHas(text: string, lines: readonly string[]): void {
  for (const line of lines) assert.ok(text.split("\n").includes(line), `${line} is not in\n${text}`);
}

test("a scrape tells calls, durations and commits, and tells the same twice", async () => {
  using metrics = createMetrics({ version: "1.2.3" });
  metrics.onSample(sample);
  metrics.onSample(sample);
  metrics.onSample({ ...sample, code: "arw.denied" });
  metrics.onCommit({ events: 5, durationMs: 2 });
  const first = await metrics.text();
  assertHas(first, [
    'arw_calls_total{operation="fs.list",code="ok"} 2',
    'arw_calls_total{operation="fs.list",code="arw.denied"} 1',
    'arw_call_duration_seconds_bucket{le="0.002",operation="fs.list"} 0',
    'arw_call_duration_seconds_bucket{le="0.005",operation="fs.list"} 3',
    'arw_call_duration_seconds_count{operation="fs.list"} 3',
    "arw_journal_events_total 5",
    "arw_journal_commit_seconds_sum 0.002",
    'arw_build_info{version="1.2.3"} 1',
  ]);
  const calls = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("arw_calls_total"));
  assert.deepEqual(calls(await metrics.text()), calls(first));
});

test("bus, readers, queue, consumers and disk show what the hub says", async () => {
  using metrics = createMetrics({ version: "0" });
  metrics.observe(hub);
  metrics.onEvent(envelope("notes.made"));
  metrics.onEvent(envelope("task.finished", { operation: "scout.brief", enqueuedAtMs: 5_000 }));
  const text = await metrics.text();
  assertHas(text, [
    "arw_bus_published_total 7",
    "arw_bus_delivered_total 5",
    "arw_bus_lagged_total 3",
    "arw_bus_no_receivers_total 2",
    "arw_bus_receivers 1",
    "arw_bus_ring_events 4",
    "arw_bus_ring_capacity 10",
    'arw_bus_reader_lagged_total{reader="stream"} 3',
    'arw_bus_reader_pending_max{reader="stream"} 9',
    'arw_events_total{kind="notes.made"} 1',
    'arw_job_duration_seconds_bucket{le="1",operation="scout.brief",outcome="finished"} 0',
    'arw_job_duration_seconds_bucket{le="5",operation="scout.brief",outcome="finished"} 1',
    "arw_queue_queued 6",
    "arw_streams 8",
    "arw_journal_seq 70",
    'arw_consumer_lag{consumer="mirror"} 12',
    'arw_consumer_in_flight{consumer="mirror"} 3',
    'arw_consumer_buried{consumer="mirror"} 1',
    "arw_disk_free_bytes 1000",
    "arw_record_contents 3",
    "arw_record_bytes 400",
    "arw_record_bytes_max 5000",
  ]);
});

test("the JSON twin has the same figures, and names each reader with the range it lost", async () => {
  using metrics = createMetrics({ version: "0" });
  metrics.observe(hub);
  metrics.onEvent(envelope("notes.made"));
  metrics.onCommit({ events: 5, durationMs: 4 });
  metrics.onCommit({ events: 1, durationMs: 2 });
  const route = metrics.routes.of("GET", "/tasks/{taskId}");
  for (const [status, durationMs] of [
    [200, 10],
    [404, 30],
    [200, null],
  ] as const) {
    route.arrived();
    route.answered(status, durationMs);
  }
  const stats = await metrics.stats();
  assert.deepEqual(stats.events, [{ kind: "notes.made", count: 1 }]);
  assert.deepEqual(stats.readers[0], {
    name: "stream a",
    pending: 9,
    lost: 3,
    lastGap: { fromSeq: 2, toSeq: 4, skipped: 3 },
  });
  assert.deepEqual(stats.commits, { count: 2, events: 6, meanMs: 3, maxMs: 4 });
  assert.deepEqual(stats.consumers, [{ name: "mirror", lag: 12, inFlight: 3, buried: 1 }]);
  assert.deepEqual(stats.disk, { freeBytes: 1000, totalBytes: 4000 });
  const [shown] = stats.routes;
  assert.ok(shown);
  assert.ok(Math.abs(shown.p95Ms - 30) < 1, `p95 is ${shown.p95Ms}`);
  assert.deepEqual(
    { ...shown, p95Ms: 30 },
    { method: "GET", route: "/tasks/{taskId}", hits: 3, errors: 1, meanMs: 20, p95Ms: 30, maxMs: 30 },
  );
  assertHas(await metrics.text(), [
    'arw_http_route_hits_total{method="GET",route="/tasks/{taskId}"} 3',
    'arw_http_route_errors_total{method="GET",route="/tasks/{taskId}",class="4xx"} 1',
    'arw_http_route_duration_seconds_count{method="GET",route="/tasks/{taskId}"} 2',
  ]);
});

test("a disk that cannot be asked spoils no scrape", async () => {
  using metrics = createMetrics({ version: "0" });
  metrics.observe({ ...hub, disk: () => Promise.reject(new TypeError("gone")) });
  assert.match(await metrics.text(), /^arw_disk_free_bytes nan$/im);
  assert.equal((await metrics.stats()).disk, null);
});

test("however many labels come, a metric keeps a bounded number of them and loses no count", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 3 })), { maxLength: 200 }),
      fc.integer({ min: 2, max: 20 }),
      (labelled, setsMax) => {
        const tally = createMetricSet().tally({ name: "t_total", help: "T.", labelNames: ["a", "b"], setsMax });
        for (const labels of labelled) tally(...labels);
        const counts = [...tally.counts.values()];
        assert.ok(counts.length <= setsMax);
        assert.equal(
          counts.reduce((sum, each) => sum + each.count, 0),
          labelled.length,
        );
        const distinct = new Set(labelled.map((labels) => labels.join("\u0000"))).size;
        const hasOther = counts.some((each) => each.labels.every((label) => label === otherLabel));
        if (distinct < setsMax) assert.equal(counts.length, distinct);
        else assert.ok(hasOther);
      },
    ),
    runs(50),
  );
});

test("an idle hub's metrics hold no timer", () => {
  const before = process.getActiveResourcesInfo().filter((each) => each === "Timeout").length;
  using metrics = createMetrics({ version: "0" });
  assert.ok(metrics);
  assert.equal(process.getActiveResourcesInfo().filter((each) => each === "Timeout").length, before);
});
