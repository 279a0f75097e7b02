import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { type Kit, makeKernel, startMs } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { spansOf } from "../../../test/kit/collector.ts";
import { requestJson, spanJson } from "../../adapters/otlp/encode.ts";
import { type Span, spanIdOf, traceIdOf } from "../../adapters/otlp/span.ts";
import type { Caller } from "../../contract/caller.ts";
import { TaskEnqueued, TaskFailed, TaskFinished, TaskRetried, TaskStarted } from "../../contract/task.ts";
import { RunFailed, RunFinished, RunInterrupted, RunResumed, RunStarted } from "../../domains/agents/contract.ts";
import { ApprovalDenied, ApprovalGranted, ApprovalRequested } from "../../domains/approvals/contract.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  IntentProposed,
  ObservationRecorded,
} from "../../domains/episodes/contract.ts";
import { createSpanPages } from "./export.ts";
import { createLookBack } from "./look-back.ts";
import { spanKinds, spanOf } from "./spans.ts";

const corrId = "01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6a7b";
const agent: Caller = { kind: "agent", id: "scout" };
const secretWords = "the words that nobody may see";
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

const run = { agent: "scout", title: secretWords, folder: `/home/${secretWords}`, input: secretWords, grants: [] };
const intent = { agent: "scout", step: 2, tool: "fs.write", summary: secretWords, argsDigest: digest("2") };
const recorded = {
  resultRef: digest("a"),
  resultSizeBytes: 321,
  result: secretWords,
  kept: "inline" as const,
  atMs: startMs + 20,
  durationMs: 7,
};
const question = {
  approvalId: "ask-1",
  operation: "fs.write",
  key: "fs:write",
  input: secretWords,
  argsDigest: digest("2"),
  caller: { kind: "agent", id: "scout", grants: [] },
  rule: "built-in:ask-before-change",
  summary: secretWords,
  diff: secretWords,
  canUndo: true,
  expiresAtMs: startMs + 9999,
  isResumable: false,
};
const task = (taskId: string, afterMs: number) => ({
  taskId,
  operation: "scout.brief",
  corrId,
  attempt: 2,
  enqueuedAtMs: startMs + afterMs,
});
const enqueued = (taskId: string) => ({
  taskId,
  operation: "scout.brief",
  corrId,
  caller: { kind: "person" as const, id: "admin" },
  payload: secretWords,
  priority: 0,
  notBeforeMs: startMs,
  attemptsMax: 3,
});

async function stage() {
  const kit = await makeKernel();
  const { emit } = kit.kernel.parts.act({ caller: agent, corrId });
  /** Ten milliseconds pass before each event. */
  const say: typeof emit = (definition, data) => {
    kit.clock.advance(10);
    return emit(definition, data);
  };
  return { kit, say, spans: () => allSpans(kit) };
}

function allSpans({ kernel }: Kit): readonly Span[] {
  const found: Span[] = [];
  const pageAfter = createSpanPages(kernel.journal);
  for (let seq = 0; seq < kernel.journal.headSeq(); ) {
    const page = pageAfter(seq);
    found.push(...page.spans.map((each) => each.span));
    seq = page.seq;
  }
  return found;
}

const shape = (span: Span) => [
  span.name,
  span.parentSpanId,
  span.startMs - startMs,
  span.endMs - startMs,
  span.errorCode,
];

