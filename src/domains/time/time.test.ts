import assert from "node:assert/strict";
import { test } from "vitest";
import { makeKernel, startMs } from "../../../test/kit/kernel.ts";
import { isProblem } from "../../contract/problem.ts";
import { createTime, timeIn } from "./service.ts";

test("the wall clock of a zone, over the changes of summer time and far from UTC", () => {
  const told = (zone: string, at: string) => timeIn(zone, Date.parse(at)).iso;
  assert.equal(told("Europe/Berlin", "2026-03-29T00:59:59Z"), "2026-03-29T01:59:59+01:00");
  assert.equal(told("Europe/Berlin", "2026-03-29T01:00:00Z"), "2026-03-29T03:00:00+02:00");
  assert.equal(told("America/St_Johns", "2026-01-01T00:00:00Z"), "2025-12-31T20:30:00-03:30");
  assert.equal(told("Pacific/Kiritimati", "2026-01-01T12:00:00.999Z"), "2026-01-02T02:00:00+14:00");
  assert.equal(told("UTC", "2026-01-01T00:00:00Z"), "2026-01-01T00:00:00+00:00");
});

test("the hub's clock and zone are told, and what is no zone is refused", async () => {
  await using kit = await makeKernel({ domains: () => [createTime({ zone: () => "Asia/Kolkata" })] });
  const { outcome } = await kit.call("time.now", {});
  assert.deepEqual((outcome as { output: unknown }).output, {
    iso: "2025-06-15T20:36:40+05:30",
    date: "2025-06-15",
    weekday: "Sunday",
    zone: "Asia/Kolkata",
    epochMs: startMs,
  });
  await assert.rejects(
    kit.call("time.now", { zone: "Mars/Olympus" }),
    (error) => isProblem(error) && error.definition.code === "time.unknown-zone",
  );
});
