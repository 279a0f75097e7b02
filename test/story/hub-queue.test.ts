/** The queue from outside: order, delay, keys that count once, refusals, and work that outlives a kill. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { readEvents } from "./kit/event-reader.ts";
import { type Json, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { beginBrief, episodeWaits } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

const taskEnded = (hub: RunningHub, taskId: string): Promise<Json> =>
  until(`task ${taskId} to end`, async () => {
    const task = await hub.get(`/tasks/${taskId}`);
    return ["finished", "failed", "cancelled"].includes(task.status) ? task : undefined;
  });

const startedOrder = async (hub: RunningHub): Promise<string[]> => {
  const { body } = await hub.send("GET /tasks?limit=1000");
  return body.tasks.map((each: Json) => each.taskId);
};

test("a task runs, answers, and is found by its id", async () => {
  await using room = await createRoom();
  const folder = await room.folder("work", { "a.md": "# A\n" });
  await using hub = await startHub({ stateDir: room.stateDir });
  const { taskId, isNew } = await hub.post("/tasks/enqueue", { kind: "fs.read", payload: { folder, path: "a.md" } });
  assert.equal(isNew, true);
  const task = await taskEnded(hub, taskId);
  assert.equal(task.status, "finished");
  assert.equal(task.output.text, "# A\n");
  assert.ok((await startedOrder(hub)).includes(taskId));
  const missing = await hub.send("GET /tasks/absent");
  assert.deepEqual([missing.status, missing.body.code], [404, "arw.not-found"]);
});

test("unknown kinds, kinds that are no tasks, and unfit payloads are told to whoever sends them", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  for (const kind of ["no.such", "agents.stop", "access.code"]) {
    const { status, body } = await hub.send("POST /tasks/enqueue", { kind, payload: {} });
    assert.deepEqual([status, body.code], [422, "tasks.unknown-kind"], kind);
    assert.ok(body.kinds.includes("fs.read"));
  }
  const unfit = await hub.send("POST /tasks/enqueue", { kind: "fs.read", payload: { folder: 3 } });
  assert.deepEqual([unfit.status, unfit.body.code], [400, "arw.invalid-input"]);
  assert.ok(
    unfit.body.faults.some((fault: Json) => fault.at === "/payload/folder"),
    JSON.stringify(unfit.body.faults),
  );
  const odd = [{ priority: 1e9 }, { delayMs: -1 }, { attemptsMax: 0 }, { idemKey: "" }, { surprise: 1 }];
  for (const each of odd) {
    const answer = await hub.send("POST /tasks/enqueue", {
      kind: "fs.list",
      payload: { folder: room.path },
      ...each,
    });
    assert.equal(answer.status, 400, JSON.stringify(each));
  }
});

test("the same key enqueues once, also when it comes many times at once and after a restart", async () => {
  await using room = await createRoom();
  const first = await startHub({ stateDir: room.stateDir });
  const body = { kind: "fs.list", payload: { folder: room.path }, idemKey: "only-once" };
  const answers = await Promise.all(Array.from({ length: 20 }, () => first.post("/tasks/enqueue", body)));
  assert.equal(new Set(answers.map((each) => each.taskId)).size, 1);
  assert.equal(answers.filter((each) => each.isNew).length, 1);
  await taskEnded(first, answers[0].taskId);
  await first.kill("SIGKILL");
  await using hub = await startHub({ stateDir: room.stateDir });
  const later = await hub.post("/tasks/enqueue", body);
  assert.deepEqual([later.taskId, later.isNew], [answers[0].taskId, false]);
});

test("tasks with a delay wait, can be cancelled, and survive a kill with their order", async () => {
  await using room = await createRoom();
  const folder = await room.folder("work", {});
  const first = await startHub({ stateDir: room.stateDir });
  const enqueue = (name: string, more: Json): Promise<Json> =>
    first.post("/tasks/enqueue", { kind: "fs.write", payload: { folder, path: name, text: name }, ...more });
  const startedMs = Date.now();
  const late = await enqueue("late.md", { delayMs: 3000 });
  const never = await enqueue("never.md", { delayMs: 600_000 });
  const gone = await enqueue("gone.md", { delayMs: 600_000 });
  assert.deepEqual(await first.post(`/tasks/${gone.taskId}/cancel`, {}), { taskId: gone.taskId, status: "cancelled" });
  const queued = await first.get("/tasks?status=queued");
  assert.equal(queued.depth.queued, queued.tasks.length);
  await first.kill("SIGKILL");
  await using hub = await startHub({ stateDir: room.stateDir });
  const task = await taskEnded(hub, late.taskId);
  assert.equal(task.status, "finished");
  assert.ok(existsSync(join(folder, "late.md")));
  assert.ok(Date.now() - startedMs >= 3000, "not before its time");
  assert.equal((await hub.get(`/tasks/${never.taskId}`)).status, "queued");
  assert.equal((await hub.get(`/tasks/${gone.taskId}`)).status, "cancelled");
  assert.ok(!existsSync(join(folder, "gone.md")) && !existsSync(join(folder, "never.md")));
});

/** Tasks that the hub runs at the same time. */
const workers = 8;

