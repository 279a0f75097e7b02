import assert from "node:assert/strict";
import { test } from "vitest";
import { applyRowPatches } from "./row-patch.ts";

const rows: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["a/b~c", { name: "a", list: [1, 2, 3], deep: { x: 1 } }],
  ["quiet", { name: "quiet" }],
]);

test("rows are added, changed and removed, and the others stay as they are", () => {
  const next = applyRowPatches(rows, [
    { op: "replace", path: "/rows/a~1b~0c/deep/x", value: 2 },
    { op: "remove", path: "/rows/a~1b~0c/list/2" },
    { op: "add", path: "/rows/a~1b~0c/list/-", value: 4 },
    { op: "add", path: "/rows/a~1b~0c/list/0", value: 0 },
    { op: "add", path: "/rows/new", value: { name: "new" } },
  ]);
  assert.deepEqual(next.get("a/b~c"), { name: "a", list: [0, 1, 2, 4], deep: { x: 2 } });
  assert.deepEqual(next.get("new"), { name: "new" });
  assert.equal(next.get("quiet"), rows.get("quiet"));
  assert.deepEqual(rows.get("a/b~c"), { name: "a", list: [1, 2, 3], deep: { x: 1 } });
  assert.equal(applyRowPatches(next, [{ op: "remove", path: "/rows/new" }]).has("new"), false);
});

test("a patch that fits nothing is refused: something was missed", () => {
  for (const path of ["/rows/gone/name", "/rows", "/other/x", "/rows/a~1b~0c/list/9", "/rows/a~1b~0c/name/x"]) {
    assert.throws(() => applyRowPatches(rows, [{ op: "replace", path, value: 1 }]), RangeError, path);
  }
});
