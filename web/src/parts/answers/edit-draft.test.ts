import assert from "node:assert/strict";
import { test } from "vitest";
import { editFields, readEdit } from "./edit-draft.ts";

test("texts are edited as they are, everything else as JSON", () => {
  const fields = editFields({ path: "a.md", limit: 3, tags: ["x"] }, undefined);
  assert.deepEqual(
    fields.map(({ name, sort, before }) => [name, sort, before]),
    [
      ["path", "text", "a.md"],
      ["limit", "json", "3"],
      ["tags", "json", '[\n  "x"\n]'],
    ],
  );
  assert.deepEqual(readEdit(fields, { path: "b.md", limit: "3", tags: "[1]" }), {
    changes: { path: "b.md", tags: [1] },
    faults: {},
  });
  assert.deepEqual(Object.keys(readEdit(fields, { limit: "three" }).faults), ["limit"]);
  assert.deepEqual(editFields(["a"], undefined), []);
  assert.deepEqual(editFields(null, undefined), []);
});

test("a long text of a new file is read from the exact change", () => {
  const diff = "--- a/x\n+++ b/x\n@@ -0,0 +1,2 @@\n+one\n+two\n";
  const shown = (length: number): unknown => ({ text: `${length} characters, see the diff` });
  assert.deepEqual(editFields(shown(8), diff)[0], { name: "text", sort: "text", before: "one\ntwo\n", isWhole: true });
  assert.deepEqual(editFields(shown(7), `${diff}\\ No newline at end of file`)[0]?.before, "one\ntwo");
});

test("a text that is not shown whole begins empty, and stays when nothing is typed", () => {
  const changed = "@@ -1,2 +1,2 @@\n one\n-two\n+three\n";
  for (const diff of [undefined, changed, "@@ -0,0 +1,1 @@\n+cut\n… the diff goes on for 9 characters"]) {
    const fields = editFields({ text: "2000 characters, see the diff" }, diff);
    assert.deepEqual(fields[0], { name: "text", sort: "text", before: "", isWhole: false });
    assert.deepEqual(readEdit(fields, { text: "" }).changes, {});
  }
});