test("urgent tasks overtake: of many that wait for a worker, the highest priority starts first", async () => {
  await using room = await createRoom();
  const folder = await room.folder("work", { "a.md": "a" });
  await using hub = await startHub({ stateDir: room.stateDir });
  // Runs that wait for their person hold every worker, so that the queue decides, and not who sent what when.
  const holding = await Promise.all(Array.from({ length: workers }, () => beginBrief(hub, { folder })));
  for (const { episode } of holding) await episodeWaits(hub, episode);
  const priorities = new Map<string, number>();
  await Promise.all(
    Array.from({ length: 60 }, async (_each, index) => {
      const priority = (index * 37) % 10;
      const payload = { folder, path: "a.md" };
      const { taskId } = await hub.post("/tasks/enqueue", { kind: "fs.read", payload, priority });
      priorities.set(taskId, priority);
    }),
  );
  assert.equal((await hub.get("/tasks")).depth.queued, priorities.size);
  for (const { episode } of holding) await hub.post("/agents/stop", { episode });
  for (const taskId of priorities.keys()) await taskEnded(hub, taskId);
  const order = (await startedTasks(hub, workers + priorities.size)).flatMap((taskId) => priorities.get(taskId) ?? []);
  assert.deepEqual(
    order,
    [...priorities.values()].toSorted((one, other) => other - one),
  );
});

/** Ids of tasks in the order in which they were started, once there are so many. */
async function startedTasks(hub: RunningHub, count: number): Promise<string[]> {
  await using reader = await readEvents(hub, "?replay=1000&prefix=task.started");
  const isStart = ({ kind }: Json): boolean => kind === "task.started";
  const events = await reader.waitFor("every start", (all) => all.filter(isStart).length >= count);
  return events.filter(isStart).map(({ data }) => data.taskId as string);
}

test("a task that fails for good ends as failed with its reason", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const { taskId } = await hub.post("/tasks/enqueue", {
    kind: "fs.read",
    payload: { folder: room.path, path: "absent.md" },
  });
  const task = await taskEnded(hub, taskId);
  assert.deepEqual([task.status, task.code, task.attempt], ["failed", "fs.not-found", 1]);
});

test("hundreds of tasks that were accepted are all done after kills", async () => {
  await using room = await createRoom();
  const folder = await room.folder("work", {});
  const first = await startHub({ stateDir: room.stateDir });
  const accepted: string[] = [];
  const sending = (async () => {
    for (let index = 0; index < 300; index += 1) {
      const answer = await first
        .post("/tasks/enqueue", { kind: "fs.write", payload: { folder, path: `n${index}.md`, text: "x" } })
        .catch(() => null);
      if (answer === null) return;
      accepted.push(answer.taskId);
    }
  })();
  await until("some tasks", () => (accepted.length >= 120 ? true : undefined));
  await first.kill("SIGKILL");
  await sending;
  await using hub = await startHub({ stateDir: room.stateDir });
  for (const taskId of accepted) assert.equal((await taskEnded(hub, taskId)).status, "finished");
  for (let index = 0; index < accepted.length; index += 1)
    assert.ok(existsSync(join(folder, `n${index}.md`)), `n${index}.md`);
});
