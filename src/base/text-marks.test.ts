import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import {
  alphabetsMixed,
  decodeUtf8,
  isLikelyBinary,
  showControls,
  showHidden,
  showLine,
  truncate,
  wrapWords,
} from "./text-marks.ts";

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom("\u001b", "\u001b[", "\u001b]0;t", "\u0007", "\u009b", "31m", "\u202e", "\r", "\n", "\u0000"),
      fc.string(),
    ),
  )
  .map((pieces) => pieces.join(""));

test("nothing that moves a cursor or turns the line is left, and twice changes nothing", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const shown = showControls(text);
      assert.doesNotMatch(shown, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      assert.equal(showControls(shown), shown);
    }),
  );
});

test("escapes go, controls and bidirectional marks become visible, text stays", () => {
  const cases: [string, string][] = [
    ["a\tb\nc é 日本 👍", "a\tb\nc é 日本 👍"],
    ["\u001b[1;31mred\u001b[0m", "red"],
    ["\u001b]8;;http://x\u0007link\u001b]8;;\u001b\\", "link"],
    ["\u001b(Bplain\u001bc", "plain"],
    ["a\u0000b\u007f", "a\u2400b\u2421"],
    ["user\u202egnp.exe", "user\u27e8U+202E\u27e9gnp.exe"],
    ["\u001b[31", "\u241b[31"],
    ["done\r\nnext\rover", "done\nnext\u240dover"],
  ];
  for (const [text, shown] of cases) assert.equal(showControls(text), shown);
});

test("what is not seen becomes visible, but for what emoji and joined scripts are written with", () => {
  const cases: [string, string][] = [
    [
      "sc\u200bo\u00adu\u2060t\u{e0041}",
      "sc\u27e8U+200B\u27e9o\u27e8U+00AD\u27e9u\u27e8U+2060\u27e9t\u27e8U+E0041\u27e9",
    ],
    ["sc\u200cout\u200d a\ufe0f", "sc\u27e8U+200C\u27e9out\u27e8U+200D\u27e9 a\u27e8U+FE0F\u27e9"],
    [
      "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0915\u094d\u200d\u0937",
      "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0915\u094d\u200d\u0937",
    ],
    ["👩\u200d👩\u200d👧 ☂\ufe0f 👍🏽 é 日本", "👩\u200d👩\u200d👧 ☂\ufe0f 👍🏽 é 日本"],
  ];
  for (const [text, shown] of cases) assert.equal(showHidden(text), shown);
});

test("what stands in one line breaks it nowhere, and twice changes nothing", () => {
  assert.equal(showLine("a\nb\tc\r\nd"), "a\u240ab\u2409c\u240ad");
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: "binary" })), (text) => {
      const shown = showLine(text);
      assert.doesNotMatch(shown, /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\u200b]/);
      assert.equal(showLine(shown), shown);
    }),
    runs(100),
  );
});

test("letters of two alphabets in one word are told, and words of two languages are not", () => {
  assert.deepEqual(alphabetsMixed("sc\u043eut"), ["Latin", "Cyrillic"]);
  assert.deepEqual(alphabetsMixed("scout \u0438 \u0434\u0440\u0443\u0433, \u03b1 beta"), []);
});

test("hostile text costs linear time", () => {
  for (const seed of ["\u001b]", "\u001b[1;", "\u001b[", "\u009d", "\u001b   "]) {
    assert.ok(showControls(seed.repeat(20_000)).length > 0);
  }
});

test("a cut text has the asked length in code points and whole characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 12 }), (text, charactersMax) => {
      const cut = truncate(text, charactersMax);
      const characters = Array.from(text);
      const expected =
        characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax - 1).join("")}\u2026`;
      assert.equal(cut, expected);
    }),
  );
  assert.equal(truncate("abc", 0), "");
});

test("valid UTF-8 survives, and the rest is marked as such", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.deepEqual(decodeUtf8(new TextEncoder().encode(text)), {
        text: text.replace(/^\ufeff/, ""),
        isValid: true,
      });
    }),
  );
  assert.deepEqual(decodeUtf8(Uint8Array.of(0x61, 0xff)), { text: "a\ufffd", isValid: false });
});

test("pictures are binary, text in any script is not", () => {
  assert.equal(isLikelyBinary(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0)), true);
  assert.equal(isLikelyBinary(new TextEncoder().encode("Grüße, 日本\r\n\u001b[1mlog\u001b[0m")), false);
  assert.equal(isLikelyBinary(Uint8Array.of(1, 2, 3, 0x61)), true);
  assert.equal(isLikelyBinary(new Uint8Array()), false);
});

test("words are broken into lines that are no longer than asked, and none is lost", () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }),
      fc.integer({ min: 1, max: 40 }),
      (words, width) => {
        const lines = wrapWords(words.join(" "), width);
        assert.equal(lines.join(" "), words.join(" "));
        for (const line of lines) assert.ok(line.length <= width || !line.includes(" "));
      },
    ),
    runs(100),
  );
});
