import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import { canonicalJson } from "./canonical-json.ts";
import { jsonDifference } from "./json-difference.ts";

test("there is a difference exactly where the canonical texts differ, whatever the order of members", () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(value, value, (a, b) => {
      assert.equal(jsonDifference(a, b) === null, canonicalJson(a) === canonicalJson(b));
      assert.equal(jsonDifference(a, JSON.parse(canonicalJson(a))), null);
    }),
    runs(100),
  );
});

test("the first difference is named by its pointer, and what JSON leaves out is no difference", () => {
  assert.equal(jsonDifference({ a: [1, { "b/c": 2 }] }, { a: [1, { "b/c": 3 }] }), "/a/1/b~1c");
  assert.equal(jsonDifference({ a: 1 }, { a: 1, b: 2 }), "/b");
  assert.equal(jsonDifference([1, 2], [1]), "/1");
  assert.equal(jsonDifference({ a: undefined, b: Number.NaN, c: -0 }, { b: null, c: 0 }), null);
});
