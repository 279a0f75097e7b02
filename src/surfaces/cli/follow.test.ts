import assert from "node:assert/strict";
import { test } from "vitest";
import { answer, arw, from, type Script } from "../../../test/kit/command-line.ts";
import { TaskCancelled, TaskEnqueued, TaskFailed, TaskFinished } from "../../contract/task.ts";
import type { CallResult, Input } from "./port.ts";

const accepted: CallResult = { kind: "accepted", taskId: "t1", corrId: "c1" };
const waiting = {
  status: "waiting",
  summary: "create a.md",
  rule: "r",
  diff: "--- a\n+++ b\n@@ -0,0 +1 @@\n+hi\n",
  canUndo: true,
};
const finished = { seq: 9, kind: TaskFinished.kind, data: { taskId: "t1", output: { written: true } } };
const asked = { seq: 2, kind: "asked", data: { approvalId: "p1" } };

/** A hub whose job asks once and ends when it got its answer. */
function askingHub(question: Input = waiting): Script & { readonly decisions: string[] } {
  const decided = Promise.withResolvers<void>();
  const decisions: string[] = [];
  return {
    decisions,
    call(id, input) {
      if (id === "notes.write") return accepted;
      if (id === "notes.question") return answer(question);
      if (id === "notes.show") return answer(input["afterSeq"] === 0 ? [{ seq: 2, text: "story" }] : []);
      if (id === "notes.wonderings") return answer({});
      decisions.push(String(input["decision"]));
      decided.resolve();
      return answer({});
    },
    async *items(signal) {
      yield { kind: "run.progress", data: { phase: "read", done: 1, total: 4, unit: "files", etaMs: 2000 } };
      yield { kind: "run.progress", data: { phase: "read", done: 1, total: 4, unit: "files", etaMs: 1900 } };
      yield asked;
      await Promise.race([decided.promise, from([], signal).next()]);
      yield { seq: 8, kind: TaskFinished.kind, data: { taskId: "another" } };
      yield finished;
    },
  };
}

test("a person is shown the exact change and asked; y allows, anything else denies", async () => {
  for (const [typed, decision] of [
    ["y", "allow"],
    ["YES ", "allow"],
    ["", "deny"],
    ["yep", "deny"],
  ] as const) {
    const hub = askingHub();
    const ran = await arw(["write", "f"], { ...hub, isTty: true, answer: async () => typed });
    assert.deepEqual([ran.code, hub.decisions, ran.questions], [0, [decision], ["Allow once? [y/N] "]]);
    assert.deepEqual(ran.calls[0], ["notes.write", { folder: "/here/f" }]);
    assert.equal(ran.out, "story\n? create a.md\n  asked by r\n--- a\n+++ b\n@@ -0,0 +1 @@\n+hi\nwritten  yes\n");
  }
});

test("where it is offered, r allows for the rest of the run, and the words say what that is", async () => {
  for (const [typed, decision] of [
    ["r", "allow for this run"],
    [" Run", "allow for this run"],
    ["y", "allow"],
    ["n", "deny"],
  ] as const) {
    const hub = askingHub({ ...waiting, why: "it changes", forRun: "every change" });
    const ran = await arw(["write", "f"], { ...hub, isTty: true, answer: async () => typed });
    assert.deepEqual([hub.decisions, ran.questions], [[decision], ["Allow once? [y/r/N] (r: every change) "]]);
    assert.match(ran.out, /asked by r: it changes/u);
  }
  const hub = askingHub();
  await arw(["write", "f"], { ...hub, isTty: true, answer: async () => "r" });
  assert.deepEqual(hub.decisions, ["deny"], "not offered, so no answer");
});

test("--yes allows without asking, and colours come only when wanted", async () => {
  const hub = askingHub();
  const ran = await arw(["write", "f", "--yes"], { ...hub, isTty: true, hasColor: true });
  assert.deepEqual([ran.code, hub.decisions, ran.questions], [0, ["allow"], []]);
  assert.ok(ran.out.includes("\u001B[32m+hi\u001B[39m"));
});

test("without a person the question says how to answer it, and following goes on", async () => {
  const hub = askingHub();
  let press = (): void => {};
  const call: NonNullable<Script["call"]> = (id, input) => {
    if (id === "notes.question") queueMicrotask(() => setImmediate(() => press()));
    return hub.call?.(id, input) ?? answer({});
  };
  const ran = await arw(["write", "f"], { ...hub, call }, (given) => (press = given));
  assert.equal(ran.code, 130);
  assert.deepEqual(hub.decisions, []);
  assert.match(
    ran.err,
    /^read: 1\/4 files, about 2 s left\nIt waits for an answer: `arw notes answer p1 allow`\n\nNo longer following; it goes on\. Stop it with `arw stop c1`/u,
  );
});

