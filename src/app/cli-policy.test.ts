import assert from "node:assert/strict";
import { test } from "vitest";
import { Allow, List, Prices } from "../domains/budgets/contract.ts";
import { ListKeys } from "../domains/gating/contract.ts";
import { Explain } from "../domains/policy/contract.ts";
import { createPen } from "../surfaces/cli/pen.ts";
import { budgetAnswers } from "./cli-budgets.ts";
import { policyAnswers } from "./cli-policy.ts";

const pen = createPen({ columns: 80, hasColor: false, timeText: (timeMs) => new Date(timeMs).toISOString() });
const shown = (text: string | undefined): readonly string[] => {
  const lines = (text ?? "").split("\n");
  for (const line of lines) assert.ok(line.length <= 80, `over 80 columns: ${line}`);
  return lines;
};

test("an explanation names rule, source, why and next step first, and then what each stage says", () => {
  const reason = "the policy hands-off forbids fs:write on /home/ada/notes, which is a folder with a rather long name";
  const decidedBy = {
    stage: "policy",
    key: "fs:write",
    verdict: "deny",
    reason,
    rule: "hands-off",
    source: "policies/home.cedar:1",
    next: "let a person make the call",
    retryAfterMs: 60_000,
  };
  const gate = { stage: "gate", key: "fs:write", verdict: "pass", reason: "no rule \u001b[31mdenies it" };
  const answer = { key: "fs:write", operation: "fs.write", caller: "agent:scout", atMs: 0, verdict: "deny", decidedBy };
  assert.deepEqual(shown(policyAnswers[Explain.id]?.({ ...answer, stages: [gate, decidedBy] }, pen)), [
    "deny  fs:write for agent:scout",
    "  why     the policy hands-off forbids fs:write on /home/ada/notes, which is a",
    "          folder with a rather long name",
    "  rule    hands-off",
    "  source  policies/home.cedar:1",
    "  next    let a person make the call",
    "  wait    passes again in 1 min",
    "",
    "  gate    pass  no rule denies it",
    "  policy  deny  the policy hands-off forbids fs:write on /home/ada/notes, which",
    "                is a folder with a rather long name",
  ]);
  const free = { ...answer, verdict: "allow", decidedBy: null, stages: [gate] };
  assert.deepEqual(shown(policyAnswers[Explain.id]?.(free, pen)), [
    "allow  fs:write for agent:scout",
    "  gate    pass  no rule denies it",
  ]);
});

test("each gate key has its title, its stability and its purpose", () => {
  const row = { key: "fs:write", title: "Fs write", family: "operation", stability: "stable", deniedBy: null };
  const keys = [
    { ...row, about: "Write a text file in a granted folder, atomically, and answer with what changed of it." },
    { ...row, about: "Short.", deniedBy: "no-web" },
  ];
  assert.deepEqual(shown(policyAnswers[ListKeys.id]?.({ keys }, pen)), [
    "fs:write                              Fs write                    stable",
    "    Write a text file in a granted folder, atomically, and answer with what",
    "    changed of it.",
    "fs:write                              Fs write                    stable",
    "    denied by no-web",
    "    Short.",
  ]);
});

test("ceilings say what is left, what happens before they are used up, and which are near their end", () => {
  const row = {
    allowanceId: "id",
    text: "1 USD/day",
    unit: "microUsd",
    limit: 1_000_000,
    window: "day",
    createdAtMs: 0,
    createdBy: "person:admin",
  };
  const money = { ...row, softPercent: 50, over: "ask", unknown: "allow", used: 600_000, left: 400_000, isNear: true };
  const run = { ...row, text: "9 calls/run", unit: "calls", limit: 9, window: "run", used: 0, left: 9, isNear: false };
  const allowances = [
    { ...money, resetsAtMs: 86_400_000 },
    { ...run, resetsAtMs: null },
  ];
  assert.deepEqual(shown(budgetAnswers[List.id]?.({ allowances }, pen)), [
    "1 USD/day, asks above 50%, unknown prices pass uncounted  near its end",
    "  0.6 USD used, 0.4 USD left, begins anew 1970-01-02T00:00:00.000Z",
    "  id",
    "9 calls/run",
    "  for each run by itself",
    "  id",
  ]);
  assert.deepEqual(shown(budgetAnswers[Allow.id]?.({ ...row, over: "ask" }, pen)), ["✓ 1 USD/day, asks above 80%"]);
});

test("prices come with the file that names them, and an unknown one says so", () => {
  const known = { model: "sage-1", host: "api.example.org", inputUsdPerMillion: 1.25, outputUsdPerMillion: 10 };
  const prices = [
    { ...known, cachedInputUsdPerMillion: 0.125, place: "prices/2026-11-01.toml:3", sinceMs: 1, isInForce: false },
    {
      model: "seer",
      host: null,
      inputUsdPerMillion: "unknown",
      outputUsdPerMillion: "unknown",
      cachedInputUsdPerMillion: "unknown",
      place: null,
      sinceMs: null,
      isInForce: false,
    },
  ];
  const lines = (budgetAnswers[Prices.id]?.({ folder: "/s/prices", prices }, pen) ?? "").split("\n");
  assert.match(
    lines[1] ?? "",
    /^sage-1 at api\.example\.org +1\.25 +0\.125 +10 +prices\/2026-11-01\.toml:3 \(not yet\)$/,
  );
  assert.match(lines[2] ?? "", /^seer +unknown +unknown +unknown +no list names it$/);
  assert.match(budgetAnswers[Prices.id]?.({ folder: "/s/prices", prices: [] }, pen) ?? "", /no list in \/s\/prices/);
  assert.equal(budgetAnswers[Prices.id]?.({ folder: "", prices: [], template: "# fill\n" }, pen), "# fill");
});
