import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "vitest";
import { runs } from "../../../../test/kit/runs.ts";
import { passagesOf } from "./passages.ts";
import { createIndex } from "./rank.ts";
import { isSameWord, wordsOf } from "./words.ts";

const digest = `sha256:${"0".repeat(64)}`;
const ranked = (question: string, texts: Readonly<Record<string, string>>) => {
  const index = createIndex(wordsOf(question));
  for (const [path, text] of Object.entries(texts))
    for (const passage of passagesOf(text.split("\n"))) index.add({ ...passage, path, digest });
  return index.best(5);
};
const places = (found: ReturnType<typeof ranked>): string[] => found.map(({ path, line }) => `${path}:${line}`);

describe("words", () => {
  test("case, accents and words that say nothing do not count", () => {
    assert.deepEqual(wordsOf("When is the CAFÉ in Köln open?"), ["cafe", "koln", "open"]);
    assert.deepEqual(wordsOf("Was ist die Öffnungszeit?"), ["offnungszeit"]);
  });

  test("scripts without spaces are read sign by sign, also where scripts meet", () => {
    assert.deepEqual(wordsOf("東京tower"), ["東", "京", "tower"]);
    assert.deepEqual(wordsOf("Привет, мир"), ["привет", "мир"]);
  });

  test("forms of a word are one word, and words that only begin alike are not", () => {
    for (const [one, other] of [
      ["tomato", "tomatoes"],
      ["berry", "berries"],
      ["water", "watering"],
    ] as const)
      assert.ok(isSameWord(one, other), `${one} ${other}`);
    for (const [one, other] of [
      ["car", "cart"],
      ["plan", "planetarium"],
      ["2026", "2027"],
    ] as const)
      assert.ok(!isSameWord(one, other), `${one} ${other}`);
  });

  test("being one word does not depend on the order", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (one, other) => {
        assert.equal(isSameWord(one, other), isSameWord(other, one));
      }),
      runs(100),
    );
  });
});

describe("passages", () => {
  test("paragraphs and items stand alone, under the heading above them", () => {
    const text = "# Water\n\nThe tank is empty.\nFill it.\n\n- one\n- two\n  more of two\n## Beds ##\nNorth.";
    assert.deepEqual(passagesOf(text.split("\n")), [
      { text: "# Water", line: 1, heading: "" },
      { text: "The tank is empty.\nFill it.", line: 3, heading: "Water" },
      { text: "- one", line: 6, heading: "Water" },
      { text: "- two\n  more of two", line: 7, heading: "Water" },
      { text: "## Beds ##", line: 9, heading: "" },
      { text: "North.", line: 10, heading: "Beds" },
    ]);
  });

  test("each passage stands in the text as it is quoted, at its line, and nothing that is no blank is lost", () => {
    const lines = fc.array(
      fc.constantFrom("", "  ", "# A", "word", "- item", "1. item", "a longer line of words", "\t"),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(lines, (given) => {
        const passages = passagesOf(given);
        for (const { text, line } of passages) {
          const count = text.split("\n").length;
          assert.equal(given.slice(line - 1, line - 1 + count).join("\n"), text);
        }
        const quoted = passages.flatMap(({ text }) => text.split("\n"));
        assert.deepEqual(
          quoted,
          given.filter((line) => line.trim() !== ""),
        );
      }),
      runs(100),
    );
  });
});

describe("ranking", () => {
  test("the passage that says most of what was asked comes first", () => {
    const found = ranked("When is the soil test due?", {
      "a.md": "The soil is dry.\n\nSend the soil test by 1 March, when it is due.",
      "b.md": "A test of patience.",
    });
    assert.equal(places(found)[0], "a.md:3");
  });

  test("nothing is answered where nothing fits, nor where only common words do", () => {
    const texts = { "a.md": "The football of the garden.\n\nBeans and peas." };
    assert.deepEqual(ranked("What is the capital of Mongolia?", texts), []);
    assert.deepEqual(ranked("Which team wins the premier league football cup final?", texts), []);
  });

  test("equal passages are in order of path and line, copies are told once, and the order of reading does not count", () => {
    const texts = { "b.md": "Beans grow.\n\nBeans climb.", "a.md": "Beans climb.\n\nBeans sleep." };
    const backwards = Object.fromEntries(Object.entries(texts).toReversed());
    assert.deepEqual(places(ranked("beans", texts)), ["a.md:1", "a.md:3", "b.md:1"]);
    assert.deepEqual(places(ranked("beans", backwards)), places(ranked("beans", texts)));
  });

  test("what is found holds a word that was asked for, whatever the texts are", () => {
    const word = fc.constantFrom("bean", "pea", "beans", "soil", "the", "water");
    const text = fc.array(fc.oneof(word, fc.constant("\n\n")), { maxLength: 40 }).map((words) => words.join(" "));
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("a", "b", "c"), text),
        fc.array(word, { maxLength: 4 }),
        (texts, asked) => {
          const question = asked.join(" ");
          const found = ranked(question, texts);
          assert.deepEqual(ranked(question, texts), found);
          for (const passage of found)
            assert.ok(wordsOf(passage.text).some((each) => wordsOf(question).some((one) => isSameWord(one, each))));
          for (const [place, { score }] of found.entries()) assert.ok(score <= (found[place - 1]?.score ?? score));
        },
      ),
      runs(100),
    );
  });
});
