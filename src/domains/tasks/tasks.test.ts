import assert from "node:assert/strict";
import { test } from "vitest";
import { admin, domainOf, type Kit, type KitOptions, makeKernel, until } from "../../../test/kit/kernel.ts";
import type { Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";

const Sum = op({
  id: "sums.add",
  http: "POST /sums/add",
  effect: "read",
  isTask: true,
  about: "x",
  input: closed({ a: Type.Integer(), b: Type.Integer() }),
  output: closed({ sum: Type.Integer() }),
});
const Hidden = op({ ...Sum, id: "sums.hidden", http: "POST /sums/hidden", isTask: false });
const payload = { a: 1, b: 2 };

async function open(more: KitOptions = {}) {
  const callers: Caller[] = [];
  const add = bind(Sum, ({ a, b }, ctx) => (callers.push(ctx.caller), { sum: a + b }));
  const domain = domainOf("sums", { operations: [add, bind(Hidden, () => ({ sum: 0 }))] });
  const kit = await makeKernel({ domains: () => [domain], ...more });
  return { ...kit, callers };
}

async function answer<T>(kit: Kit, operationId: string, input: unknown): Promise<T> {
  const { outcome } = await kit.call(operationId, input);
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: T }).output;
}
interface Task {
  readonly taskId: string;
  readonly status: string;
  readonly output?: unknown;
}
const enqueue = (kit: Kit, more: object = {}) =>
  answer<{ taskId: string; corrId: string; isNew: boolean }>(kit, "tasks.enqueue", {
    kind: "sums.add",
    payload,
    ...more,
  });
const problemOf = (call: Promise<unknown>) =>
  call.then(
    () => assert.fail("it answered"),
    (error: unknown) => (isProblem(error) ? error : assert.fail(String(error))),
  );

test("a task from outside runs under its caller, in an episode of its own, and can be looked up", async () => {
  await using kit = await open();
  const [first, second] = [await enqueue(kit), await enqueue(kit)];
  await until(() => kit.callers.length === 2 && kit.kernel.queue.depth().running === 0, "both are done");
  assert.deepEqual(kit.callers, [admin, admin]);
  assert.notEqual(first.corrId, second.corrId);
  const task = await answer<Task>(kit, "tasks.get", { taskId: first.taskId });
  assert.deepEqual([task.status, task.output], ["finished", { sum: 3 }]);
});

test("only operations marked as task are taken, and a wrong payload is told at once, with its place", async () => {
  await using kit = await open();
  for (const kind of ["sums.hidden", "sums.none"]) {
    const error = await problemOf(kit.call("tasks.enqueue", { kind, payload }));
    assert.deepEqual([error.definition.code, error.extra["kinds"]], ["tasks.unknown-kind", ["sums.add"]]);
  }
  const error = await problemOf(kit.call("tasks.enqueue", { kind: "sums.add", payload: { a: 1, b: "2" } }));
  assert.equal(error.definition.code, "arw.invalid-input");
  assert.deepEqual(
    (error.extra["faults"] as { at: string }[]).map((fault) => fault.at),
    ["/payload/b"],
  );
  assert.deepEqual(kit.kinds(), []);
});

test("a rule that denies the operation denies its task where it is put, and makes a dead letter of one that waits", async () => {
  await using kit = await open();
  const { taskId } = await enqueue(kit, { delayMs: 1000 });
  await kit.call("gating.contracts.put", { id: "no-sums", patterns: ["sums:*"] });
  await assert.rejects(enqueue(kit), { message: /^sums:add is denied/ });
  kit.clock.advance(1000);
  await kit.next("task.failed", () => true);
  const task = await answer<Task & { code: string; detail: string }>(kit, "tasks.get", { taskId });
  assert.deepEqual([task.status, task.code, kit.callers], ["failed", "arw.denied", []]);
  assert.match(task.detail, /sums:add/);
});

test("lists show what waits before what ended, by status and up to a limit", async () => {
  await using kit = await open();
  const done = await enqueue(kit);
  await kit.next("task.finished", () => true);
  await until(() => kit.kernel.queue.depth().running === 0, "it is done");
  const waiting = await enqueue(kit, { delayMs: 1000 });
  const list = async (input: object) =>
    (await answer<{ tasks: Task[] }>(kit, "tasks.list", input)).tasks.map((each) => each.taskId);
  assert.deepEqual(await list({}), [waiting.taskId, done.taskId]);
  assert.deepEqual(await list({ limit: 1 }), [waiting.taskId]);
  assert.deepEqual(await list({ status: "finished" }), [done.taskId]);
  assert.deepEqual(await list({ status: "queued" }), [waiting.taskId]);
  assert.deepEqual(await list({ status: "running" }), []);
});

test("a key enqueues once; a cancelled task says who cancelled it, and cancelling again changes nothing", async () => {
  await using kit = await open();
  const first = await enqueue(kit, { idemKey: "k", delayMs: 1000 });
  const again = await enqueue(kit, { idemKey: "k" });
  assert.deepEqual([again.taskId, again.isNew], [first.taskId, false]);
  const { taskId } = first;
  const cancelled = { taskId, status: "cancelled" };
  assert.deepEqual(await answer(kit, "tasks.cancel", { taskId }), cancelled);
  assert.deepEqual(await answer(kit, "tasks.cancel", { taskId }), cancelled);
  assert.equal((await answer<{ detail: string }>(kit, "tasks.get", { taskId })).detail, "cancelled by person:admin");
  for (const operationId of ["tasks.cancel", "tasks.get"])
    assert.equal((await problemOf(kit.call(operationId, { taskId: "none" }))).definition.code, "arw.not-found");
  kit.clock.advance(1000);
  assert.deepEqual([kit.callers, kit.kernel.queue.depth()], [[], { queued: 0, running: 0 }]);
});
