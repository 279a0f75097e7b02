/** Streams over real sockets: frames, resume, backpressure, heartbeats, and how they end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, test } from "vitest";
import { jsonText } from "../../src/contract/event.ts";
import { Problem } from "../../src/contract/problem.ts";
import type { CallRequest } from "../../src/kernel/kernel.ts";
import type { HttpLimits } from "../../src/surfaces/http/limits.ts";
import type { HttpSurface } from "../../src/surfaces/http/surface.ts";
import { type FakeKernel, fakeKernel, Full, manualClock, thingSurface } from "./http-hub.ts";

interface Hub {
  readonly surface: HttpSurface;
  readonly kernel: FakeKernel;
  readonly clock: ReturnType<typeof manualClock>;
  readonly url: string;
  readonly port: number;
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

async function hubOf(
  source: (request: CallRequest) => AsyncIterable<unknown>,
  limits: Partial<HttpLimits> = {},
): Promise<Hub> {
  const clock = manualClock();
  const kernel = fakeKernel((request) => ({ kind: "stream", items: source(request) }));
  const surface = thingSurface({ kernel, clock, limits });
  open.push(surface);
  const { url, port } = await surface.listen({ port: 0, host: "127.0.0.1" });
  return { surface, kernel, clock, url, port };
}

async function* listed(...items: unknown[]): AsyncGenerator {
  yield* items;
}

/** Ends when the call's signal does, as the corridor's streams do. */
async function* listedThenQuiet(request: CallRequest, ...items: unknown[]): AsyncGenerator {
  yield* items;
  if (request.signal?.aborted !== true) await once(request.signal as AbortSignal, "abort");
}

const until = async (isTrue: () => boolean): Promise<void> => {
  const lastMs = performance.now() + 20_000;
  while (!isTrue()) {
    assert.ok(performance.now() < lastMs, "it never happened");
    await new Promise((resolve) => setImmediate(resolve));
  }
};

async function rawGet(port: number, path: string): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(port, "127.0.0.1");
  open.push({ close: () => socket.destroy() });
  let text = "";
  socket.on("data", (bytes) => (text += bytes.toString("latin1")));
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
  return { socket, text: () => text };
}

const envelope = (seq: number, more: object = {}): object => ({
  seq,
  id: `e${seq}`,
  kind: "things.made",
  data: { seq },
  ...more,
});

test("events carry their position, kind and JSON; live ones and plain values carry less", async () => {
  const prepared = { ...envelope(2), [jsonText]: '{"prepared":true}' };
  const hub = await hubOf(() => listed(envelope(1), prepared, { id: "live", kind: "bus.gap" }, { row: 1 }, 7));
  const response = await fetch(`${hub.url}/watch`);
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.equal(response.headers.get("cache-control"), "no-cache, no-transform");
  assert.equal(response.headers.get("x-accel-buffering"), "no");
  assert.equal(response.headers.get("x-arw-corr"), "fresh-1");
  assert.deepEqual((await response.text()).split("\n\n"), [
    'id: 1\nevent: things.made\ndata: {"seq":1,"id":"e1","kind":"things.made","data":{"seq":1}}',
    'id: 2\nevent: things.made\ndata: {"prepared":true}',
    'event: bus.gap\ndata: {"id":"live","kind":"bus.gap"}',
    'data: {"row":1}',
    "data: 7",
    "",
  ]);
});

test("NDJSON comes when it is asked for", async () => {
  const hub = await hubOf(() => listed({ a: 1 }, { b: "two\nlines" }));
  const response = await fetch(`${hub.url}/watch`, { headers: { accept: "application/x-ndjson" } });
  assert.equal(response.headers.get("content-type"), "application/x-ndjson; charset=utf-8");
  assert.equal(await response.text(), '{"a":1}\n{"b":"two\\nlines"}\n');
});

test("Last-Event-ID resumes, also when the address says where the client once began", async () => {
  const hub = await hubOf(() => listed());
  const headers = { "last-event-id": "41" };
  await fetch(`${hub.url}/watch`, { headers });
  await fetch(`${hub.url}/watch?after=7`, { headers });
  assert.deepEqual(
    hub.kernel.calls.map((call) => call.input),
    [{ after: 41 }, { after: 41 }],
  );
  const junk = await fetch(`${hub.url}/watch`, { headers: { "last-event-id": "soon" } });
  assert.equal(junk.status, 400);
});

