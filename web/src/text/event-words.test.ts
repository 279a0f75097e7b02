import assert from "node:assert/strict";
import { test } from "vitest";
import type { HubEvent } from "../shapes.ts";
import { familyOf, gistOf, matcherOf } from "./event-words.ts";

const kinds = ["models.download.finished", "actions.applied", "actions.refused", "agents.run.failed", "bus.gap"];
const kept = (filter: Parameters<typeof matcherOf>[0]): readonly string[] =>
  kinds.filter((kind) => matcherOf(filter)({ kind } as HubEvent));

test("prefixes match in any case and may be several; a gap is always told", () => {
  assert.deepEqual(kept({}), kinds);
  assert.deepEqual(kept({ prefix: "Models." }), ["models.download.finished", "bus.gap"]);
  assert.deepEqual(kept({ prefix: "models., actions.a" }), ["models.download.finished", "actions.applied", "bus.gap"]);
});

test("errors are what failed or was refused", () => {
  assert.deepEqual(kept({ errorsOnly: true }), ["actions.refused", "agents.run.failed", "bus.gap"]);
  assert.deepEqual(
    ["observations.recorded", "actions.applied", "actions.refused", "actions.failed", "task.started"].map(familyOf),
    ["observation", "action", "refusal", "error", "other"],
  );
});

test("the gist is the most telling field, on one line and never endless", () => {
  assert.equal(gistOf({ agent: "scout", summary: "Read\na.md" }), "Read a.md");
  assert.equal(gistOf({ n: 3 }), "n 3");
  assert.equal(gistOf(null), "");
  assert.equal(gistOf({ summary: "x".repeat(999) }).length, 240);
});
