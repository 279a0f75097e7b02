import assert from "node:assert/strict";
import { test } from "vitest";
import { checkerOf, closed, oneOf, Type } from "../../contract/schema.ts";
import { answerWords, faultWords } from "./answer-words.ts";

const entry = closed({
  path: Type.String({ minLength: 1 }),
  kind: oneOf(["file", "folder"]),
  sizeBytes: Type.Integer(),
});
const listing = closed({
  entries: Type.Array(entry),
  next: Type.Union([Type.String(), Type.Null()]),
  isCut: Type.Optional(Type.Boolean()),
});

test("what an answer has to be is said in one sentence", () => {
  assert.equal(
    answerWords(listing),
    "an object of entries (a list), next (a text or null) and isCut (true or false, may be left out)",
  );
  assert.equal(answerWords(Type.Array(Type.String())), "a list");
  const wide = closed(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`field${index}`, Type.Number()])));
  assert.match(answerWords(wide), /field11 \(a number\) and more$/);
});

test.each([
  [[], "it has to be an object"],
  [{}, "entries and next are missing"],
  [{ entries: {}, next: null }, "entries has to be a list"],
  [{ entries: [], next: 1 }, "next has to be a text or null"],
  [{ entries: [{ path: "a", kind: "file" }], next: null }, "sizeBytes is missing in entries/0"],
  [
    { entries: [{ path: "a", kind: "file", sizeBytes: "1" }], next: null },
    "entries/0/sizeBytes has to be a whole number",
  ],
  [{ entries: [{ path: "a", kind: "x", sizeBytes: 1 }], next: null }, "entries/0/kind: must be one of file, folder"],
  [{ entries: [], next: null, more: 1 }, 'unknown field "more"'],
])("what is wrong with %j is said by its place", (answer, words) => {
  const [fault] = checkerOf(listing).faults(answer);
  assert.equal(fault && faultWords(listing, answer, fault), words);
});
