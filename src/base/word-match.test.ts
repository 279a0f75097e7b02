import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { wordMatcher } from "./word-match.ts";

test("all words, in any order and case; quotes make one of several, and a star stands for anything", () => {
  const found = (words: string, line: string): number => wordMatcher(words).find(line);
  assert.equal(found("rose OLD", "An old Rose"), 3);
  assert.equal(found("rose new", "An old Rose"), -1);
  assert.equal(found('"old rose"', "An old Rose"), 3);
  assert.equal(found('"rose old"', "An old Rose"), -1);
  assert.equal(found("o*se", "An old Rose"), 3);
  assert.equal(found("se*o", "An old Rose"), -1);
  assert.equal(found('"old', "An old Rose"), 3);
  for (const nothing of ["", "  ", '""', "*"]) assert.equal(wordMatcher(nothing).words, 0);
});

test("a line holds every piece of itself", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme-ascii" }), fc.nat(), fc.nat(), (line, from, length) => {
      const piece = line.slice(from % (line.length + 1)).slice(0, length % 20);
      if (/["*]/.test(piece) || piece === "") return;
      assert.ok(wordMatcher(`"${piece}"`).find(line) >= 0);
    }),
    { numRuns: 100 },
  );
});

test("stars take no longer than the line is long", () => {
  assert.equal(wordMatcher("a*".repeat(5000) + "b").find("a".repeat(200_000)), -1);
});
