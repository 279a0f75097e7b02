import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { commandLine } from "./command-line.ts";

test("a person can tell the words apart, and nothing is hidden", () => {
  assert.equal(commandLine("git", ["log", "--format=%H", "-n", "1"]), "git log --format=%H -n 1");
  assert.equal(commandLine("sh", ["-c", "rm -r a; echo 'b'", ""]), "sh -c $'rm -r a; echo \\'b\\'' ''");
  assert.equal(commandLine("echo", ["a\nb\u202e\u200bc\u001b[2K"]), "echo $'a\\nb\\u{202e}\\u{200b}c\\u{1b}[2K'");
});

test("other words never read the same", () => {
  const words = fc.array(fc.string({ unit: fc.constantFrom("a", " ", "'", "\\", "$", "\n", "n", "\u200b") }), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(words, words, (some, others) => {
      const isSame = JSON.stringify(some) === JSON.stringify(others);
      assert.equal(commandLine("x", some) === commandLine("x", others), isSame);
    }),
    { numRuns: 100 },
  );
});
