import assert from "node:assert/strict";
import { applyPatch } from "diff";
import fc from "fast-check";
import { test } from "vitest";
import { unifiedDiff } from "./text-diff.ts";

const lines = fc.array(fc.constantFrom("a", "b", "c", "+x", "-y", "@@", "")).map((each) => each.join("\n"));

test("applying the diff gives the new text, and the counts add up", () => {
  fc.assert(
    fc.property(lines, lines, fc.nat(4), (before, after, contextLines) => {
      const diff = unifiedDiff({ path: "a.txt", before, after, contextLines });
      assert.equal(diff.isTruncated, false);
      if (before === after) assert.deepEqual(diff, { text: "", addedLines: 0, removedLines: 0, isTruncated: false });
      else assert.equal(applyPatch(before, diff.text), after);
      const length = (text: string) => (text === "" ? 0 : text.replace(/\n$/, "").split("\n").length);
      assert.equal(length(after) - length(before), diff.addedLines - diff.removedLines);
    }),
  );
});

test("a small change reads like git shows it", () => {
  const diff = unifiedDiff({
    path: "notes/a.md",
    before: "one\ntwo\nthree\n",
    after: "one\n2\nthree\n",
    contextLines: 1,
  });
  assert.deepEqual(diff, {
    text: "--- a/notes/a.md\n+++ b/notes/a.md\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n",
    addedLines: 1,
    removedLines: 1,
    isTruncated: false,
  });
});

test("a long diff is cut and says so, and still counts everything", () => {
  const after = Array.from({ length: 50 }, (_, index) => `line ${index}\n`).join("");
  const diff = unifiedDiff({ path: "a", before: "", after, linesMax: 10 });
  assert.equal(diff.text.split("\n").length, 2 + 10 + 1 + 1);
  assert.match(diff.text, /\n… 41 more lines\n$/);
  assert.deepEqual([diff.addedLines, diff.removedLines, diff.isTruncated], [50, 0, true]);
});

test("a long new file is shown from its beginning, not summed up", () => {
  const diff = unifiedDiff({ path: "a", before: "", after: "line\n".repeat(50_000), linesMax: 2 });
  assert.equal(diff.text, "--- a/a\n+++ b/a\n@@ -0,0 +1,50000 @@\n+line\n… 49999 more lines\n");
  assert.equal(diff.addedLines, 50_000);
});

test("huge or utterly different files are summed up instead of searched", () => {
  const text = (word: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${word} ${index}\n`).join("");
  const different = unifiedDiff({ path: "a", before: text("old", 3_000), after: text("new", 2_900) });
  assert.deepEqual([different.addedLines, different.removedLines, different.isTruncated], [2_900, 3_000, true]);
  const huge = unifiedDiff({ path: "a", before: "x".repeat(4_000_001), after: "y" });
  assert.match(huge.text, /the whole file is replaced; lines before: 1, after: 1/);
});
