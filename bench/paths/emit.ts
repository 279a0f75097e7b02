/** P3: an event that is on the disk, with three views that agree, before its caller goes on. */
import { strict as assert } from "node:assert";
import { closeSync, fdatasync, fdatasyncSync, openSync, readFileSync, unlinkSync, write, writeSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Absent, alternate, type Contestant, type Lap, lapInFlight } from "../harness/alternate.ts";
import { amount, type Bench, type BenchOptions } from "../harness/bench.ts";
import { loadPeer, startNats, startRedis } from "../harness/peers.ts";
import { figure, median, quantile, rounded } from "../harness/rows.ts";
import { emitSample, openSubject, sampleCorrId, sampleCounts, sampleData, sampleEvents } from "../harness/subject.ts";

const inFlight = 256;
/** What the peers write: the same event as text, made anew each time as ours is. */
const sampleText = (index: number): string =>
  JSON.stringify({
    seq: index + 1,
    id: `0190a000-0000-7000-8000-${String(index).padStart(12, "0")}`,
    timeMs: 1_760_000_000_000 + index,
    kind: sampleEvents[index % sampleEvents.length]?.kind,
    version: 1,
    corrId: sampleCorrId(index),
    causeId: null,
    node: "bench-node",
    caller: "system:bench",
    data: sampleData(index),
  });

/** Latencies of one lap, and what one sync of as many bytes costs beside it. */
interface Latency {
  readonly emitP99: number[];
  readonly emitP50: number[];
  readonly syncP50: number[];
}

async function ourEmit(options: BenchOptions, ops: number, latency: Latency): Promise<Contestant> {
  const subject = await openSubject({ path: join(options.scratch, "emit.db") });
  options.defer(() => subject[Symbol.asyncDispose]());
  const { journal, views } = subject.kernel;
  let base = 0;
  const run = async (): Promise<Lap> => {
    const before = journal.headSeq();
    const waits = new Float64Array(ops);
    const done = await lapInFlight(ops, inFlight, async (index) => {
      const startedMs = performance.now();
      await emitSample(subject.kernel, base + index);
      waits[index] = performance.now() - startedMs;
    });
    base += ops;
    assert.equal(journal.headSeq(), before + ops);
    const counted = views.list(sampleCounts, { limit: 100 }).rows.reduce((sum, { row }) => sum + row.count, 0);
    assert.equal(counted, journal.headSeq());
    latency.emitP50.push(quantile([...waits], 0.5));
    latency.emitP99.push(quantile([...waits], 0.99));
    latency.syncP50.push(syncMs(options.scratch));
    return done;
  };
  return { name: "hub", run };
}

/** Median time to append a commit's worth of bytes and sync them. */
function syncMs(folder: string): number {
  const path = join(folder, "sync.bin");
  const file = openSync(path, "a");
  const bytes = Buffer.alloc(inFlight * 400, 97);
  const times = Array.from({ length: 15 }, () => {
    writeSync(file, bytes);
    const startedMs = performance.now();
    fdatasyncSync(file);
    return performance.now() - startedMs;
  });
  closeSync(file);
  unlinkSync(path);
  return median(times);
}

/** The least that a durable append can be: one line per event, one write and one sync per group, nothing else. */
function bareAppend(options: BenchOptions, ops: number): Contestant {
  const writeAll = promisify(write) as (file: number, bytes: Buffer) => Promise<unknown>;
  const sync = promisify(fdatasync);
  const run = async (): Promise<Lap> => {
    const path = join(options.scratch, "bare.jsonl");
    const file = openSync(path, "a");
    let lines: string[] = [];
    let group: PromiseWithResolvers<void> | null = null;
    let isBusy = false;
    const flush = async (): Promise<void> => {
      while (group !== null) {
        const current = group;
        const bytes = Buffer.from(lines.join(""));
        lines = [];
        group = null;
        await writeAll(file, bytes);
        await sync(file);
        current.resolve();
      }
      isBusy = false;
    };
    const done = await lapInFlight(ops, inFlight, (index) => {
      lines.push(`${sampleText(index)}\n`);
      group ??= Promise.withResolvers();
      if (!isBusy) {
        isBusy = true;
        setImmediate(() => void flush());
      }
      return group.promise;
    });
    closeSync(file);
    assert.equal(readFileSync(path, "utf8").split("\n").length - 1, ops);
    unlinkSync(path);
    return done;
  };
  return { name: "bare group-committed append", run };
}

