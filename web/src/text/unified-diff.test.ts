import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { diffLines } from "./diff-lines.ts";
import { unifiedDiff } from "./unified-diff.ts";

test("one changed line stands between three of context", () => {
  const lines = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
  const changed = lines.with(4, "E");
  assert.equal(
    unifiedDiff(lines.join("\n"), changed.join("\n")),
    ["@@ -2,7 +2,7 @@", " b", " c", " d", "-e", "+E", " f", " g", " h"].join("\n"),
  );
});

test("changes far apart have a hunk each, and nothing is no hunk", () => {
  const lines = Array.from({ length: 30 }, (_unused, line) => `line ${line}`);
  const changed = lines.with(2, "two").with(25, "twenty-five");
  const diff = unifiedDiff(lines.join("\n"), changed.join("\n"));
  assert.equal(diff.match(/^@@/gmu)?.length, 2);
  assert.match(diff, /@@ -23,7 \+23,7 @@/u);
  assert.equal(unifiedDiff("a\nb", "a\nb"), "");
  assert.equal(unifiedDiff("", "new"), "@@ -1,0 +1,1 @@\n+new");
});

test("the lines that are shown make the new text out of the old one", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 12 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const shown = diffLines(unifiedDiff(before.join("\n"), after.join("\n")));
      const next = [...before];
      // From the end, so that line numbers before a change still hold.
      for (const { kind, text: line, line: place } of shown.toReversed()) {
        if (place === null) continue;
        if (kind === "same" || kind === "added") assert.equal(after[place - 1], line);
        if (kind === "removed") assert.equal(before[place - 1], line);
      }
      const added = shown.filter(({ kind }) => kind === "added").length;
      const removed = shown.filter(({ kind }) => kind === "removed").length;
      assert.equal(next.length - removed + added, after.length);
    }),
    { numRuns: 100 },
  );
});
