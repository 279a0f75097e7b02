import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { codeOf, headingOf, inlinesOf, itemsOf, quoteOf, rawBlocks, tableOf } from "./markdown.ts";

const kinds = (text: string): readonly string[] => rawBlocks(text).map(({ kind }) => kind);
const only = (text: string) => {
  const [block, ...rest] = rawBlocks(text);
  assert.ok(block);
  assert.deepEqual(rest, []);
  return block;
};

test("a text falls into its blocks", () => {
  const text =
    "# Title\nwords\nmore\n\n- a\n- b\n\n> said\non\n\n```ts\nlet a;\n\nlet b;\n```\n---\n| a | b |\n|---|---|\n| 1 | 2 |";
  assert.deepEqual(kinds(text), ["heading", "text", "list", "quote", "code", "rule", "table"]);
});

test("blocks keep what they say", () => {
  assert.equal(headingOf(only("## Two ##")), "Two");
  assert.deepEqual(codeOf(only("```ts\nlet a;\n\n# no heading\n```")), {
    language: "ts",
    text: "let a;\n\n# no heading",
  });
  assert.deepEqual(codeOf(only("~~~\nstill coming")), { language: "", text: "still coming" });
  assert.equal(quoteOf(only("> a\n> b")), "a\nb");
  assert.deepEqual(itemsOf(only("3. a\n   goes on\n  - b")), [
    { depth: 0, number: 3, text: "a\ngoes on" },
    { depth: 1, number: null, text: "b" },
  ]);
  assert.deepEqual(tableOf(only("| a | b\\|c |\n|---|:--|\n| 1 | 2 |")), {
    hasHead: true,
    rows: [
      ["a", "b|c"],
      ["1", "2"],
    ],
  });
});

test("a block that ended is the same when more comes", () => {
  const whole = "# A\n\nfirst\n\n- x\n- y\n\nlast words";
  const lines = whole.split("\n");
  for (let count = 1; count < lines.length; count += 1) {
    const now = rawBlocks(lines.slice(0, count).join("\n"));
    const ended = now.slice(0, -1);
    assert.deepEqual(ended, rawBlocks(whole).slice(0, ended.length));
  }
});

test("links show their host and lead to the web alone, pictures are never addresses", () => {
  assert.deepEqual(inlinesOf("see [this](https://example.org/a) or https://example.net/b."), [
    { kind: "text", text: "see " },
    { kind: "link", text: "this", url: "https://example.org/a", host: "example.org" },
    { kind: "text", text: " or " },
    { kind: "link", text: "https://example.net/b.", url: "https://example.net/b.", host: "example.net" },
  ]);
  for (const text of [
    "[a](javascript:alert(1))",
    "[a](data:text/html,x)",
    "[a](//example.org)",
    "[a](https://u@example.org)",
  ])
    assert.ok(
      inlinesOf(text).every(({ kind }) => kind === "text"),
      text,
    );
  assert.deepEqual(inlinesOf("![chart](https://example.org/x.png)"), [
    { kind: "picture", text: "chart", host: "example.org" },
  ]);
});

test("marks inside a line are understood, and HTML is text", () => {
  assert.deepEqual(inlinesOf("**a `b`** and *c* snake_case_name <b>x</b>"), [
    {
      kind: "strong",
      parts: [
        { kind: "text", text: "a " },
        { kind: "code", text: "b" },
      ],
    },
    { kind: "text", text: " and " },
    { kind: "emphasis", parts: [{ kind: "text", text: "c" }] },
    { kind: "text", text: " snake_case_name <b>x</b>" },
  ]);
});

test("any text is read without an end of patience, and no word of it is lost", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from("a *_`[]()!\n#>-|1.~<:/")), maxLength: 400 }),
      (text) => {
        const lines = rawBlocks(text).flatMap((block) => block.lines);
        assert.deepEqual(
          lines.filter((line) => line.trim() !== ""),
          text.split("\n").filter((line) => line.trim() !== ""),
        );
        for (const line of lines) inlinesOf(line);
      },
    ),
    { numRuns: 100 },
  );
});
