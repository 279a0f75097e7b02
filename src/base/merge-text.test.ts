import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { mergeTexts } from "./merge-text.ts";

const lines = fc.array(fc.constantFrom("a\n", "b\r\n", "c\n", "\n", "é\n"), { maxLength: 12 });
const text = fc.tuple(lines, fc.constantFrom("", "no end")).map(([all, end]) => all.join("") + end);

test("keeps what either side changed, whatever the line ends are", () => {
  const base = "one\r\ntwo\r\nthree\r\nfour\r\nfive";
  assert.equal(
    mergeTexts({ base, ours: `zero\r\n${base}`, theirs: base.replace("four\r\n", "") }),
    "zero\r\none\r\ntwo\r\nthree\r\nfive",
  );
  assert.equal(mergeTexts({ base: "a\nb\nc\n", ours: "a\nb\nC\n", theirs: "A\nb\nc\n" }), "A\nb\nC\n");
});

test("merges nothing where both changed the same or neighbouring lines", () => {
  assert.equal(mergeTexts({ base: "a\nb\n", ours: "a\nB\n", theirs: "a\nß\n" }), null);
  assert.equal(mergeTexts({ base: "a\nb\n", ours: "a\nB\n", theirs: "A\nb\n" }), null);
  assert.equal(mergeTexts({ base: "", ours: "x\n", theirs: "y\n" }), null);
});

test("with marks both sides stand in the text, with its line ends and each mark on a line of its own", () => {
  const marks = { ours: "mine", theirs: "before" };
  assert.equal(
    mergeTexts({ base: "a\r\nb\r\nc", ours: "a\r\nB\r\nC", theirs: "a\r\nß\r\nc", marks }),
    "a\r\n<<<<<<< mine\r\nB\r\nC\r\n=======\r\nß\r\nc\r\n>>>>>>> before\r\n",
  );
  const [ours, theirs] = ["A\nb\nc\nd\ne\n", "a\nb\nc\nD\ne\n"];
  assert.equal(mergeTexts({ base: "a\nb\nc\nd\ne\n", ours, theirs, marks }), "A\nb\nc\nD\ne\n");
});

test("what both changed alike is no conflict", () => {
  assert.equal(mergeTexts({ base: "a\nb\nc\nd\n", ours: "a\nB\nc\nD\n", theirs: "a\nB\nc\nd\n" }), "a\nB\nc\nD\n");
});

test("a side that changed nothing gives the other side, and sides may be swapped", () => {
  fc.assert(
    fc.property(text, text, text, (base, ours, theirs) => {
      assert.equal(mergeTexts({ base, ours, theirs: base }), ours);
      assert.equal(mergeTexts({ base, ours: base, theirs }), theirs);
      assert.equal(mergeTexts({ base, ours, theirs: ours }), ours);
      assert.equal(mergeTexts({ base, ours, theirs }), mergeTexts({ base, ours: theirs, theirs: ours }));
    }),
    { numRuns: 100 },
  );
});

test("lines that one side added are in what is merged", () => {
  fc.assert(
    fc.property(lines, lines, fc.nat(12), (base, ours, place) => {
      const at = Math.min(place, base.length);
      const theirs = [...base.slice(0, at), "only theirs\n", ...base.slice(at)];
      const merged = mergeTexts({ base: base.join(""), ours: ours.join(""), theirs: theirs.join("") });
      assert.ok(merged === null || merged.includes("only theirs\n"));
    }),
    { numRuns: 100 },
  );
});

test("texts that have nothing in common are refused before they cost", () => {
  const long = (prefix: string): string => Array.from({ length: 3000 }, (_, index) => `${prefix}${index}\n`).join("");
  assert.equal(mergeTexts({ base: long("a"), ours: long("b"), theirs: long("c") }), null);
});