interface Nats {
  connect(options: { servers: string }): Promise<{ close(): Promise<void> }>;
}
interface Jetstream {
  jetstream(connection: unknown): { publish(subject: string, payload: string): Promise<{ seq: number }> };
  jetstreamManager(connection: unknown): Promise<{
    streams: {
      add(config: object): Promise<unknown>;
      delete(name: string): Promise<unknown>;
      info(name: string): Promise<{ state: { messages: number } }>;
    };
  }>;
}

async function jetstreamPublish(options: BenchOptions, ops: number): Promise<Contestant | Absent> {
  const name = "JetStream, file";
  const transport = await loadPeer<Nats>("@nats-io/transport-node");
  const library = await loadPeer<Jetstream>("@nats-io/jetstream");
  if (transport === null || library === null) return { name, absent: "the NATS client is not installed" };
  const server = await startNats(options);
  if (server === null) return { name, absent: "nats-server is not on PATH" };
  const connection = await transport.connect({ servers: `127.0.0.1:${server.port}` });
  options.defer(() => connection.close());
  const manager = await library.jetstreamManager(connection);
  const client = library.jetstream(connection);
  const run = async (): Promise<Lap> => {
    await manager.streams.add({ name: "bench", subjects: ["bench.>"], storage: "file" });
    const done = await lapInFlight(ops, inFlight, (index) => client.publish("bench.event", sampleText(index)));
    const { state } = await manager.streams.info("bench");
    assert.equal(state.messages, ops);
    await manager.streams.delete("bench");
    return done;
  };
  return { name, run };
}

interface Redis {
  readonly default: new (options: {
    host: string;
    port: number;
  }) => {
    xadd(...given: string[]): Promise<unknown>;
    xlen(key: string): Promise<number>;
    del(key: string): Promise<unknown>;
    disconnect(): void;
  };
}

async function redisAppend(options: BenchOptions, ops: number): Promise<Contestant | Absent> {
  const name = "Redis XADD, fsync always";
  const library = await loadPeer<Redis>("ioredis");
  if (library === null) return { name, absent: "the package ioredis is not installed" };
  const server = await startRedis(options, "always");
  if (server === null) return { name, absent: "redis-server is not on PATH" };
  const client = new library.default({ host: "127.0.0.1", port: server.port });
  options.defer(() => client.disconnect());
  const run = async (): Promise<Lap> => {
    const done = await lapInFlight(ops, inFlight, (index) => client.xadd("bench", "*", "event", sampleText(index)));
    assert.equal(await client.xlen("bench"), ops);
    await client.del("bench");
    return done;
  };
  return { name, run };
}

export const benchEmit: Bench = async (options) => {
  const { rounds } = options;
  const ops = amount(options, 40_000, 2_000);
  const latency: Latency = { emitP99: [], emitP50: [], syncP50: [] };
  const ours = await ourEmit(options, ops, latency);
  const contestants = [
    await jetstreamPublish(options, amount(options, 15_000, 1_000)),
    await redisAppend(options, ops),
    bareAppend(options, ops),
    ours,
  ];
  const comparisons = [
    { ours: "hub", peer: "JetStream, file", target: { atLeast: 5 } },
    { ours: "hub", peer: "Redis XADD, fsync always", target: { atLeast: 1.5 } },
    { ours: "hub", peer: "bare group-committed append", target: { atLeast: 0.35 } },
  ];
  const what = "durable emit, 3 views, 256 awaiting";
  const rows = await alternate({ path: "P3", what, contestants, comparisons, rounds });
  // The first lap warmed up.
  const p99 = latency.emitP99.slice(1);
  const sync = median(latency.syncP50.slice(1));
  const p50 = median(latency.emitP50.slice(1));
  const bound = rounded(2 * sync + 2);
  return [
    ...rows,
    figure({
      path: "P3",
      what: "durable emit, 99th percentile",
      values: p99,
      unit: "ms",
      target: { atMost: bound },
      note: `2 syncs of ${sync.toFixed(2)} ms + 2 ms; median emit ${p50.toFixed(2)} ms`,
    }),
  ];
};
