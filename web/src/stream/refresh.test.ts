import assert from "node:assert/strict";
import { test } from "vitest";
import type { HubEvent } from "../shapes.ts";
import { touched } from "./refresh.ts";

const of = (kind: string) => touched({ kind, corrId: "c" } as HubEvent);

test("an event asks again for what it may have changed, and for nothing else", () => {
  assert.deepEqual(of("observations.recorded"), [["episodes"], ["episode", "c"]]);
  assert.deepEqual(of("approvals.requested"), [["episodes"], ["episode", "c"], ["approvals"]]);
  assert.deepEqual(of("agents.run.finished"), [["episodes"], ["episode", "c"], ["chat"]]);
  assert.deepEqual(of("task.started"), [["episode", "c"]]);
  assert.deepEqual(of("samples.tick"), []);
  assert.deepEqual(of("models.asked"), []);
  assert.deepEqual(of("models.role.set"), [["models"]]);
  assert.deepEqual(of("capsules.progress"), []);
  assert.deepEqual([of("capsules.imported"), of("undo.applied")], [[["runs"]], [["runs"]]]);
  assert.deepEqual(of("bus.gap"), [
    ["episodes"],
    ["episode"],
    ["approvals"],
    ["models"],
    ["halt"],
    ["rules"],
    ["budgets"],
    ["tokens"],
    ["egress"],
    ["leases"],
    ["capsules"],
    ["runs"],
    ["mcp"],
    ["chat"],
    ["questions"],
    ["schedules"],
    ["projects"],
  ]);
});