test("an episode is a tree: the task, its run, the steps of the run, and the question that a step waits for", async () => {
  const { kit, say, spans } = await stage();
  await using _kit = kit;
  await say(TaskEnqueued, enqueued("task-1"));
  await say(TaskStarted, { taskId: "task-1", attempt: 1, leaseUntilMs: startMs });
  await say(RunStarted, { ...run, model: "small-model" });
  await say(ObservationRecorded, {
    agent: "scout",
    summary: secretWords,
    path: secretWords,
    recorded: { ...recorded, step: 1, tool: "fs.read", argsDigest: digest("1") },
  });
  await say(IntentProposed, intent);
  await say(ApprovalRequested, question as never);
  await say(ApprovalGranted, { approvalId: "ask-1", reason: secretWords });
  await say(ActionApplied, {
    agent: "scout",
    summary: secretWords,
    recorded: { ...recorded, step: 2, tool: "fs.write", argsDigest: digest("2") },
  });
  await say(RunFinished, { agent: "scout", outcome: secretWords, notDone: [secretWords] });
  await say(TaskFinished, { ...task("task-1", 10), output: secretWords });

  const [read, approval, write, whole, job] = spans();
  assert.ok(read && approval && write && whole && job);
  assert.deepEqual([read, approval, write, whole, job].map(shape), [
    ["execute_tool fs.read", whole.spanId, 20, 27, null],
    ["approval fs.write", write.spanId, 60, 70, null],
    ["execute_tool fs.write", whole.spanId, 20, 27, null],
    ["invoke_agent scout", job.spanId, 30, 90, null],
    ["task scout.brief", null, 10, 100, null],
  ]);
  assert.deepEqual(whole.attributes, {
    "gen_ai.conversation.id": corrId,
    "arw.seq": 9,
    "arw.caller": "agent:scout",
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "scout",
    "gen_ai.request.model": "small-model",
    "arw.outcome": "finished",
    "error.type": undefined,
  });
  assert.deepEqual(
    job.moments.map((each) => [each.name, each.timeMs - startMs]),
    [["started", 20]],
  );
  assert.equal(approval.attributes["arw.approval.answer"], "granted");
  assert.equal(approval.attributes["arw.rule"], "built-in:ask-before-change");
  assert.equal(read.attributes["arw.result.size_bytes"], 321);
  for (const span of spans()) {
    assert.equal(span.traceId, "01a2b3c4d5e67f809a1b2c3d4e5f6a7b");
    assert.ok(!JSON.stringify(span).includes("words"), `${span.name} tells no words`);
  }
});

test("what was refused or failed says so by its code, and a run that was interrupted is one span", async () => {
  const { kit, say, spans } = await stage();
  await using _kit = kit;
  const stopped = { ...intent, code: "arw.denied", reason: secretWords };
  await say(RunStarted, { ...run, model: "none" });
  await say(ActionRefused, { ...stopped, step: 1, tool: "fs.read", rule: "config:gate.deny" });
  await say(IntentProposed, intent);
  await say(RunInterrupted, { agent: "scout", reason: secretWords });
  await say(TaskEnqueued, enqueued("task-2"));
  await say(TaskRetried, { taskId: "task-2", attempt: 1, notBeforeMs: startMs, code: "arw.interrupted", detail: "x" });
  await say(RunResumed, { agent: "scout", recordedSteps: 0 });
  await say(ActionFailed, { ...intent, code: "fs.gone", error: secretWords });
  await say(RunFailed, { agent: "scout", code: "fs.gone", error: secretWords });
  await say(TaskFailed, { ...task("task-2", 50), code: "agents.run-failed", detail: secretWords });

  const [refused, failed, whole, job] = spans();
  assert.ok(refused && failed && whole && job);
  assert.deepEqual([refused, failed, whole, job].map(shape), [
    ["execute_tool fs.read", whole.spanId, 20, 20, "arw.denied"],
    ["execute_tool fs.write", whole.spanId, 30, 80, "fs.gone"],
    ["invoke_agent scout", null, 10, 90, "fs.gone"],
    ["task scout.brief", whole.spanId, 50, 100, "agents.run-failed"],
  ]);
  assert.deepEqual(
    whole.moments.map((each) => each.name),
    ["interrupted", "resumed"],
  );
  assert.deepEqual(
    job.moments.map((each) => each.attributes["error.type"]),
    ["arw.interrupted"],
  );
  assert.equal(refused.attributes["arw.rule"], "config:gate.deny");
  assert.equal(whole.attributes["gen_ai.request.model"], undefined);
  for (const span of spans()) assert.ok(!JSON.stringify(span).includes("words"));
});

