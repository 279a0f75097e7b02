/** Streams over a real kernel and real sockets: many clients, clients that stop reading, and parameters that make no sense. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, test } from "vitest";
import { contractTable } from "../../src/app/domains.ts";
import { event } from "../../src/contract/event.ts";
import { closed, Type } from "../../src/contract/schema.ts";
import type { HttpLimits } from "../../src/surfaces/http/limits.ts";
import { createHttpSurface } from "../../src/surfaces/http/surface.ts";
import { admin, domainOf, type Kit, makeKernel } from "../kit/kernel.ts";
import { manualClock, silentLog } from "./http-hub.ts";
import { startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";

const isSoak = process.env["ARW_SOAK"] === "1";
const clientsMany = isSoak ? 1000 : 60;
const stopped = isSoak ? 200 : 20;
const capacity = 64;
const stalledMsMax = 30_000;
/** Streams are looked at this often: three times per heartbeat. */
const tickMs = 5_000;
const longestPauseMs = 60;
/** Enough of a text to hold the last frame in. */
const tailLength = 1_000;

const Tick = event({
  kind: "ticks.tick",
  about: "A sample.",
  data: closed({ index: Type.Integer(), text: Type.String() }),
});
const Tock = event({ ...Tick, kind: "ticks.tock", isDurable: false });
const origin = { caller: admin, corrId: "ticks", causeId: null };

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

interface Hub {
  readonly kit: Kit;
  readonly clock: ReturnType<typeof manualClock>;
  readonly port: number;
}

/** Pauses between two writes pass by themselves; stalls and heartbeats are in the hands of the test. */
function quickClock(): ReturnType<typeof manualClock> {
  const manual = manualClock();
  const later = manual.after;
  const after: typeof later = (delayMs, run) => {
    if (delayMs > longestPauseMs) return later(delayMs, run);
    const timer = setImmediate(run);
    return () => clearImmediate(timer);
  };
  return Object.assign(manual, { after });
}

async function openHub(limits: Partial<HttpLimits> = { stalledMsMax }): Promise<Hub> {
  const kit = await makeKernel({ busCapacity: capacity, domains: () => [domainOf("ticks", { events: [Tick, Tock] })] });
  const clock = quickClock();
  let ids = 0;
  const surface = createHttpSurface({
    kernel: kit.kernel,
    clock,
    chance: { randomBytes: (count) => new Uint8Array(count) },
    log: silentLog,
    newCorrId: () => `call-${(ids += 1)}`,
    isReady: () => true,
    web: null,
    spec: null,
    limits,
  });
  open.push({ close: () => kit[Symbol.asyncDispose]() }, { close: () => surface.close() });
  const { port } = await surface.listen({ port: 0, host: "127.0.0.1" });
  return { kit, clock, port };
}

