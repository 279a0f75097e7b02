import assert from "node:assert/strict";
import { test } from "vitest";
import type { ShownLine } from "./capsules-api.ts";
import { type FileChange, placeOf } from "./replay-places.ts";

const line = (kind: string, step: number | null): ShownLine => ({ seq: 1, timeMs: 0, kind, step, text: kind });
const change = (step: number, path: string): FileChange => ({
  step,
  tool: "fs.write",
  folder: "/notes",
  path,
  before: null,
  after: `sha256:${"a".repeat(64)}`,
  sizeBytes: 3,
});

test("a change stands at the event that says it is done, and counts from there on", () => {
  const story = [
    line("agents.run.started", null),
    line("intents.proposed", 1),
    line("actions.applied", 1),
    line("observations.recorded", 1),
    line("intents.proposed", 2),
    line("observations.recorded", 2),
  ];
  const files = [change(1, "a.md"), change(2, "a.md"), change(2, "b.md"), change(9, "nowhere.md")];
  assert.deepEqual(
    story.map((_line, index) => {
      const { here, changedCount } = placeOf(story, files, index + 1);
      return [here.map(({ path }) => path).join(" "), changedCount];
    }),
    [
      ["", 0],
      ["", 0],
      ["a.md", 1],
      ["", 1],
      ["", 1],
      ["a.md b.md", 2],
    ],
  );
});
