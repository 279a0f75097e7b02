/** The queue contract on the journal's own queue, and what a large backlog costs. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { test } from "vitest";
import { createManualClock } from "../../src/adapters/memory/clock.ts";
import { createMemoryStore } from "../../src/adapters/memory/store.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { bind, op } from "../../src/contract/operation.ts";
import { Type } from "../../src/contract/schema.ts";
import { endedTasks, openTasks } from "../../src/contract/task.ts";
import { isProblem } from "../../src/contract/problem.ts";
import type { Store } from "../../src/kernel/ports.ts";
import { createFailingStore } from "../kit/journal.ts";
import { admin, domainOf, type Kit, makeKernel, startMs, until } from "../kit/kernel.ts";
import { Busy, leaseMs, queueContract, type QueueFixture, Refused, type Work } from "./queue-suite.ts";

const Do = op({
  id: "work.do",
  http: "POST /work/do",
  effect: "write",
  isTask: true,
  about: "x",
  input: Type.Unknown() as never,
  output: Type.Unknown(),
  problems: [Refused, Busy],
  deadlineMs: leaseMs,
});

const hub = (options: {
  readonly store: Store;
  readonly work: Work;
  readonly workers: number;
  readonly atMs?: number;
}): Promise<Kit> =>
  makeKernel({
    store: options.store,
    workers: options.workers,
    clock: createManualClock(options.atMs ?? startMs),
    domains: () => [domainOf("work", { operations: [bind(Do, (payload, ctx) => options.work(payload, ctx))] })],
  });

async function fixtureOf(options: {
  readonly disk: Store;
  readonly work: Work;
  readonly workers: number;
  readonly atMs?: number;
}): Promise<QueueFixture> {
  const store = createFailingStore(options.disk);
  const kit = await hub({ ...options, store });
  return {
    queue: kit.kernel.queue,
    clock: kit.clock,
    operation: Do,
    open: (taskId) => kit.kernel.views.get(openTasks, taskId),
    ended: (taskId) => kit.kernel.views.get(endedTasks, taskId),
    facts: (taskId) =>
      kit
        .events()
        .filter((each) => (each.data as { taskId?: string }).taskId === taskId)
        .map((each) => each.kind.slice("task.".length)),
    async restart(how, work) {
      // A killed process writes nothing more, whatever its code still does.
      if (how === "kill") store.failWith("failed");
      else await kit[Symbol.asyncDispose]();
      return fixtureOf({ ...options, work, atMs: kit.clock.nowMs() });
    },
    [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose](),
  };
}

queueContract("local", (work, workers) => fixtureOf({ disk: createMemoryStore(), work, workers }));

test("a cancel that cannot be written leaves the task where it was", async () => {
  const store = createFailingStore();
  const seen: unknown[] = [];
  await using kit = await hub({ store, work: async (payload) => seen.push(payload), workers: 1 });
  const { taskId } = await kit.kernel.queue.enqueue({
    operation: Do,
    payload: "a",
    caller: admin,
    corrId: "c",
    delayMs: 1000,
  });
  store.failWith("full");
  await assert.rejects(
    kit.kernel.queue.cancel(taskId, "no", admin),
    (error) => isProblem(error) && error.definition.code === "arw.store-full",
  );
  store.failWith(null);
  kit.clock.advance(1000);
  await until(() => kit.kernel.queue.depth().queued + kit.kernel.queue.depth().running === 0, "the task is done");
  assert.deepEqual(seen, ["a"]);
});

test("a task whose start cannot be written is tried again when the disk has space", async () => {
  const store = createFailingStore();
  const seen: unknown[] = [];
  await using kit = await hub({ store, work: async (payload) => seen.push(payload), workers: 1 });
  const { taskId } = await kit.kernel.queue.enqueue({
    operation: Do,
    payload: "a",
    caller: admin,
    corrId: "c",
    delayMs: 1000,
    attemptsMax: 1,
  });
  store.failWith("full");
  kit.clock.advance(1000);
  await until(() => kit.errors.length > 0 && kit.kernel.queue.depth().running === 0, "the attempt ends");
  store.failWith(null);
  kit.clock.advance(5000);
  await until(() => kit.kernel.views.get(endedTasks, taskId) !== undefined, "the task is done");
  assert.deepEqual(seen, ["a"]);
});

test("an end that cannot be written is written later, without doing the work again, and never holds up a stop", async () => {
  const store = createFailingStore();
  let runs = 0;
  const work: Work = async () => {
    runs += 1;
    store.failWith("full");
    return runs;
  };
  await using kit = await hub({ store, work, workers: 2 });
  const enqueue = async () =>
    (await kit.kernel.queue.enqueue({ operation: Do, payload: "a", caller: admin, corrId: "c", attemptsMax: 1 }))
      .taskId;
  const taskId = await enqueue();
  await until(() => kit.errors.length === 1, "the end was refused");
  store.failWith(null);
  kit.clock.advance(5000);
  await until(() => kit.kernel.views.get(endedTasks, taskId) !== undefined, "the end is written");
  assert.deepEqual([runs, kit.kernel.views.get(endedTasks, taskId)?.output], [1, 1]);
  await enqueue();
  await until(() => kit.errors.length === 2, "the next end was refused");
  await kit[Symbol.asyncDispose]();
});

const tasksMany = 10_000;
/** What a hub may hold after a backlog has passed: rows and keys in caches, but nothing per task for ever. */
const heapGrowthBytesMax = 60_000_000;

test("ten thousand tasks pass through a file without staying in memory", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const folder = await mkdtemp(join(tmpdir(), "arw-queue-"));
  let done = 0;
  const kit = await hub({
    store: openSqliteStore(join(folder, "journal.db")),
    work: async () => (done += 1),
    workers: 64,
  });
  const all = Promise.withResolvers<void>();
  kit.kernel.bus.listen(["task.finished"], () => {
    if (done === tasksMany && kit.kernel.queue.depth().queued === 0) all.resolve();
  });
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let from = 0; from < tasksMany; from += 2000) {
    await Promise.all(
      Array.from({ length: 2000 }, (_, index) =>
        kit.kernel.queue.enqueue({ operation: Do, payload: from + index, caller: admin, corrId: "many" }),
      ),
    );
  }
  await all.promise;
  await until(() => kit.kernel.queue.depth().running === 0, "the last ones are let go");
  collect();
  const grownBytes = process.memoryUsage().heapUsed - before;
  await kit[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
  assert.equal(done, tasksMany);
  assert.ok(grownBytes < heapGrowthBytesMax, `${grownBytes} bytes stayed`);
});
