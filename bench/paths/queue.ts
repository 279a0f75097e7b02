/** P7: a job that survives a crash from its acceptance to its end, and the start of a hub on which a million wait. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { type Absent, alternate, type Contestant, type Lap, lapInFlight } from "../harness/alternate.ts";
import { amount, type Bench, type BenchOptions } from "../harness/bench.ts";
import { loadPeer, startRedis } from "../harness/peers.ts";
import { figure } from "../harness/rows.ts";
import { benchCaller, NoOpJob, openSubject } from "../harness/subject.ts";
import { endedTasks } from "../../src/contract/task.ts";

const producers = 64;
const consumers = 100;
const payload = (id: number) => ({ id, text: "hello world ".repeat(8) });

async function ourQueue(options: BenchOptions, ops: number): Promise<Contestant> {
  const subject = await openSubject({ path: join(options.scratch, "queue.db"), workers: consumers });
  options.defer(() => subject[Symbol.asyncDispose]());
  const { queue, bus } = subject.kernel;
  const run = async (): Promise<Lap> => {
    subject.tally.jobs = 0;
    let finished = 0;
    const all = Promise.withResolvers<void>();
    const stop = bus.listen(["task.finished"], () => {
      finished += 1;
      if (finished === ops) all.resolve();
    });
    const startedMs = performance.now();
    await lapInFlight(ops, producers, (id) =>
      queue.enqueue({ operation: NoOpJob, payload: payload(id), caller: benchCaller, corrId: `job-${id}` }),
    );
    await all.promise;
    const durationMs = performance.now() - startedMs;
    stop();
    assert.equal(subject.tally.jobs, ops);
    assert.ok(subject.kernel.views.list(endedTasks, { limit: 1 }).rows.length === 1);
    return { ops, durationMs };
  };
  return { name: "hub", run };
}

interface Bullmq {
  readonly Queue: new (
    name: string,
    options: object,
  ) => {
    add(name: string, data: object, options: object): Promise<unknown>;
    obliterate(options: object): Promise<void>;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  };
  readonly Worker: new (
    name: string,
    run: () => Promise<unknown>,
    options: object,
  ) => {
    run(): Promise<void>;
    on(event: "completed", run: () => void): void;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  };
}

async function bullQueue(options: BenchOptions, ops: number): Promise<Contestant | Absent> {
  const name = "BullMQ, AOF everysec";
  const library = await loadPeer<Bullmq>("bullmq");
  if (library === null) return { name, absent: "the package bullmq is not installed" };
  const server = await startRedis(options, "everysec");
  if (server === null) return { name, absent: "redis-server is not on PATH" };
  const connection = { host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null };
  const run = async (): Promise<Lap> => {
    const queue = new library.Queue("bench", { connection });
    await queue.waitUntilReady();
    let ran = 0;
    let finished = 0;
    const all = Promise.withResolvers<void>();
    const job = async (): Promise<object> => {
      ran += 1;
      return { ok: true };
    };
    const worker = new library.Worker("bench", job, { connection, concurrency: consumers, autorun: false });
    worker.on("completed", () => {
      finished += 1;
      if (finished === ops) all.resolve();
    });
    await worker.waitUntilReady();
    const startedMs = performance.now();
    void worker.run();
    await lapInFlight(ops, producers, (id) => queue.add("job", payload(id), { removeOnComplete: true }));
    await all.promise;
    const durationMs = performance.now() - startedMs;
    assert.equal(ran, ops);
    await worker.close();
    await queue.obliterate({ force: true });
    await queue.close();
    return { ops, durationMs };
  };
  return { name, run };
}

/** Opens a hub's kernel on a file in which so many tasks wait, and looks that every one is there. */
async function restartMs(options: BenchOptions, waiting: number): Promise<number[]> {
  const path = join(options.scratch, "waiting.db");
  const filling = await openSubject({ path, workers: 0 });
  await lapInFlight(waiting, 4096, (id) =>
    filling.kernel.queue.enqueue({
      operation: NoOpJob,
      payload: payload(id),
      caller: benchCaller,
      corrId: `job-${id}`,
    }),
  );
  await filling[Symbol.asyncDispose]();
  const times: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    const startedMs = performance.now();
    const subject = await openSubject({ path, workers: 0 });
    times.push(performance.now() - startedMs);
    assert.equal(subject.kernel.queue.depth().queued, waiting);
    await subject[Symbol.asyncDispose]();
  }
  return times;
}

export const benchQueue: Bench = async (options) => {
  const contestants = [
    await bullQueue(options, amount(options, 3_000, 300)),
    await ourQueue(options, amount(options, 20_000, 500)),
  ];
  const comparisons = [{ ours: "hub", peer: "BullMQ, AOF everysec", target: { atLeast: 10 } }];
  const what = "durable job: enqueue, run, complete";
  return alternate({ path: "P7", what, contestants, comparisons, rounds: options.rounds });
};

export const benchRestart: Bench = async (options) => {
  const waiting = amount(options, 1_000_000, 2_000);
  const values = (await restartMs(options, waiting)).map((each) => each / 1000);
  const what = `start with ${waiting.toLocaleString("en")} waiting jobs`;
  return [figure({ path: "P7", what, values, unit: "s", target: { atMost: 5 } })];
};
