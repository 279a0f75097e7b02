import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { cedarPieces } from "./cedar-text.ts";

const sorts = (text: string): readonly string[] =>
  cedarPieces(text).flatMap(({ sort, text: piece }) => (sort === "plain" ? [] : [`${sort} ${piece}`]));

test("keywords, names of types, texts, annotations and comments are told apart", () => {
  assert.deepEqual(
    sorts(`// why "not"\n@id("hands-off")\nforbid (principal is Agent, action in Action::"wr\\"ite", resource);`),
    [
      'comment // why "not"',
      "annotation @id",
      'text "hands-off"',
      "word forbid",
      "word principal",
      "word is",
      "word action",
      "word in",
      "type Action",
      'text "wr\\"ite"',
      "word resource",
    ],
  );
  assert.deepEqual(sorts("permitted inward"), []);
});

test("no text is lost or made up", () => {
  const parts = fc.constantFrom("permit", '"', "\\", "@id", "//", "\n", "Action::", " ", "when", "é", "(", "\u202e");
  const property = fc.property(fc.array(parts, { maxLength: 30 }), (given) => {
    const text = given.join("");
    assert.equal(
      cedarPieces(text)
        .map((piece) => piece.text)
        .join(""),
      text,
    );
  });
  fc.assert(property, { numRuns: 100 });
});