async function openStream(port: number, path: string, lastEventId?: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  open.push({ close: () => socket.destroy() });
  socket.on("error", () => {});
  await once(socket, "connect");
  const position = lastEventId === undefined ? "" : `Last-Event-ID: ${lastEventId}\r\n`;
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: Bearer token\r\n${position}\r\n`);
  return socket;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function turnsUntil(what: string, isTrue: () => boolean): Promise<void> {
  for (let turns = 0; !isTrue(); turns += 1) {
    assert.ok(turns < 200_000, what);
    await turn();
  }
}

/** The positions a client has seen, from the frames' `id` lines. */
const idsOf = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));

test(`${clientsMany} clients see every event, once and in order, and leave nothing behind`, async () => {
  const hub = await openHub();
  const { bus, journal } = hub.kit.kernel;
  const texts = Array.from({ length: clientsMany }, () => "");
  const sockets = await Promise.all(
    texts.map(async (_text, index) => {
      const socket = await openStream(hub.port, index % 2 === 0 ? "/events" : "/events?prefix=ticks.");
      socket.setEncoding("latin1").on("data", (text: string) => (texts[index] += text));
      return socket;
    }),
  );
  await turnsUntil("every client is connected", () => bus.subscribers.length === clientsMany);
  const seqs: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const written = await Promise.all(
      [0, 1, 2, 3, 4].map((index) => journal.emit(Tick, { index, text: "x".repeat(200) }, origin)),
    );
    seqs.push(...written.map(({ seq }) => seq));
    await turn();
  }
  const last = `id: ${seqs.at(-1)}\n`;
  await turnsUntil("every client has the last event", () =>
    texts.every((text) => text.slice(-tailLength).includes(last)),
  );
  for (const text of texts) assert.deepEqual(idsOf(text), seqs);
  for (const socket of sockets) socket.destroy();
  await turnsUntil("every reader is gone", () => bus.subscribers.length === 0);
});

test("clients that stop reading cost a bounded amount, hold up nobody, and are cut in the end", async () => {
  const hub = await openHub();
  const { bus, journal } = hub.kit.kernel;
  const sockets = await Promise.all(Array.from({ length: stopped }, () => openStream(hub.port, "/events")));
  for (const socket of sockets) socket.pause();
  const reader = await openStream(hub.port, "/events");
  let text = "";
  reader.setEncoding("latin1").on("data", (more: string) => (text += more.replaceAll(".", "")));
  await turnsUntil("every client is connected", () => bus.subscribers.length === stopped + 1);

  const bulk = ".".repeat(16_384);
  const count = 1_500;
  const publish = async (from: number): Promise<void> => {
    for (let index = from; index < from + count; index += 1) {
      await journal.emit(Tock, { index, text: bulk }, origin);
      await turn();
    }
  };
  await publish(0);
  await turnsUntil("the one who reads has the last", () => text.slice(-tailLength).includes(`"index":${count - 1},`));
  const seen = [...text.matchAll(/"index":(\d+)/g)].map((match) => Number(match[1]));
  assert.deepEqual(
    seen,
    Array.from({ length: count }, (_, index) => index),
  );
  const lagging = bus.subscribers.filter((each) => each.skipped > 0);
  assert.equal(lagging.length, stopped, "those who stopped lose, and nobody else");
  assert.ok(lagging.every((each) => each.pending <= capacity));

  const beforeBytes = process.memoryUsage().rss;
  await publish(count);
  // Kept for each of them it would be all of it; garbage that was not collected yet is far below a third.
  const grownBytes = process.memoryUsage().rss - beforeBytes;
  assert.ok(grownBytes < (count * bulk.length * stopped) / 3, `grew by ${grownBytes} bytes`);

  hub.clock.advance(stalledMsMax / 2);
  hub.clock.advance(stalledMsMax);
  hub.clock.advance(stalledMsMax);
  await turnsUntil("those who stopped are cut", () => bus.subscribers.length <= 1);
});

test("a client that stops reading is cut by what it has lost, long before its time, and resumes without loss", async () => {
  const stalledEventsMax = 100;
  const hub = await openHub({ stalledMsMax, stalledEventsMax });
  const { bus, journal } = hub.kit.kernel;
  const first = await openStream(hub.port, "/events?prefix=ticks.");
  await turnsUntil("it is connected", () => bus.subscribers.length === 1);
  first.pause();
  const seqs: number[] = [];
  const lost = (): number => bus.subscribers[0]?.skipped ?? 0;
  const publishUntil = async (isEnough: () => boolean): Promise<void> => {
    for (let index = 0; !isEnough(); index += 1) {
      assert.ok(index < 10_000, "it never lost enough");
      seqs.push((await journal.emit(Tick, { index, text: ".".repeat(16_384) }, origin)).seq);
      await turn();
    }
  };
  await publishUntil(() => lost() > 0);
  hub.clock.advance(tickMs);
  await turn();
  assert.equal(bus.subscribers.length, 1, "little is lost, and it has time");
  await publishUntil(() => lost() > stalledEventsMax);
  hub.clock.advance(tickMs);
  await turnsUntil("it is cut", () => bus.subscribers.length === 0);

  let text = "";
  first.setEncoding("latin1").on("data", (more: string) => (text += more.replaceAll(".", "")));
  first.resume();
  await turnsUntil("what was on its way is read", () => first.closed);
  const seen = idsOf(text.slice(0, text.lastIndexOf("\n\n") + 1));
  assert.ok(seen.length < seqs.length);
  const second = await openStream(hub.port, "/events?prefix=ticks.", seen.at(-1) ?? 0);
  let rest = "";
  second.setEncoding("latin1").on("data", (more: string) => (rest += more.replaceAll(".", "")));
  await turnsUntil("it has the last", () => rest.slice(-tailLength).includes(`id: ${seqs.at(-1)}\n`));
  assert.deepEqual([...seen, ...idsOf(rest)], seqs);
});

test("a client that comes back goes on from its position, whatever its address once began with", async () => {
  const hub = await openHub();
  const socket = await openStream(hub.port, "/events?replay=25", 0);
  let text = "";
  socket.setEncoding("latin1").on("data", (more: string) => (text += more));
  await turnsUntil("it is connected", () => text.includes('"mode":"after"'));
});

test("an unknown or bad parameter is refused on every stream, before it begins", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  await hub.post("/consumers/mirror", {});
  const streams = [...contractTable().operations.values()].filter(
    ({ operation }) => operation.mode === "many" && operation.http.startsWith("GET "),
  );
  assert.ok(streams.length > 5);
  for (const query of [
    ...["", "..", "%00", "a..b", ".a", "a,,b", "a, ", "a b", "%2A"].map((prefix) => `prefix=${prefix}`),
    "after=1&replay=2",
  ])
    for (const path of query.startsWith("prefix") ? ["/events", "/events/journal"] : ["/events"]) {
      const { status, body } = await hub.call("GET", `${path}?${query}`);
      assert.deepEqual([status, body.code], [400, "arw.invalid-input"], `${path}?${query}`);
      assert.match(String(body.detail), /does not have the form that it takes: Only kinds|both say where/);
    }
  for (const { operation } of streams) {
    const template = operation.http.slice("GET ".length);
    const path = template.replace("{name}", "mirror");
    const numbers = Object.entries(operation.input.properties)
      .filter(([name, schema]) => (schema as { type?: string }).type === "integer" && !template.includes(`{${name}}`))
      .map(([name]) => name);
    for (const query of [
      "nope=1",
      ...numbers.flatMap((name) => [`${name}=-1`, `${name}=soon`, `${name}=1&${name}=2`]),
    ]) {
      const { status, body } = await hub.call("GET", `${path}?${query}`);
      assert.deepEqual([status, body.code], [400, "arw.invalid-input"], `${path}?${query}`);
    }
  }
});
