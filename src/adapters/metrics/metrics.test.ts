import assert from "node:assert/strict";
import { test } from "vitest";
import { createMetrics } from "./metrics.ts";

const sample = { operation: "fs.list", caller: "person:admin", corrId: "c", durationMs: 3, code: "ok", status: 200 };

test("a scrape tells calls, durations and commits, and tells the same twice", async () => {
  using metrics = createMetrics({ version: "1.2.3" });
  metrics.onSample(sample);
  metrics.onSample(sample);
  metrics.onSample({ ...sample, code: "arw.denied" });
  metrics.onCommit({ events: 5, durationMs: 2 });
  const first = await metrics.text();
  for (const line of [
    'arw_calls_total{operation="fs.list",code="ok"} 2',
    'arw_calls_total{operation="fs.list",code="arw.denied"} 1',
    'arw_call_duration_ms_count{operation="fs.list"} 3',
    "arw_journal_events_total 5",
    'arw_build_info{version="1.2.3"} 1',
  ]) {
    assert.ok(first.includes(line), `${line} is not in\n${first}`);
  }
  const calls = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("arw_calls_total"));
  assert.deepEqual(calls(await metrics.text()), calls(first));
});

test("an idle hub's metrics hold no timer", () => {
  const before = process.getActiveResourcesInfo().filter((each) => each === "Timeout").length;
  using metrics = createMetrics({ version: "0" });
  assert.ok(metrics);
  assert.equal(process.getActiveResourcesInfo().filter((each) => each === "Timeout").length, before);
});
