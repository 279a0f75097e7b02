import assert from "node:assert/strict";
import { test } from "vitest";
import { emptyDraft, inputOf } from "./what-if-draft.ts";

test("what is different is asked, and nothing else", () => {
  assert.equal(inputOf("ep-1", emptyDraft), null);
  assert.equal(inputOf("ep-1", { ...emptyDraft, budget: " \n", policy: "  ", answer: "no step" }), null);
  assert.deepEqual(inputOf("ep-1", { ...emptyDraft, budget: "2 calls/run\n\n 1 USD/run " }), {
    run: "ep-1",
    budget: ["2 calls/run", "1 USD/run"],
  });
  assert.deepEqual(inputOf("ep-1", { ...emptyDraft, isAlone: true }), { run: "ep-1", policy: "", isAlone: true });
  assert.deepEqual(inputOf("ep-1", { ...emptyDraft, step: " 3", answer: "a=b", hint: "Be brief.", model: " none " }), {
    run: "ep-1",
    model: "none",
    hint: "Be brief.",
    edit: ["3=a=b"],
  });
});
