import assert from "node:assert/strict";
import { test } from "vitest";
import type { WhatIf } from "./capsules-api.ts";
import { questionSums } from "./what-if-sums.ts";

type Told = Parameters<typeof questionSums>[0];
type Difference = WhatIf["differences"][number];

const step = (was: Difference["was"]["effect"], result: Difference["result"]): Difference => ({
  step: 1,
  tool: "fs.write",
  summary: "Write brief.md",
  was: { effect: was },
  now: { effect: result === "blocked" ? "deny" : "allow" },
  result,
});
const told = (asked: number, saved: number, differences: readonly Difference[]): Told => ({
  approvals: { asked, saved, added: 0 },
  differences: [...differences],
  unknownAfterStep: null,
});

test("a question whose call is refused instead is told apart from one that is saved", () => {
  assert.deepEqual(questionSums(told(1, 1, [step("ask", "blocked")])), {
    askedThen: 1,
    askedNow: 0,
    saved: 0,
    blocked: 1,
    idle: 0,
    added: 0,
  });
  assert.deepEqual(questionSums(told(3, 3, [step("ask", "saved"), step("ask", "blocked")])), {
    askedThen: 3,
    askedNow: 0,
    saved: 1,
    blocked: 1,
    idle: 1,
    added: 0,
  });
});

test("a call that nobody was asked about is no question, and behind the horizon nobody knows the number", () => {
  const { saved, blocked, askedNow } = questionSums({
    ...told(2, 0, [step("allow", "blocked")]),
    approvals: { asked: 2, saved: 0, added: 1 },
    unknownAfterStep: 4,
  });
  assert.deepEqual({ saved, blocked, askedNow }, { saved: 0, blocked: 0, askedNow: null });
});