test("a source that refuses at once answers with the status of its problem", async () => {
  const hub = await hubOf(async function* () {
    yield await Promise.reject(new Problem(Full, "Not now."));
  });
  const response = await fetch(`${hub.url}/watch`);
  assert.deepEqual(
    [response.status, response.headers.get("content-type")],
    [503, "application/problem+json; charset=utf-8"],
  );
});

test("a source that fails later says so in the stream, and tells no internals", async () => {
  const hub = await hubOf(async function* () {
    yield { a: 1 };
    throw new TypeError("secret");
  });
  const text = await (await fetch(`${hub.url}/watch`)).text();
  assert.match(text, /^data: \{"a":1\}\n\nevent: problem\ndata: \{"type":"\/problems\/arw.internal".*\n\n$/s);
  assert.doesNotMatch(text, /secret/);
});

test("the head and a first beat come without waiting for the first item", async () => {
  const hub = await hubOf((request) => listedThenQuiet(request));
  const { text } = await rawGet(hub.port, "/watch");
  await until(() => hub.kernel.calls.length === 1 && hub.clock.timers > 1);
  hub.clock.advance(2_000);
  await until(() => text().includes("\n:\n\n"));
  assert.match(text(), /^HTTP\/1.1 200 OK/);
});

test("a silent stream beats, and no timer is left when the last one ends", async () => {
  const hub = await hubOf((request) => listedThenQuiet(request, { a: 1 }));
  const { socket, text } = await rawGet(hub.port, "/watch");
  await until(() => text().includes('{"a":1}'));
  for (let step = 0; step < 3; step += 1) hub.clock.advance(5_000);
  await until(() => text().includes("\n:\n\n"));
  socket.destroy();
  await until(() => hub.surface.streamCount === 0);
  assert.equal(hub.clock.timers, 0);
});

test("a client that leaves aborts the call", async () => {
  const hub = await hubOf((request) => listedThenQuiet(request, { a: 1 }));
  const { socket, text } = await rawGet(hub.port, "/watch");
  await until(() => text().includes('{"a":1}'));
  socket.destroy();
  await until(() => hub.kernel.calls[0]?.signal?.aborted === true);
});

test("a client that does not read stops the source, and is cut in the end", async () => {
  let pulled = 0;
  const hub = await hubOf(async function* () {
    for (;;) {
      pulled += 1;
      yield { text: "x".repeat(10_000) };
    }
  });
  const { socket } = await rawGet(hub.port, "/watch");
  socket.pause();
  await until(() => pulled > 1);
  let seen = -1;
  while (seen !== pulled) {
    seen = pulled;
    for (let turn = 0; turn < 2_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  // What the two sockets of this machine take, and not much more.
  assert.ok(pulled < 5_000, `${pulled} items pulled`);
  for (let step = 0; step < 7; step += 1) hub.clock.advance(5_000);
  socket.resume();
  await once(socket, "close");
  await until(() => hub.surface.streamCount === 0);
  const [call] = hub.kernel.calls;
  assert.equal(call?.signal?.aborted, true);
});

test("a client that reads slowly gets everything, in order", async () => {
  const count = 300;
  const hub = await hubOf(async function* () {
    for (let index = 0; index < count; index += 1) yield { index, text: "x".repeat(5_000) };
  });
  const response = await fetch(`${hub.url}/watch`, { headers: { accept: "application/x-ndjson" } });
  let text = "";
  for await (const bytes of response.body ?? []) {
    text += Buffer.from(bytes).toString();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const indexes = text
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { index: number }).index);
  assert.deepEqual(
    indexes,
    Array.from({ length: count }, (_, index) => index),
  );
});

test("streams have a limit of their own", async () => {
  const hub = await hubOf((request) => listedThenQuiet(request, { a: 1 }), { streamsMax: 1 });
  const { text } = await rawGet(hub.port, "/watch");
  await until(() => text().includes('{"a":1}'));
  const second = await fetch(`${hub.url}/watch`);
  assert.deepEqual([second.status, second.headers.get("retry-after")], [429, "5"]);
});

test("closing ends streams in good order, with what was under way", async () => {
  const hub = await hubOf((request) => listedThenQuiet(request, { a: 1 }, { b: 2 }));
  const { socket, text } = await rawGet(hub.port, "/watch");
  await until(() => text().includes('{"b":2}'));
  const [, outcome] = await Promise.all([hub.surface.close(), once(socket, "end")]);
  assert.ok(outcome);
  // The last chunk of a complete answer.
  assert.match(text(), /\r\n0\r\n\r\n$/);
});
