import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import { createPen } from "../surfaces/cli/pen.ts";
import { differenceLines } from "./cli-differences.ts";

const pen = createPen({ columns: 80, hasColor: false, timeText: String });
const lines = (recorded: unknown, made: unknown): readonly string[] => differenceLines(recorded, made, pen);

test("only what differs is shown, by its place, each side on a line of its own", () => {
  const recorded = { tool: "fs.read", data: { path: "a.md", lines: [1, 2] }, same: "x" };
  const made = { tool: "fs.read", data: { path: "b.md", lines: [1, 2, 3] }, same: "x", more: true };
  assert.deepEqual(lines(recorded, made), [
    '  - data.path: "a.md"',
    '  + data.path: "b.md"',
    "  + data.lines.2: 3",
    "  + more: true",
  ]);
  assert.deepEqual(lines(null, "so"), ["  - null", '  + "so"']);
  assert.deepEqual(lines(recorded, structuredClone(recorded)), []);
});

test("a digest is shown only where nothing else speaks", () => {
  assert.deepEqual(lines({ argsDigest: "a", summary: "x" }, { argsDigest: "b", summary: "y" }), [
    '  - summary: "x"',
    '  + summary: "y"',
  ]);
  assert.deepEqual(lines({ argsDigest: "a" }, { argsDigest: "b" }), ['  - argsDigest: "a"', '  + argsDigest: "b"']);
});

test("of long texts the place is shown where they part, and of many places the first", () => {
  const long = "word ".repeat(2_000);
  const [then = "", now = ""] = lines({ text: `${long}here${long}` }, { text: `${long}there${long}` });
  assert.ok(then.length < 300 && now.length < 300, then);
  assert.match(then, /…(?:word )+hereword/);
  assert.match(now, /…(?:word )+thereword/);
  const many = lines(
    Array.from({ length: 50 }, (_each, n) => n),
    Array.from({ length: 50 }, (_each, n) => n + 100),
  );
  assert.equal(many.at(-1), "  and 38 more places; all of it with --json");
});

test("nothing that a record holds reaches the terminal as a command to it", () => {
  assert.ok(!lines("\u001b[2J", "\u001b]0;x\u0007").join("").includes("\u001b"));
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const told = lines(a, b);
      if (isDeepStrictEqual(a, b)) assert.deepEqual(told, []);
      for (const line of told) assert.ok(!/[\u0000-\u0008\u001b]/.test(line));
    }),
    runs(100),
  );
});
