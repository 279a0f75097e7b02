import assert from "node:assert/strict";
import { test } from "vitest";
import { approvalTimeoutMs, type Kit, type KitOptions, makeKernel, startMs, until } from "../../../test/kit/kernel.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import { createRedactor } from "../../base/redact.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Envelope } from "../../contract/event.ts";
import { isProblem } from "../../contract/problem.ts";
import type { AgentProgram } from "../agents/contract.ts";
import type { Episode } from "../episodes/contract.ts";
import { Ask, openEachMax, openMax, type Question } from "./contract.ts";
import { createQuestions, type QuestionsService } from "./service.ts";

/** Asks what it is given, one after the other, and answers with what it heard. */
const curious: AgentProgram = {
  id: "curious",
  about: "x",
  model: "none",
  tools: [Ask],
  async run(input, tools) {
    const heard: string[] = [];
    for (const each of input as (string | { question: string; options: string[] })[]) {
      const asked = typeof each === "string" ? { question: each } : each;
      try {
        heard.push((await tools.call(Ask, asked, "ask")).text);
      } catch (error) {
        if (!isProblem(error) || tools.signal.aborted) throw error;
        heard.push(error.definition.code);
      }
    }
    return { outcome: heard.join(", "), notDone: [], output: heard };
  },
};

async function open(options: KitOptions = {}): Promise<Kit & { readonly questions: QuestionsService }> {
  const clock = options.clock ?? createManualClock(startMs);
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  let questions: QuestionsService | undefined;
  const kit = await makeKernel({
    ...options,
    clock,
    programs: [curious],
    domains(parts) {
      const redactor = createRedactor({ secrets: ["hunter2hunter2"] });
      questions = createQuestions({ parts, clock, log, redactor, timeoutMs: approvalTimeoutMs });
      return [questions.domain];
    },
  });
  return Object.assign(kit, { questions: questions as QuestionsService });
}

const run = (kit: Kit, ...input: unknown[]) =>
  kit.call("agents.run", { agent: "curious", title: "x", input, grants: [] }) as Promise<{ corrId: string }>;
const asked = async (kit: Kit, words?: string): Promise<string> =>
  (
    (await kit.next("questions.asked", (e) => words === undefined || (e.data as Question).question === words))
      .data as Question
  ).questionId;
const answer = (kit: Kit, questionId: string, text: string) => kit.call("questions.answer", { questionId, text });
const outcome = async (kit: Kit): Promise<string> =>
  ((await kit.next("agents.run.finished", () => true)) as Envelope<{ outcome: string }>).data.outcome;
const output = async (kit: Kit, id: string, input: object): Promise<unknown> =>
  ((await kit.call(id, input)).outcome as { readonly output?: unknown }).output;
const standing = async (kit: Kit, id: string): Promise<readonly [string, readonly string[]]> => {
  const { status, waitingQuestionIds } = ((await output(kit, "episodes.show", { id })) as { episode: Episode }).episode;
  return [status, waitingQuestionIds];
};
const rows = async (kit: Kit): Promise<readonly Question[]> => {
  const { outcome: listed } = await kit.call("state.questions", {});
  return (listed as unknown as { output: { items: Question[] } }).output.items;
};
const code = (expected: string) => (error: unknown) => isProblem(error) && error.definition.code === expected;

test("an agent waits until its person answers, and goes on with what they say", async () => {
  await using kit = await open();
  await run(kit, "which roses?", { question: "colour?", options: ["red", "white"] });
  await answer(kit, await asked(kit), "the old ones, not hunter2hunter2");
  await answer(kit, await asked(kit, "colour?"), "2");
  assert.match(await outcome(kit), /^the old ones, not \S*, white$/);
  assert.deepEqual(
    (await rows(kit)).map(({ status, answeredBy, askedBy }) => [status, answeredBy, askedBy]),
    [
      ["answered", "person:admin", "agent:curious"],
      ["answered", "person:admin", "agent:curious"],
    ],
  );
  assert.ok(!JSON.stringify(kit.events()).includes("hunter2hunter2"));
});

test("while it waits for words its episode waits for its person, and runs on with the answer", async () => {
  await using kit = await open();
  const { corrId } = await run(kit, "which roses?", "and which bed?");
  const questionId = await asked(kit);
  assert.deepEqual(await standing(kit, corrId), ["waiting", [questionId]]);
  await answer(kit, questionId, "all");
  const second = await asked(kit, "and which bed?");
  const statusAt = async (kind: string): Promise<unknown> => {
    const at = kit.events().find((each) => each.kind === kind)?.seq;
    return ((await output(kit, "episodes.snapshot", { id: corrId, at })) as { episode: Episode }).episode.status;
  };
  assert.deepEqual(
    [await statusAt("agents.run.started"), await statusAt("questions.asked"), await statusAt("questions.answered")],
    ["running", "waiting", "running"],
  );
  await answer(kit, second, "the north one");
  await outcome(kit);
  assert.deepEqual(await standing(kit, corrId), ["finished", []]);
});

