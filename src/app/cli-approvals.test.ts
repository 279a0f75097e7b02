import assert from "node:assert/strict";
import { test } from "vitest";
import type { Approval } from "../domains/approvals/contract.ts";
import { offersOf } from "../domains/approvals/offers.ts";
import { createPen } from "../surfaces/cli/pen.ts";
import { approvalsText, runAnswer } from "./cli-approvals.ts";

const nowMs = 1_750_000_000_000;
const pen = createPen({ columns: 80, hasColor: false, timeText: String });
const caller = { kind: "agent", id: "scout" } as const;
const scope = { folder: "/home/ada/notes", path: "brief.md" };
const waiting: Approval = {
  ...scope,
  approvalId: "01a2074f-9ae8-760c-9cef-8eb31b12dd7c",
  status: "waiting",
  operation: "fs.write",
  key: "fs:write",
  input: {},
  argsDigest: `sha256:${"0".repeat(64)}`,
  caller,
  corrId: "run",
  rule: "ask-before-change",
  ruleSource: "default policies:23",
  why: "an agent asks before it changes anything",
  effect: "Changes something; can be undone.",
  labels: ["user", "file"],
  sources: [{ label: "file", step: 3, tool: "text.outline", summary: "Read 12 files from garden.md on" }],
  offers: offersOf({ operation: "fs.write", caller, scope, isLeasable: true }),
  summary: "Replace brief.md (5.8 kB, +103 −0 lines)",
  canUndo: true,
  isResumable: false,
  requestedAtMs: nowMs - 60_000,
  expiresAtMs: nowMs + 720_000,
};

test("the list of questions fits a terminal, and says who wants what, why, for how long, and what can be answered", () => {
  const text = approvalsText([waiting], { pen, nowMs });
  assert.deepEqual(
    text.split("\n").filter((line) => line.length > 80),
    [],
  );
  assert.equal(
    text,
    `1b12dd7c  waiting    agent scout: Replace brief.md (5.8 kB, +103 −0 lines)
          Why: an agent asks before it changes anything (ask-before-change,
          default policies:23)
          Built from what came from file, such as step 3: Read 12 files from
          garden.md on
          Changes something; can be undone. 12 min left, then it counts as no.
          arw approvals decide 1b12dd7c allow
            Exactly this call, once.
          arw approvals decide 1b12dd7c allow --for run|15m|1h --over path
            Every fs.write of brief.md in /home/ada/notes by agent scout until
            this run ends, for 1 day at most.
          arw approvals decide 1b12dd7c allow --for run|15m|1h --over folder
            Every fs.write in /home/ada/notes by agent scout until this run
            ends, for 1 day at most.
          arw approvals decide 1b12dd7c allow --input '{"NAME": VALUE}'
            This call with arguments that you change, once; the rules are asked
            about those first.
          arw approvals decide 1b12dd7c deny
            Nothing: agent scout is told no, and the call is not made.`,
  );
});

test("what was answered says by whom and how, and no text of others moves the terminal", () => {
  const { offers: _none, ...old } = waiting;
  const granted: Approval = { ...old, status: "granted", answeredBy: "person:admin" };
  const lasting = { leaseId: "l1", until: "1h", over: "path", endsAtMs: nowMs, words: "Every fs.write." } as const;
  const edited = { input: {}, argsDigest: waiting.argsDigest, changes: "", summary: "x" };
  const shown = [
    { ...granted, lasting },
    { ...granted, edited },
    { ...granted, coveredBy: { approvalId: "other-id-12345678", leaseId: "l1" } },
    { ...granted, status: "denied", reason: "no\u001B[2J" } as const,
  ].map((each) => approvalsText([each], { pen, nowMs }).split("\n").at(-1)?.trim());
  assert.deepEqual(shown, [
    "by person:admin; Every fs.write. Lease l1",
    "by person:admin, with changed arguments",
    "by person:admin, with the answer to 12345678",
    "by person:admin: no",
  ]);
  assert.match(approvalsText([old], { pen, nowMs: nowMs + 720_000 }), /Its time is over\.[^]*decide 1b12dd7c deny/u);
  assert.equal(approvalsText([], { pen, nowMs }), "Nothing was asked.");
});

test("the answer for the run is the narrowest that is offered", () => {
  assert.deepEqual(runAnswer(waiting)?.input, {
    approvalId: waiting.approvalId,
    decision: "allow",
    lasting: { until: "run", over: "path" },
  });
  assert.equal(runAnswer({ approvalId: "x" }), null);
});
