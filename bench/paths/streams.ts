/** P4: one event to a thousand clients. Clients are in another process, so that the processor time is the server's alone. */
import { strict as assert } from "node:assert";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { alternate, type Contestant, type Lap } from "../harness/alternate.ts";
import { amount, type Bench, type BenchOptions } from "../harness/bench.ts";
import { loadPeer, stopChild } from "../harness/peers.ts";
import { figure, type Row } from "../harness/rows.ts";
import { sampleData } from "../harness/subject.ts";
import { type Streamer, startStreamHub } from "./streams-hub.ts";

const clientsFull = 1_000;
const eventsFull = 200;
const mark = "the-last-of-the-lap";

const dataOf = (index: number, count: number): object =>
  index === count - 1 ? { ...sampleData(index), mark } : sampleData(index);

/** What one writes first: every event to text, and every text to every client. */
async function startNaive(options: BenchOptions): Promise<Streamer> {
  const clients = new Set<ServerResponse>();
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(":\n\n");
    clients.add(response);
    response.on("close", () => clients.delete(response));
  });
  const port = await listen(server, options);
  let seq = 0;
  return {
    name: "naive",
    port,
    path: "/",
    publish(data) {
      seq += 1;
      for (const client of clients) {
        const envelope = { seq, id: `e${seq}`, timeMs: Date.now(), kind: "bench.sampled", version: 1, data };
        client.write(`id: ${seq}\nevent: bench.sampled\ndata: ${JSON.stringify(envelope)}\n\n`);
      }
    },
  };
}

/** On a free port of this machine, until the benchmark ends. */
async function listen(server: Server, options: BenchOptions): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  options.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

/** Of the package, what is used here. */
interface BetterSse {
  createChannel(): { register(session: unknown): void; broadcast(data: unknown, name: string): void };
  createSession(request: unknown, response: unknown): Promise<unknown>;
}

async function startBetterSse(options: BenchOptions): Promise<Streamer | null> {
  const peer = await loadPeer<BetterSse>("better-sse");
  if (peer === null) return null;
  const channel = peer.createChannel();
  const server = createServer((request, response) => {
    void peer.createSession(request, response).then((session) => channel.register(session));
  });
  const port = await listen(server, options);
  let seq = 0;
  return {
    name: "better-sse",
    port,
    path: "/",
    publish(data) {
      seq += 1;
      const envelope = { seq, id: `e${seq}`, timeMs: Date.now(), kind: "bench.sampled", version: 1, data };
      channel.broadcast(envelope, "bench.sampled");
    },
  };
}

async function openClients(streamer: Streamer, clients: number, options: BenchOptions): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, "streams-clients.ts"), {
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  options.defer(() => void child.kill("SIGKILL"));
  child.send({ port: streamer.port, path: streamer.path, clients, mark });
  const [message] = await once(child, "message");
  assert.deepEqual(message, { kind: "open" });
  return child;
}

interface Measured {
  readonly contestant: Contestant;
  /** Microseconds of the server's processor time per delivery, one value per lap. */
  readonly cpuUs: number[];
}

async function contestantOf(
  streamer: Streamer,
  { clients, events }: { readonly clients: number; readonly events: number },
  options: BenchOptions,
): Promise<Measured> {
  const child = await openClients(streamer, clients, options);
  const cpuUs: number[] = [];
  const run = async (): Promise<Lap> => {
    const seen = once(child, "message");
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    for (let index = 0; index < events; index += 1) {
      streamer.publish(dataOf(index, events));
      await turn();
    }
    assert.deepEqual((await seen)[0], { kind: "seen" });
    const durationMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    cpuUs.push((user + system) / (events * clients));
    return { ops: events * clients, durationMs };
  };
  return { contestant: { name: streamer.name, run }, cpuUs };
}

/** What the process grows by for each client that only listens. */
async function idleClientKb(streamer: Streamer, clients: number, options: BenchOptions): Promise<number> {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const child = await openClients(streamer, clients, options);
  globalThis.gc?.();
  const grownBytes = process.memoryUsage.rss() - before;
  await stopChild(child);
  return Math.max(0, grownBytes) / clients / 1000;
}

export const benchStreams: Bench = async (options): Promise<readonly Row[]> => {
  const sizes = { clients: amount(options, clientsFull, 50), events: amount(options, eventsFull, 20) };
  const what = `SSE to ${sizes.clients} clients`;
  const hub = await startStreamHub(options);
  // The first clients also pay for what all of them share.
  await idleClientKb(hub, Math.ceil(sizes.clients / 10), options);
  const idleKb = await idleClientKb(hub, sizes.clients, options);
  const ours = await contestantOf(hub, sizes, options);
  const naive = await contestantOf(await startNaive(options), sizes, options);
  const betterSse = await startBetterSse(options);
  const better =
    betterSse === null
      ? { name: "better-sse", absent: "the package better-sse is not installed" }
      : (await contestantOf(betterSse, sizes, options)).contestant;
  const rows = await alternate({
    path: "P4",
    what,
    contestants: [ours.contestant, naive.contestant, better],
    comparisons: [
      { ours: "hub", peer: "naive", target: { atLeast: 10 } },
      { ours: "hub", peer: "better-sse", target: { atLeast: 10 } },
    ],
    rounds: options.rounds,
  });
  const values = ours.cpuUs.slice(1);
  return [
    ...rows,
    figure({ path: "P4", what: `${what}: processor time per delivery`, values, unit: "us", target: { atMost: 0.2 } }),
    figure({ path: "P4", what: "memory per idle client", values: [idleKb], unit: "KB", target: { atMost: 20 } }),
  ];
};
