import assert from "node:assert/strict";
import { test } from "vitest";
import { diffLines } from "./diff-lines.ts";

test("lines carry their kind and number; a removed line that looks like a header is still a line", () => {
  const diff = "--- a.md\n+++ a.md\n@@ -1,3 +1,3 @@\n one\n---- two\n+++ plus\n three\n\\ No newline at end of file\n";
  assert.deepEqual(
    diffLines(diff).map(({ kind, text, line }) => [kind, text, line]),
    [
      ["file", "--- a.md", null],
      ["file", "+++ a.md", null],
      ["hunk", "@@ -1,3 +1,3 @@", null],
      ["same", "one", 1],
      ["removed", "--- two", 2],
      ["added", "++ plus", 2],
      ["same", "three", 3],
      ["hunk", "\\ No newline at end of file", null],
    ],
  );
});
