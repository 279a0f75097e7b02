import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import { parseStrictJson } from "./strict-json.ts";

const parse = (text: string): unknown => parseStrictJson(text, { depthMax: 8 });

test("what JSON.parse would lose in silence is refused", () => {
  const lossy = [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"__proto__":{}}',
    "9007199254740993",
    "-9007199254740992",
    "1e400",
    '"\\ud800"',
    `${"[".repeat(9)}${"]".repeat(9)}`,
  ];
  for (const text of lossy) assert.throws(() => parse(text), TypeError, text);
});

test("what is no JSON is refused", () => {
  const broken = [
    "",
    " ",
    "{",
    "[1,]",
    "{,}",
    '{"a"}',
    "01",
    "+1",
    ".5",
    "NaN",
    "nul",
    "'a'",
    "1 2",
    "\ufeff1",
    '"\t"',
  ];
  for (const text of broken) assert.throws(() => parse(text), TypeError, JSON.stringify(text));
});

test("everything else reads as JSON.parse reads it, spaces and all", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const isLossy =
        /__proto__|e\+/.test(text) || !text.isWellFormed() || /\d{16}/.test(text) || /\\u[dD][89a-fA-F]/.test(text);
      if (!isLossy) assert.deepEqual(parse(text), JSON.parse(text));
    }),
    runs(100),
  );
});

test("no text does anything but be read or be refused, nested however deep", () => {
  assert.throws(() => parse("[".repeat(1_000_000)), TypeError);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"', ",", ":", "\\", "u", "0", "e", "-", " ") }),
      (text) => {
        try {
          parse(text);
          JSON.parse(text);
        } catch (error) {
          assert.ok(error instanceof TypeError, String(error));
        }
      },
    ),
    runs(100),
  );
});
