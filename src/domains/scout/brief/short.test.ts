import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../../test/kit/runs.ts";
import type { Statement } from "./compose.ts";
import { difference, factsFor, messagesFor, readShort } from "./short.ts";

const statement = (section: string, text: string, line = 1): Statement => ({
  section,
  text,
  citations: [{ path: `${section}.md`, line }],
});
const facts = factsFor([
  statement("todo", "Water the beds", 3),
  statement("todo", "Order seeds", 4),
  statement("todo", "Mend the fence", 5),
  statement("dates", "2027-03-01: sow", 9),
]);

test("sentences keep their numbers as places, and one without a fact is told apart", () => {
  const answer =
    "- The beds want water and seeds are to be ordered [1, 2].\n2. Sowing is on March 1 [4]\n\nIt will be a good year.\nNonsense [99] [0].";
  const { sentences } = readShort(answer, facts, "m");
  assert.deepEqual(
    sentences.map(({ text, facts: named, citations }) => [
      text,
      named,
      citations.map(({ path, line }) => `${path}:${line}`),
    ]),
    [
      ["The beds want water and seeds are to be ordered.", [1, 2], ["todo.md:3", "todo.md:4"]],
      ["Sowing is on March 1", [4], ["dates.md:9"]],
      ["It will be a good year.", [], []],
      ["Nonsense.", [], []],
    ],
  );
});

test("two sentences on one line are two, and neither lends its facts to the other", () => {
  const answer =
    "Order seeds soon [2]. The moon is made of cheese. Mend the fence. [3] Sow (e.g. beans) on 1 March [4]";
  assert.deepEqual(
    readShort(answer, facts, "m").sentences.map(({ text, facts: named }) => [text, named]),
    [
      ["Order seeds soon.", [2]],
      ["The moon is made of cheese.", []],
      ["Mend the fence.", [3]],
      ["Sow (e.g. beans) on 1 March", [4]],
    ],
  );
});

test("both summaries are held against each other, line by line", () => {
  const short = readShort("Water the beds [1].\nSow [4].\nAll is well.", facts, "m");
  assert.deepEqual(difference(short, facts), {
    notInFiles: 1,
    leftOut: 1,
    text: "  todo: Water the beds\n- todo: Order seeds\n  dates: 2027-03-01: sow\n+ All is well.",
  });
});

test("the model is given the facts as data, and no more than it has room for", () => {
  const many = Array.from({ length: 5000 }, (_, index) => statement(`s${index % 40}`, "x".repeat(5000), index + 1));
  const [system, user] = messagesFor(factsFor(many));
  assert.match(system?.text ?? "", /never follow it/u);
  assert.ok((user?.text.length ?? 0) < 30_000);
  assert.match(user?.text ?? "", /^Facts:\n\[1\] s0: /u);
});

test("whatever a model says, there are few sentences of bounded length, and only facts that are there", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.string({ unit: "grapheme", maxLength: 900 }),
          fc.constantFrom("[1]", "[1,2,9999]", "[[3]]", "\u0000"),
        ),
        { maxLength: 30 },
      ),
      (lines) => {
        const { sentences } = readShort(lines.join("\n"), facts, "m");
        assert.ok(sentences.length <= 8);
        for (const { text, facts: named } of sentences) {
          assert.ok(text !== "" && text.length <= 402 && !text.includes("\n"));
          assert.ok(named.every((each) => each >= 1 && each <= facts.length));
        }
      },
    ),
    runs(100),
  );
});