test("what a person said leaves no stranger's label", async () => {
  await using kit = await open();
  await run(kit, "which roses?");
  await answer(kit, await asked(kit), "all");
  await outcome(kit);
  const observed = kit.events().find(({ kind }) => kind === "observations.recorded");
  assert.equal((observed as Envelope<{ label?: string }>).data.label, undefined);
});

test("silence is no answer, which an agent can go on from", async () => {
  await using kit = await open();
  await run(kit, "which roses?");
  const questionId = await asked(kit);
  kit.clock.advance(approvalTimeoutMs + 1);
  assert.equal(await outcome(kit), "questions.no-answer");
  await assert.rejects(answer(kit, questionId, "late"), code("questions.closed"));
  assert.equal((await rows(kit))[0]?.status, "expired");
});

test("only agents ask, only persons answer, and each question is answered once", async () => {
  await using kit = await open();
  await assert.rejects(kit.call("questions.ask", { question: "?" }), code("questions.only-agents"));
  await run(kit, "which roses?");
  const questionId = await asked(kit);
  await assert.rejects(
    kit.call("questions.answer", { questionId, text: "x" }, { kind: "agent", id: "curious", grants: [{ key: "*" }] }),
    code("arw.denied"),
  );
  await assert.rejects(answer(kit, "nothing", "x"), code("arw.not-found"));
  const both = await Promise.allSettled([answer(kit, questionId, "one"), answer(kit, questionId, "two")]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  assert.equal(await outcome(kit), "one");
});

test("a run that is stopped takes its questions back, and so does a halt", async () => {
  await using kit = await open();
  const { corrId } = await run(kit, "which roses?");
  await asked(kit);
  await kit.call("agents.stop", { episode: corrId });
  await until(() => kit.kinds().includes("questions.withdrawn"), "the question is withdrawn");
  assert.equal((await rows(kit))[0]?.status, "withdrawn");
  await run(kit, "and now?");
  await asked(kit, "and now?");
  await kit.questions.endAll("everything was stopped");
  assert.equal(await outcome(kit), "questions.no-answer");
});

test("a question outlives the hub: a resumed run finds it, or its answer, and asks no second one", async () => {
  for (const isAnsweredMeanwhile of [false, true]) {
    const shared = { store: createMemoryStore(), blobs: createMemoryBlobs({ sizeBytesMaxEach: 1e6 }) };
    const first = await open(shared);
    const { corrId } = await run(first, "one?", "one?");
    await answer(first, await asked(first), "first");
    await until(() => first.kinds().filter((each) => each === "questions.asked").length === 2, "it asks again");
    await first[Symbol.asyncDispose]();

    await using kit = await open(shared);
    const waiting = (await rows(kit)).find(({ status }) => status === "waiting");
    assert.ok(waiting);
    if (isAnsweredMeanwhile) await answer(kit, waiting.questionId, "second");
    assert.equal((await standing(kit, corrId))[0], "interrupted");
    await kit.call("agents.resume", { episode: corrId });
    if (!isAnsweredMeanwhile) {
      await until(() => kit.kinds().includes("agents.run.resumed"), "it goes on");
      await answer(kit, waiting.questionId, "second");
    }
    assert.equal(await outcome(kit), "first, second");
    assert.equal(kit.kinds().filter((each) => each === "questions.asked").length, 2);
  }
});

test("a run has so many questions open at once and no more, and so has the hub", async () => {
  await using kit = await open();
  const agent: Caller = { kind: "agent", id: "many", grants: [] };
  const left = new AbortController();
  const ask = (corrId: string, n: number) =>
    kit.kernel.dispatch({
      operationId: "questions.ask",
      input: { question: `question ${n}` },
      credentials: { kind: "caller", caller: agent },
      corrId,
      signal: left.signal,
    });
  const asking = Array.from({ length: openMax }, (_each, n) => ask(`run-${Math.floor(n / openEachMax)}`, n));
  await assert.rejects(ask("run-0", openMax), code("questions.too-many"));
  await assert.rejects(ask("another-run", 0), code("questions.too-many"));
  left.abort(new DOMException("left", "AbortError"));
  assert.ok((await Promise.allSettled(asking)).every(({ status }) => status === "rejected"));
});
