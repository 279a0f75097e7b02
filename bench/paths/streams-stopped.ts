/** P4: what clients that stopped reading cost all others. The hub must cut them: by lag at once, by time a little later. */
import { strict as assert } from "node:assert";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { amount, type Bench, type BenchOptions } from "../harness/bench.ts";
import { figure, median, type Row, rounded } from "../harness/rows.ts";
import { startStreamHub, type StreamHub } from "./streams-hub.ts";
import type { Order, Word } from "./streams-stopped-clients.ts";

const readersFull = 950;
const stoppedFull = 50;
const eventsFull = 120;
/** Between two events: a hub with much to tell, and not one that is flooded. */
const eventEveryMs = 20;
/** More than the system takes for a connection that nobody reads (4 MB to send, some hundred KB to receive). */
const stuffing = { events: 48, sizeBytes: 131_072, everyMs: 5 };
/** Small enough that a lap shows both cuts: a reader that waits falls behind after so many events, */
const busCapacity = 32;
/** and is cut after this long. */
const limits = { stalledMsMax: 1_500, heartbeatMs: 1_500 };
/** Longest time for a cut, with the pause between two looks. */
const cutMsMax = 10_000;
const pollMs = 50;

interface Scene {
  readonly hub: StreamHub;
  readonly clients: ChildProcess;
  readonly readers: number;
  readonly stopped: number;
  readonly events: number;
}

const tell = (clients: ChildProcess, order: Order): void => void clients.send(order);

async function heard(clients: ChildProcess): Promise<Word> {
  const [word] = (await once(clients, "message")) as [Word];
  return word;
}

async function openScene(options: BenchOptions): Promise<Scene> {
  const hub = await startStreamHub(options, { busCapacity, limits });
  const clients = fork(join(import.meta.dirname, "streams-stopped-clients.ts"), {
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  options.defer(() => void clients.kill("SIGKILL"));
  const readers = amount(options, readersFull, 38);
  tell(clients, { kind: "read", port: hub.port, path: hub.path, clients: readers });
  await heard(clients);
  return { hub, clients, readers, stopped: amount(options, stoppedFull, 2), events: amount(options, eventsFull, 40) };
}

/** Publishes at its pace; answers the p99 of the delays of all readers. */
async function delayMs({ hub, clients, events }: Scene): Promise<number> {
  const seen = heard(clients);
  tell(clients, { kind: "expect", events });
  for (let index = 0; index < events; index += 1) {
    hub.publish({ index, text: "x".repeat(100), sentAtUs: Number(process.hrtime.bigint() / 1000n) });
    await wait(eventEveryMs);
  }
  const word = await seen;
  assert.ok(word.kind === "seen");
  return word.p99Ms;
}

/** The same while others have stopped reading and are cut. */
async function delayBesideStoppedMs(scene: Scene): Promise<number> {
  const { hub, clients, readers, stopped } = scene;
  const laggedBefore = hub.lagged();
  tell(clients, { kind: "stop", port: hub.port, path: "/events?prefix=bench.", clients: stopped });
  await heard(clients);
  assert.equal(hub.openStreams(), readers + stopped);
  for (let index = 0; index < stuffing.events; index += 1) {
    hub.stuff({ text: "x".repeat(stuffing.sizeBytes) });
    // At a pace that whoever reads keeps up with, so that only those who stand still lose events.
    await wait(stuffing.everyMs);
  }
  const p99Ms = await delayMs(scene);
  for (let waitedMs = 0; hub.openStreams() > readers && waitedMs < cutMsMax; waitedMs += pollMs) await wait(pollMs);
  assert.equal(hub.openStreams(), readers, "the hub cuts who does not read, and nobody else");
  assert.ok(hub.lagged() > laggedBefore, "who does not read loses events");
  tell(clients, { kind: "release" });
  return p99Ms;
}

export const benchStopped: Bench = async (options): Promise<readonly Row[]> => {
  const scene = await openScene(options);
  const alone: number[] = [];
  const beside: number[] = [];
  await delayMs(scene); // Warms up; not counted.
  for (let round = 0; round < options.rounds; round += 1) {
    if (round % 2 === 0) alone.push(await delayMs(scene));
    beside.push(await delayBesideStoppedMs(scene));
    if (round % 2 === 1) alone.push(await delayMs(scene));
  }
  return [
    figure({
      path: "P4",
      what: `p99 delay of ${scene.readers} clients beside ${scene.stopped} stopped ones`,
      peer: "the same without them",
      values: beside.map((value, round) => value / (alone[round] ?? Number.NaN)),
      unit: "x",
      target: { atMost: 1.2 },
      note: `${rounded(median(beside))} ms against ${rounded(median(alone))} ms`,
    }),
  ];
};
