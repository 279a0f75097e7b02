import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { spansOf } from "./collector.ts";

const example = readFileSync(join(import.meta.dirname, "..", "fixtures", "otlp", "trace-example.json"), "utf8");

test("the published example of a request is taken", () => {
  assert.deepEqual(
    spansOf(JSON.parse(example)).map((span) => [span.name, span.traceId, span.parentSpanId, span.startMs]),
    [["I'm a server span", "5B8EFFF798038103D269B633813FC60C", "EEE19B7EC3C1B173", 1_544_712_660_000]],
  );
});

test("what the mapping forbids is refused", () => {
  for (const [from, to] of [
    ['"traceId"', '"trace_id"'],
    ["5B8EFFF798038103D269B633813FC60C", "W47/95gDgQPSabYzgT/GDA=="],
    ["5B8EFFF798038103D269B633813FC60C", "0".repeat(32)],
    ["EEE19B7EC3C1B174", "EEE19B7EC3C1B1"],
    ["EEE19B7EC3C1B174", "EEE19B7EC3C1B173"],
    ['"1544712660000000000"', "1544712660000000000"],
    ['"1544712660000000000"', '"1544712660000000000.5"'],
    ['"1544712660000000000"', '"1544712662000000000"'],
    ['"kind": 2', '"kind": "SPAN_KIND_SERVER"'],
    ['"kind": 2', '"kind": 9'],
    ['"stringValue": "my.service"', '"stringValue": 3'],
    ['"stringValue": "my.service"', '"stringValue": "a", "boolValue": true'],
    ['"service.name"', '"service.title"'],
    ['"spans"', '"spams"'],
  ] as const) {
    assert.ok(example.includes(from), from);
    assert.throws(() => spansOf(JSON.parse(example.replace(from, to))), `${from} as ${to}`);
  }
});