test("Ctrl-C at the question detaches and answers nothing", async () => {
  const hub = askingHub();
  let press = (): void => {};
  const given = (signal: AbortSignal): Promise<string> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      setImmediate(() => press());
    });
  const ran = await arw(["write", "f"], { ...hub, isTty: true, answer: given }, (run) => (press = run));
  assert.deepEqual([ran.code, hub.decisions], [130, []]);
});

test("an answer from elsewhere takes the question away", async () => {
  const shown = Promise.withResolvers<void>();
  async function* items(): AsyncGenerator {
    yield asked;
    await shown.promise;
    yield { seq: 3, kind: "answered", data: { approvalId: "p1" } };
    yield finished;
  }
  const hub = askingHub();
  const given = (signal: AbortSignal): Promise<string> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      shown.resolve();
    });
  const ran = await arw(["write", "f"], { ...hub, items, isTty: true, answer: given });
  assert.deepEqual([ran.code, hub.decisions], [0, []]);
});

test("a question that was answered before is not asked again", async () => {
  const call: NonNullable<Script["call"]> = (id) => {
    if (id === "notes.write") return accepted;
    return answer(id === "notes.question" ? { ...waiting, status: "granted" } : []);
  };
  const ran = await arw(["write", "f"], { call, items: () => from([asked, finished]), isTty: true });
  assert.deepEqual([ran.code, ran.questions, ran.out], [0, [], "written  yes\n"]);
});

test("a job that fails is exit code 1 with its reason", async () => {
  const event = { seq: 3, kind: TaskFailed.kind, data: { taskId: "t1", code: "x.y", detail: "no luck" } };
  const call: NonNullable<Script["call"]> = (id) => (id === "notes.write" ? accepted : answer([]));
  const ran = await arw(["write", "f"], { call, items: () => from([event]) });
  assert.deepEqual([ran.code, ran.err], [1, "✗ Failed: no luck (x.y)\n"]);
});

test("why it failed is said once, and what its story says of a failure that it got over, in its place", async () => {
  const story = (...lines: readonly object[]) => lines.map((line, index) => ({ seq: index + 1, ...line }));
  const end = { text: "✗ run: no luck (x.y)", isEnd: true };
  const told = async (lines: readonly object[], kind: string, data: object): Promise<readonly string[]> => {
    const call: NonNullable<Script["call"]> = (id, input) =>
      id === "notes.write" ? accepted : answer(input["afterSeq"] === 0 ? lines : []);
    const ran = await arw(["write", "f"], {
      call,
      items: () => from([{ seq: 9, kind, data: { taskId: "t1", ...data } }]),
    });
    return [ran.out, ran.err];
  };
  const why = { code: "x.y", detail: "no luck", reason: "enough" };
  assert.deepEqual(await told(story({ text: "begins" }, end), TaskFailed.kind, why), [
    "begins\n",
    "✗ Failed: no luck (x.y)\n",
  ]);
  assert.deepEqual(await told(story(end), TaskCancelled.kind, why), ["", "✗ Stopped: enough\n"]);
  const [out] = await told(story(end, { text: "goes on" }, end), TaskFinished.kind, { output: { written: true } });
  assert.equal(out, `${end.text}\ngoes on\n${end.text}\nwritten  yes\n`);
});

test("--detach starts and returns, with ids a program can read", async () => {
  const call = (): CallResult => accepted;
  assert.match(
    (await arw(["write", "f", "--detach"], { call })).out,
    /^Started c1\. Look at it with `arw notes show c1`\.\n$/u,
  );
  assert.equal((await arw(["write", "f", "--detach", "--json"], { call })).out, '{"taskId":"t1","corrId":"c1"}\n');
});

test("a call that is held is asked about, then followed until its task ends", async () => {
  const hub = askingHub();
  const call: NonNullable<Script["call"]> = (id, input) =>
    id === "notes.write" ? { kind: "held", approvalId: "p1", corrId: "c1" } : (hub.call?.(id, input) ?? answer({}));
  const ran = await arw(["write", "f", "--yes"], { ...hub, call });
  assert.deepEqual([ran.code, hub.decisions], [0, ["allow"]]);
});

