import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { compareNames, comparePaths } from "./names.ts";

const name = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());

test("names are ordered as their UTF-8 bytes", () => {
  fc.assert(
    fc.property(name, name, (left, right) => {
      assert.equal(Math.sign(compareNames(left, right)), Buffer.compare(Buffer.from(left), Buffer.from(right)));
    }),
  );
});

test("a folder comes right before its content, and its content before longer names", () => {
  const wanted = ["a", "a/b", "a/b/c", "a/c", "a b", "a.txt", "b"];
  assert.deepEqual(wanted.toReversed().toSorted(comparePaths), wanted);
});
