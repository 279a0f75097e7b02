import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { plain, plainLine } from "./plain.ts";

test("direction overrides, zero-width characters and controls are shown as marks", () => {
  assert.equal(plain("a\u202eb"), "a\u27e8U+202E\u27e9b");
  assert.equal(plain("pass\u200bword"), "pass\u27e8U+200B\u27e9word");
  assert.equal(plain("x\u0007\u007f"), "x\u2407\u2421");
});

test("terminal sequences are removed whole", () => {
  assert.equal(plain("\u001b[31mred\u001b[0m \u001b]8;;http://x\u0007link"), "red link");
});

test("line ends, tabs and ordinary text of any language stay", () => {
  for (const text of ["a\n\tb", "Größe", "日本語", "שלום", "👩‍🌾".replace("\u200d", "")])
    assert.equal(plain(text), text);
  assert.equal(plainLine(" a\r\n b\tc "), "a b c");
});

test("nothing invisible is left, whatever comes in", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }), (codes) => {
      const text = String.fromCharCode(...codes, ...codes.map((code) => code % 0x2100));
      assert.doesNotMatch(
        plain(text),
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u,
      );
    }),
    { numRuns: 100 },
  );
});