test("an answer that leaves a job behind is followed from above the newest event of before, up to that job's own end", async () => {
  const hub = askingHub();
  let watched: Input = {};
  const call: NonNullable<Script["call"]> = (id, input) => {
    if (id === "notes.newest") return answer({ seq: 40 });
    if (id === "notes.again") return answer({ note: "c1" });
    return hub.call?.(id, input) ?? answer({});
  };
  async function* items(signal: AbortSignal): AsyncIterable<unknown> {
    yield { seq: 41, kind: TaskFailed.kind, data: { taskId: "t0", detail: "the former end", code: "x" } };
    yield { seq: 42, kind: TaskEnqueued.kind, data: { taskId: "t1" } };
    yield { seq: 43, kind: TaskEnqueued.kind, data: { taskId: "t2" } };
    yield* hub.items?.(signal) ?? [];
  }
  const onStream = (input: Input): void => void (watched = input);
  const ran = await arw(["again", "c1", "--yes"], { ...hub, call, items, onStream });
  assert.deepEqual([ran.code, hub.decisions, watched], [0, ["allow"], { corr: "c1", after: 40 }]);
  assert.deepEqual(
    ran.calls.slice(0, 2).map(([id]) => id),
    ["notes.newest", "notes.again"],
  );
  const detached = await arw(["again", "c1", "--detach"], { ...hub, call });
  assert.deepEqual([detached.code, detached.out], [0, "note  c1\n"]);
});

test("a run that was paused goes on with its own task, and following ends with it", async () => {
  let isOver = false;
  const call: NonNullable<Script["call"]> = (id) => {
    if (id === "notes.newest") return answer({ seq: 40 });
    if (id === "notes.again") return answer({ note: "c1" });
    return answer(id === "notes.show" ? Object.assign([], { isOver }) : {});
  };
  async function* items(): AsyncGenerator {
    yield { seq: 41, kind: TaskFailed.kind, data: { taskId: "t0", detail: "the former end", code: "x" } };
    isOver = true;
    yield { seq: 42, kind: TaskFinished.kind, data: { taskId: "t1", output: { written: true } } };
  }
  const ran = await arw(["again", "c1"], { call, items });
  assert.deepEqual([ran.code, ran.out], [0, "written  yes\n"]);
});

test("what an agent asks in words is answered in place: by number, as typed, or not now", async () => {
  for (const [typed, told] of [
    ["2", "south"],
    [" by the shed ", "by the shed"],
    ["", null],
  ] as const) {
    const settled = Promise.withResolvers<void>();
    const answers: unknown[] = [];
    const call: NonNullable<Script["call"]> = (id, input) => {
      if (id === "notes.wondering")
        return answer({ status: "waiting", question: "Which bed?", options: ["north", "south"] });
      if (id === "notes.tell") {
        answers.push(input["text"]);
        settled.resolve();
      }
      return id === "notes.write" ? accepted : answer([]);
    };
    async function* items(): AsyncGenerator {
      yield { seq: 2, kind: "wondered", data: { questionId: "q1" } };
      await settled.promise;
      yield { seq: 3, kind: "settled", data: { questionId: "q1" } };
      yield finished;
    }
    const ask = async (): Promise<string> => {
      if (typed === "") setImmediate(settled.resolve);
      return typed;
    };
    const ran = await arw(["write", "f"], { call, items, isTty: true, answer: ask });
    assert.deepEqual([ran.code, answers, ran.questions], [0, told === null ? [] : [told], ["Your answer: "]]);
    assert.match(ran.out, /^\? Which bed\?\n {2}1 {2}north\n {2}2 {2}south\n/u);
    if (told === null) assert.match(ran.err, /It waits for an answer: `arw tell q1 TEXT`/u);
  }
});

test("who follows an older job is asked what it waits for already", async () => {
  const decided = Promise.withResolvers<void>();
  const answers: unknown[] = [];
  const call: NonNullable<Script["call"]> = (id, input) => {
    if (id === "notes.newest") return answer({ seq: 40 });
    if (id === "notes.again") return answer({ note: "c1" });
    if (id === "notes.show") return answer(Object.assign([], { waits: ["p1"], isOver: true }));
    if (id === "notes.wonderings") return answer({ ids: input["id"] === "c1" ? ["q1"] : [] });
    if (id === "notes.wondering") return answer({ status: "waiting", question: "Which bed?", options: [] });
    if (id === "notes.question") return answer(waiting);
    answers.push(input);
    if (id === "notes.tell") decided.resolve();
    return answer({});
  };
  async function* items(): AsyncGenerator {
    await decided.promise;
    yield { seq: 42, kind: TaskFinished.kind, data: { taskId: "t1", output: { written: true } } };
  }
  const ran = await arw(["again", "c1"], { call, items, isTty: true, answer: async () => "y" });
  assert.deepEqual(
    [ran.code, answers, ran.questions],
    [
      0,
      [
        { id: "p1", decision: "allow" },
        { id: "q1", text: "y" },
      ],
      ["Allow once? [y/N] ", "Your answer: "],
    ],
  );
});
