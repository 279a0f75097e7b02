/** What clients do to a door that no client of ours would. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, test } from "vitest";
import { InvalidInput } from "../../src/contract/standard-problems.ts";
import { parseBody } from "../../src/surfaces/http/json-body.ts";
import type { HttpDeps, HttpSurface } from "../../src/surfaces/http/surface.ts";
import { fakeKernel, thingSurface } from "./http-hub.ts";

const open: HttpSurface[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const surface of open.splice(0)) await surface.close();
});

async function portOf(options: Partial<HttpDeps> = {}): Promise<number> {
  const surface = thingSurface(options);
  open.push(surface);
  return (await surface.listen({ port: 0, host: "127.0.0.1" })).port;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Everything that was said until the connection ended. */
async function ask(port: number, text: string): Promise<string> {
  const socket = await dial(port);
  let said = "";
  socket.on("data", (bytes) => (said += bytes.toString("latin1")));
  socket.write(text);
  await once(socket, "close");
  return said;
}

const head = (port: number, what: string, ...lines: readonly string[]): string =>
  [`${what} HTTP/1.1`, `Host: localhost:${port}`, ...lines, "", ""].join("\r\n");
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a client that leaves while answers wait for their turn gives back every place it took", async () => {
  const meter = { arrived: 0, answered: 0 };
  const meters = {
    of: () => ({ arrived: () => void (meter.arrived += 1), answered: () => void (meter.answered += 1) }),
  };
  const signals: AbortSignal[] = [];
  const kernel = fakeKernel(({ signal }) => {
    signals.push(signal as AbortSignal);
    return new Promise(() => {});
  });
  const port = await portOf({ kernel, meters });
  const socket = await dial(port);
  const count = 20;
  socket.write(head(port, "GET /things/a").repeat(count));
  while (kernel.calls.length < count) await turn();
  socket.destroy();
  while (meter.answered < count) await turn();
  await turn();
  assert.equal(meter.answered, count);
  assert.ok(signals.every((signal) => signal.aborted));
});

test("an answer that is written to after its end ends its connection, and nothing else", async () => {
  const surface = thingSurface();
  open.push(surface);
  let late = true;
  await using server = createServer((request, response) => {
    surface.answer(request, response);
    if (late) response.on("prefinish", () => response.write("more"));
    late = false;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const text = head(port, "GET /things/a", "Connection: close");
  await ask(port, text);
  assert.match(await ask(port, text), /^HTTP\/1\.1 200 /);
});

test("a fault behind a request is not taken for its answer", async () => {
  const kernel = fakeKernel(() => new Promise(() => {}));
  const port = await portOf({ kernel });
  const socket = await dial(port);
  let said = "";
  socket.on("data", (bytes) => (said += bytes.toString("latin1")));
  socket.write(head(port, "GET /things/a"));
  while (kernel.calls.length === 0) await turn();
  socket.write("no request at all\r\n\r\n");
  await once(socket, "close");
  assert.equal(said, "");
  assert.equal(kernel.calls[0]?.signal?.aborted, true);
});

test("a fault in the middle of a stream ends it, and says nothing into it", async () => {
  async function* items(signal: AbortSignal | undefined): AsyncGenerator {
    yield { first: true };
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
  }
  const kernel = fakeKernel(({ signal }) => ({ kind: "stream", items: items(signal) }));
  const port = await portOf({ kernel });
  const socket = await dial(port);
  let said = "";
  socket.on("data", (bytes) => (said += bytes.toString("latin1")));
  socket.write(head(port, "GET /watch", "Accept: text/event-stream"));
  while (!said.includes("first")) await once(socket, "data");
  socket.write("no request at all\r\n\r\n");
  await once(socket, "close");
  assert.equal(said.match(/HTTP\/1\.1/g)?.length, 1);
});

test("a client that expects what nobody knows is answered all the same", async () => {
  const port = await portOf();
  assert.match(await ask(port, head(port, "GET /things/a", "Expect: tea", "Connection: close")), /^HTTP\/1\.1 200 /);
});

test("a body that was packed is refused unread", async () => {
  const port = await portOf();
  const post = (...lines: readonly string[]): string =>
    head(port, "POST /things", "Content-Type: application/json", "Connection: close", ...lines);
  const chunks = "2\r\n{}\r\n0\r\n\r\n";
  for (const text of [
    `${post("Content-Length: 2", "Content-Encoding: gzip")}{}`,
    `${post("Transfer-Encoding: gzip, chunked")}${chunks}`,
  ])
    assert.match(await ask(port, text), /^HTTP\/1\.1 415 [^]*arw\.unsupported-media/);
  for (const text of [
    `${post("Content-Length: 2", "Content-Encoding: identity")}{}`,
    `${post("Transfer-Encoding: Chunked")}${chunks}`,
  ])
    assert.match(await ask(port, text), /^HTTP\/1\.1 200 /);
});

test("a large body is looked through before it is parsed, and no further than that pays", () => {
  const depthMax = 64;
  const parse = (text: string): unknown => parseBody(Buffer.from(text), depthMax);
  const refusedWith = (pattern: RegExp): object => ({ definition: InvalidInput, message: pattern });
  const large = 2_000_000;
  assert.throws(() => parse("[".repeat(large)), refusedWith(/nested too deeply/));
  assert.throws(() => parse(`{"a":${"1".repeat(large)}x}`), refusedWith(/^The body is not JSON\.$/));
  const nested = (depth: number): string => `{"a":${"[".repeat(depth)}${" ".repeat(20_000)}${"]".repeat(depth)}}`;
  assert.ok(parse(nested(depthMax - 1)));
  assert.throws(() => parse(nested(depthMax)), refusedWith(/nested too deeply/));
  const brackets = `${"[{".repeat(20_000)}\\"${"[".repeat(100)}\\\\`;
  assert.ok(parse(`{"a":"${brackets}","b":[]}`));
});

test("streams that wait behind a stream end with their connection", async () => {
  async function* items(): AsyncGenerator {
    yield { first: true };
    await new Promise(() => {});
  }
  const kernel = fakeKernel(() => ({ kind: "stream", items: items() }));
  const port = await portOf({ kernel });
  const [surface] = open;
  const socket = await dial(port);
  socket.write(head(port, "GET /watch", "Accept: text/event-stream").repeat(3));
  while (surface?.streamCount !== 3) await turn();
  socket.destroy();
  while (kernel.calls.some(({ signal }) => signal?.aborted !== true)) await turn();
  assert.equal(kernel.calls.length, 3);
});