test("a span without its beginning, and one whose data is gone, do no harm", async () => {
  const { kit, say } = await stage();
  await using _kit = kit;
  const granted = await say(ApprovalDenied, { approvalId: "never asked" });
  const look = createLookBack(kit.kernel.journal.read);
  assert.deepEqual(shape(spanOf(granted, look) as Span), ["approval", null, 10, 10, null]);
  assert.equal(spanOf({ ...granted, data: null }, look), null);
  assert.equal(spanOf({ ...granted, kind: "service.opened" }, look), null);
});

test("what was looked for in vain is not looked for again, and changes no span", async () => {
  const { kit, say, spans } = await stage();
  await using _kit = kit;
  const { journal } = kit.kernel;
  let rowsAsked = 0;
  const counted: typeof journal.read = (query) => {
    if (query.corrId !== undefined) rowsAsked += Math.max(0, (query.toSeq ?? 0) - (query.afterSeq ?? 0));
    return journal.read(query);
  };
  await say(RunStarted, { ...run, model: "none" });
  for (let step = 1; step <= 100; step += 1)
    await say(ActionRefused, { ...intent, step, tool: "fs.read", code: "arw.denied", reason: "x" });
  for (const step of [101, 102]) await say(IntentProposed, { ...intent, step });
  for (const step of [102, 101]) await say(ActionFailed, { ...intent, step, code: "fs.gone", error: "x" });
  const shared = createSpanPages({ ...journal, read: counted });
  const found: Span[] = [];
  for (let seq = 0; seq < journal.headSeq(); ) {
    const page = shared(seq);
    found.push(...page.spans.map((each) => each.span));
    seq = page.seq;
  }
  const alone = journal
    .read({ kinds: spanKinds, limit: 1000 })
    .map((event) => spanOf(event, createLookBack(journal.read)));
  assert.deepEqual(found, alone);
  assert.deepEqual(found, spans());
  assert.deepEqual(
    found.slice(-2).map((span) => span.startMs - startMs),
    [1030, 1020],
  );
  assert.ok(rowsAsked < 1000, `${rowsAsked} rows for 102 ends`);
});

test("every kind that ends a span is an event of the table", async () => {
  await using kit = await makeKernel();
  for (const kind of spanKinds) assert.ok(kit.kernel.table.events.has(kind), kind);
});

test("whatever the ids and the times, the same event makes the same well-formed request", () => {
  const word = fc.string({ maxLength: 20 }).map((text) => text.toWellFormed());
  // Nanoseconds since 1970 fit into 64 bits until the year 2554.
  const timeMs = fc.integer({ min: 1, max: 18_446_744_073_709 });
  fc.assert(
    fc.property(fc.tuple(word, word), fc.tuple(timeMs, timeMs), fc.option(word), ([id, name], times, errorCode) => {
      const [startsMs, endsMs] = times;
      const span: Span = {
        traceId: traceIdOf(id),
        spanId: spanIdOf("step", id),
        parentSpanId: spanIdOf("run", id),
        name: `execute_tool ${name}`,
        startMs: startsMs,
        endMs: endsMs,
        attributes: {
          "arw.word": name,
          "arw.count": startsMs,
          "arw.share": 0.5,
          "arw.is": true,
          "arw.none": undefined,
        },
        moments: [{ name: "started", timeMs: startsMs, attributes: { "arw.word": name } }],
        errorCode,
      };
      const origin = { resource: { "service.name": "arw" }, scope: { name: "arw", version: "1" } };
      const text = requestJson(origin, [spanJson(span), spanJson(span)]);
      const [received, again] = spansOf(JSON.parse(text));
      assert.deepEqual(received, again);
      assert.deepEqual([received?.startMs, received?.endMs], [startsMs, Math.max(startsMs, endsMs)]);
      assert.equal(received?.isError, errorCode !== null);
      assert.equal(received?.attributes["arw.word"], name);
    }),
    runs(100),
  );
});
