import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { readArguments } from "./arguments.ts";

const objects = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });
const valueOf = (text: string): unknown => {
  const read = readArguments(text);
  return read.kind === "object" ? read.value : read.message;
};
const mendedOf = (text: string): readonly string[] => {
  const read = readArguments(text);
  return read.kind === "object" ? read.mended : [read.kind];
};

test("what is JSON is taken as it is", () => {
  fc.assert(
    fc.property(objects, (value) => {
      const text = JSON.stringify(value);
      assert.deepEqual([valueOf(text), mendedOf(text)], [JSON.parse(text), []]);
    }),
    runs(100),
  );
});

describe("what is certain is mended, and told", () => {
  for (const [text, value, mended] of [
    ["{'a': 'b'}", { a: "b" }, ["single quotes"]],
    ['{"a": [1, 2,],}', { a: [1, 2] }, ["a comma too many"]],
    ['{"a": {"b": "c"', { a: { b: "c" } }, ["a missing end"]],
    ['```json\n{"a": 1,}\n```', { a: 1 }, ["a fence around the JSON", "a comma too many"]],
    ['"{\\"a\\": 1}"', { a: 1 }, ["JSON within a text"]],
    ["{'a': 'it\\'s', 'b': '\\u00e4'}", { a: "it's", b: "ä" }, ["single quotes"]],
    ['{"a": "two\nlines",}', { a: "two\nlines" }, ["a comma too many"]],
    ["", {}, []],
  ] as const)
    test(JSON.stringify(text), () => assert.deepEqual([valueOf(text), mendedOf(text)], [value, mended]));
});

test("what is unclear is asked again", () => {
  for (const text of ['{"a": 1', '{"a": "no end', "fs.read a.md", "[1]", "7", '{"a": }', "{a: 1}", '{"a": 1]'])
    assert.equal(readArguments(text).kind, "fault", text);
});

test("whatever a model writes, the answer comes, and a mended value says nothing that was not written", () => {
  const pieces = fc.array(fc.constantFrom("{", "}", "[", "]", ",", ":", '"', "'", "a", "1", "\\", "```", " ", "\n"));
  fc.assert(
    fc.property(pieces, (parts) => {
      const text = parts.join("");
      const read = readArguments(text);
      if (read.kind === "fault") return;
      const words = (JSON.stringify(read.value).match(/[a1]/gu) ?? []).length;
      assert.ok(words <= (text.match(/[a1]/gu) ?? []).length);
    }),
    runs(100),
  );
});

test("quotes of the other kind and ends cut off are mended to what was meant", () => {
  const word = fc.stringMatching(/^[a-z]{1,5}$/u);
  const plain = fc.dictionary(word, word, { minKeys: 1, maxKeys: 4 });
  fc.assert(
    fc.property(plain, (value) => {
      const text = JSON.stringify(value);
      assert.deepEqual(valueOf(text.replaceAll('"', "'")), JSON.parse(text));
      assert.deepEqual(valueOf(text.slice(0, -1)), JSON.parse(text));
      assert.equal(readArguments(text.slice(0, -1), true).kind, "fault");
      assert.deepEqual(valueOf(`\`\`\`json\n${text}\n\`\`\``), JSON.parse(text));
    }),
    runs(100),
  );
});
