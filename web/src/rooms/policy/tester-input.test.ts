import assert from "node:assert/strict";
import { test } from "vitest";
import { meaningOf } from "./allowance-words.ts";
import { formFields, readForm, readJson } from "./tester-input.ts";

const fields = formFields({
  required: ["folder"],
  properties: {
    deep: { type: "object" },
    count: { type: "integer", description: "How many." },
    isDry: { type: "boolean" },
    folder: { type: "string" },
    way: { enum: ["in", "out"] },
  },
});

test("a form has what is required first, and JSON for what is no plain field", () => {
  assert.deepEqual(
    fields.map(({ name, sort, isRequired }) => [name, sort, isRequired]),
    [
      ["folder", "text", true],
      ["deep", "json", false],
      ["count", "number", false],
      ["isDry", "switch", false],
      ["way", "choice", false],
    ],
  );
});

test("what is left empty is left out, and a fault names its field", () => {
  assert.deepEqual(readForm(fields, {}), { input: undefined });
  assert.deepEqual(readForm(fields, { folder: "/a b", count: "2", isDry: "false", way: "out", deep: '{"a":[1]}' }), {
    input: { folder: "/a b", count: 2, isDry: false, way: "out", deep: { a: [1] } },
  });
  assert.deepEqual(readForm(fields, { count: "two" }), { faultAt: "count", sort: "number", reason: "" });
  const broken = readForm(fields, { deep: "{" });
  assert.ok("faultAt" in broken && broken.faultAt === "deep" && broken.reason !== "");
  assert.deepEqual(readJson(" "), { input: undefined });
});

test("the words of an allowance are understood, and half of them are not", () => {
  assert.deepEqual(meaningOf(" 1  USD/day"), { unit: "microUsd", limit: 1_000_000, window: "day" });
  assert.deepEqual(meaningOf("5 MB written/run web.fetch for agent:scout"), {
    unit: "bytesWritten",
    limit: 5_000_000,
    window: "run",
    tool: "web:fetch",
    subject: "agent:scout",
  });
  for (const text of ["", "1", "1 USD", "1 USD/", "1 EUR/day", "1 MB/day", "1 calls out/day", "1 call/eon"])
    assert.equal(meaningOf(text), undefined, text);
});
