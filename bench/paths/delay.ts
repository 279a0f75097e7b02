/** P17: how late the hub's thread comes to its work while it writes events and hashes a large file. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { createReadStream, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { amount, type Bench, type BenchOptions } from "../harness/bench.ts";
import { figure, median } from "../harness/rows.ts";
import { emitSample, openSubject, type Subject } from "../harness/subject.ts";

const eventsPerSecond = 5_000;
const quietMs = 1_000;
const tickMs = 1;
const nsPerMs = 1e6;

/** The 99th percentile of the delay, timer's own millisecond included, while the work runs. */
async function delayOf(work: () => Promise<void>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: tickMs });
  histogram.enable();
  await work();
  histogram.disable();
  return histogram.percentile(99) / nsPerMs;
}

/** A file with nothing in it: it takes no space, and hashing asks as much of the processor as of any other. */
function emptyFile(options: BenchOptions, sizeBytes: number): string {
  const path = join(options.scratch, "large.bin");
  writeFileSync(path, "");
  truncateSync(path, sizeBytes);
  return path;
}

/** Chunk by chunk on the main thread, as a backup does it. */
async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest("hex");
}

/** Emits at the pace until `done` is over, then looks that every event is there and that the pace was kept. */
async function emitDuring(subject: Subject, done: Promise<unknown>): Promise<void> {
  const { journal } = subject.kernel;
  const fromSeq = journal.headSeq();
  const startedMs = performance.now();
  const emits: Promise<unknown>[] = [];
  let isOver = false;
  const end = done.then(() => (isOver = true));
  while (!isOver) {
    const due = ((performance.now() - startedMs) / 1000) * eventsPerSecond;
    while (emits.length < due) emits.push(emitSample(subject.kernel, fromSeq + emits.length));
    await wait(tickMs);
  }
  await end;
  await Promise.all(emits);
  assert.equal(journal.headSeq() - fromSeq, emits.length);
  assert.ok(emits.length >= (performance.now() - startedMs) * (eventsPerSecond / 1000) * 0.9, "the pace was not kept");
}

export const benchDelay: Bench = async (options) => {
  const subject = await openSubject({ path: join(options.scratch, "delay.db") });
  options.defer(() => subject[Symbol.asyncDispose]());
  const path = emptyFile(options, amount(options, 2 ** 30, 2 ** 26));
  const expected = await hashOf(path);
  const idle: number[] = [];
  const writing: number[] = [];
  const both: number[] = [];
  for (let round = 0; round <= options.rounds; round += 1) {
    globalThis.gc?.();
    const times = [
      await delayOf(() => wait(quietMs)),
      await delayOf(() => emitDuring(subject, wait(quietMs))),
      await delayOf(() =>
        emitDuring(
          subject,
          hashOf(path).then((found) => assert.equal(found, expected)),
        ),
      ),
    ];
    // The first round warmed up.
    if (round > 0) for (const [index, list] of [idle, writing, both].entries()) list.push(times[index] ?? Number.NaN);
  }
  const note = `idle ${median(idle).toFixed(1)} ms, events alone ${median(writing).toFixed(1)} ms`;
  const what = `event-loop delay, 99th percentile: ${eventsPerSecond / 1000} k durable events/s beside a hash of 1 GB`;
  return [
    figure({ path: "P17", what, values: both, unit: "ms", target: { atMost: 20 }, note }),
    figure({
      path: "P17",
      what: "the same delay against an idle hub",
      peer: "itself",
      values: both.map((each, round) => each / (idle[round] ?? Number.NaN)),
      unit: "x",
    }),
  ];
};
