import assert from "node:assert/strict";
import { test } from "vitest";
import type { Family, StoryLine } from "../../shapes.ts";
import { storyGroups } from "./story-groups.ts";

const lines = (families: readonly Family[]): readonly StoryLine[] =>
  families.map((family, index) => ({
    seq: index + 1,
    timeMs: 0,
    kind: "x.y",
    family,
    text: "",
    isError: false,
    data: {},
  }));

const repeat = (family: Family, count: number): readonly Family[] => Array.from({ length: count }, () => family);

test("a long run of readings is folded, a short one is not, and what was done never is", () => {
  const groups = storyGroups(
    lines(["run", ...repeat("observation", 9), ...repeat("belief", 6), ...repeat("action", 9)]),
  );
  assert.deepEqual(
    groups.map((group) => [group.lines[0]?.family, group.lines.length, group.openCount]),
    [["run", 1, 1], ["observation", 9, 3], ["belief", 6, 6], ...repeat("action", 9).map((family) => [family, 1, 1])],
  );
});

test("every line is in one group, in order", () => {
  const story = lines([...repeat("observation", 3), "belief", "observation", ...repeat("belief", 20)]);
  assert.deepEqual(
    storyGroups(story).flatMap((group) => group.lines),
    story,
  );
});

test("an error among readings stands open", () => {
  const story = lines(repeat("observation", 9)).map((line) => Object.assign({}, line, { isError: line.seq === 8 }));
  assert.deepEqual(
    storyGroups(story).map((group) => group.lines.length),
    [7, 1, 1],
  );
});
