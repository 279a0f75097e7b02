import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createLiteralFinder } from "./literal-finder.ts";

const letters = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom("a", "b", "\u3061", "\u4061"), minLength, maxLength });

test("replaces what a leftmost-longest search replaces", () => {
  fc.assert(
    fc.property(fc.array(letters(2, 5), { minLength: 1, maxLength: 6 }), letters(0, 60), (literals, text) => {
      const longestFirst = literals.toSorted((a, b) => b.length - a.length);
      const expected = text.replace(new RegExp(longestFirst.join("|"), "g"), (literal) => `<${literal.length}>`);
      const finder = createLiteralFinder(literals, 2);
      assert.equal(
        finder.replace(text, (literal) => `<${literal.length}>`),
        expected,
      );
    }),
  );
});

test("text without a literal comes back as it is, and literals below the minimum are refused", () => {
  const finder = createLiteralFinder(["secret-one", "secret-two"], 6);
  assert.equal(
    finder.replace("nothing here, secret-three", () => assert.fail()),
    "nothing here, secret-three",
  );
  assert.equal(
    finder.replace("", () => assert.fail()),
    "",
  );
  assert.throws(() => createLiteralFinder(["short"], 6), RangeError);
  assert.throws(() => createLiteralFinder([], 1), RangeError);
});
