/** The door on the wire: what a connection may do, and how it ends. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, test } from "vitest";
import type { ForeignRoute, Outcome } from "../../src/kernel/kernel.ts";
import type { HttpDeps, HttpSurface } from "../../src/surfaces/http/surface.ts";
import { fakeKernel, thingSurface } from "./http-hub.ts";

const open: HttpSurface[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const surface of open.splice(0)) await surface.close();
});

async function portOf(options: Partial<HttpDeps> = {}, host = "127.0.0.1"): Promise<number> {
  const surface = thingSurface(options);
  open.push(surface);
  return (await surface.listen({ port: 0, host })).port;
}

interface Line {
  readonly socket: Socket;
  /** Everything that was said so far. */
  text(): string;
  /** Resolves once all of this was said, in this order. */
  says(...parts: readonly RegExp[]): Promise<void>;
}

async function dial(port: number, host = "127.0.0.1"): Promise<Line> {
  const socket = connect(port, host);
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  let said = "";
  socket.on("data", (bytes) => (said += bytes.toString("latin1")));
  const hasSaid = (parts: readonly RegExp[]): boolean => {
    let at = 0;
    return parts.every((part) => {
      const match = part.exec(said.slice(at));
      at += match === null ? 0 : match.index + match[0].length;
      return match !== null;
    });
  };
  return {
    socket,
    text: () => said,
    async says(...parts) {
      while (!hasSaid(parts)) await once(socket, "data");
    },
  };
}

/** `what` is the method and the address. */
const head = (port: number, what: string, ...lines: readonly string[]): string =>
  [`${what} HTTP/1.1`, `Host: localhost:${port}`, ...lines, "", ""].join("\r\n");
const json = "Content-Type: application/json";

test("requests that are sent at once are answered in their order", async () => {
  const late = Promise.withResolvers<Outcome>();
  const kernel = fakeKernel(({ input }) => {
    const { id } = input as { id: string };
    return id === "first" ? late.promise : { kind: "answer", output: { id } };
  });
  const port = await portOf({ kernel });
  const line = await dial(port);
  line.socket.write(head(port, "GET /things/first") + head(port, "GET /things/second"));
  while (kernel.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(line.text(), "");
  late.resolve({ kind: "answer", output: { id: "first" } });
  await line.says(/\{"id":"first"\}/, /\{"id":"second"\}/);
});

test("a client that asks whether it may send its body is told so", async () => {
  const port = await portOf();
  const line = await dial(port);
  line.socket.write(head(port, "POST /things", json, "Content-Length: 2", "Expect: 100-continue"));
  await line.says(/^HTTP\/1.1 100 Continue\r\n\r\n/);
  line.socket.write("{}");
  await line.says(/HTTP\/1.1 200 OK/, /\r\n\r\n\{\}/);
});

test("a body that announces too much is refused unread, and its connection ends", async () => {
  const port = await portOf({ limits: { bodyBytesMax: 100 } });
  const line = await dial(port);
  line.socket.write(head(port, "POST /things", json, "Content-Length: 101"));
  await line.says(/^HTTP\/1.1 413 /, /connection: close/i, /arw\.too-large/);
  await once(line.socket, "close");
});

test("a body that is no JSON leaves the connection to the next request", async () => {
  const port = await portOf();
  const line = await dial(port);
  line.socket.write(`${head(port, "POST /things", json, "Content-Length: 1")}{`);
  await line.says(/^HTTP\/1.1 400 /, /arw\.invalid-input/);
  line.socket.write(head(port, "GET /things/a"));
  await line.says(/HTTP\/1.1 200 OK/, /\{"id":"a"\}/);
});

test("what is refused before its body was read leaves the connection to the next request", async () => {
  const port = await portOf();
  const line = await dial(port);
  line.socket.write(`${head(port, "POST /nothing", json, "Content-Length: 10")}{"more":1`);
  await line.says(/^HTTP\/1.1 404 /);
  line.socket.write(`}${head(port, "GET /things/a")}`);
  await line.says(/HTTP\/1.1 404 /, /HTTP\/1.1 200 OK/);
});

test("a client that leaves in the middle of its body makes no call", async () => {
  const kernel = fakeKernel();
  const counts = { open: 0, unanswered: 0 };
  const left = Promise.withResolvers<void>();
  const meter = {
    arrived: () => void (counts.open += 1),
    answered(_status: number, ms: number | null) {
      if (ms === null) left.resolve();
    },
  };
  const port = await portOf({ kernel, meters: { of: () => meter } });
  const line = await dial(port);
  line.socket.write(`${head(port, "POST /things", json, "Content-Length: 10")}{`);
  while (counts.open === 0) await new Promise((resolve) => setImmediate(resolve));
  line.socket.destroy();
  await left.promise;
  assert.deepEqual(kernel.calls, []);
});

test("nobody is handed the connection for another protocol", async () => {
  const port = await portOf();
  const line = await dial(port);
  line.socket.write(head(port, "GET /things/a", "Connection: Upgrade", "Upgrade: websocket"));
  await line.says(/^HTTP\/1.1 200 OK/, /\{"id":"a"\}/);
  const tunnel = await dial(port);
  tunnel.socket.write(head(port, "CONNECT localhost:1"));
  await once(tunnel.socket, "close");
  assert.equal(tunnel.text(), "");
});

test("an address that is a whole URL, a star or no path leads nowhere", async () => {
  const port = await portOf();
  for (const target of ["GET http://localhost/things/a", "OPTIONS *", "GET //things/a"]) {
    const line = await dial(port);
    line.socket.write(head(port, target));
    await line.says(/^HTTP\/1.1 404 /, /arw\.not-found/);
  }
});

test("the name of this machine is reached at both of its addresses", async () => {
  const port = await portOf({}, "localhost");
  const hosts = ["127.0.0.1", "::1"];
  const answers = await Promise.allSettled(
    hosts.map(async (host) => {
      const line = await dial(port, host);
      line.socket.write(head(port, "GET /things/a"));
      await line.says(/^HTTP\/1.1 200 OK/);
    }),
  );
  assert.equal(answers[0]?.status, "fulfilled");
  // A machine may have no IPv6 at all.
  const [second] = answers.slice(1);
  if (second?.status === "rejected") assert.match(String(second.reason), /EADDRNOTAVAIL|EAFNOSUPPORT|ENETUNREACH/);
});

test("a port that is taken is told with Node's error", async () => {
  const port = await portOf();
  const second = thingSurface();
  open.push(second);
  await assert.rejects(second.listen({ port, host: "127.0.0.1" }), { code: "EADDRINUSE" });
});

test("closing ends connections that wait, and others with their last answer", async () => {
  const gate = Promise.withResolvers<Outcome>();
  const kernel = fakeKernel(() => gate.promise);
  const port = await portOf({ kernel });
  const idle = await dial(port);
  idle.socket.write(head(port, "GET /nothing"));
  await idle.says(/404/);
  const unused = await dial(port);
  const busy = await dial(port);
  busy.socket.write(head(port, "GET /things/a"));
  while (kernel.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const closed = open[0]?.close();
  await Promise.all([once(idle.socket, "close"), once(unused.socket, "close")]);
  gate.resolve({ kind: "answer", output: { done: true } });
  await busy.says(/\{"done":true\}/);
  await once(busy.socket, "close");
  await closed;
  await assert.rejects(dial(port), { code: "ECONNREFUSED" });
});

test("what comes on an open connection while the hub closes is its last", async () => {
  const gate = Promise.withResolvers<Outcome>();
  const kernel = fakeKernel(() => gate.promise);
  const port = await portOf({ kernel });
  const line = await dial(port);
  line.socket.write(head(port, "GET /things/a"));
  while (kernel.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const closed = open[0]?.close();
  line.socket.write(head(port, "GET /things/b"));
  while (kernel.calls.length === 1) await new Promise((resolve) => setImmediate(resolve));
  gate.resolve({ kind: "answer", output: { done: true } });
  await line.says(/\{"done":true\}/, /Connection: close/i, /\{"done":true\}/);
  await closed;
});

test("a refusal that cannot be written ends its connection, and nothing else", async () => {
  const broken: ForeignRoute = {
    method: "GET",
    path: "/v9/things",
    below: "/v9",
    serve: () => Promise.reject(new TypeError("no answer")),
    failure: () => {
      throw new TypeError("no form");
    },
    lastFrame: () => "",
  };
  const port = await portOf({ foreign: [broken] });
  for (const path of ["/v9/things", "/v9/nothing"]) {
    const line = await dial(port);
    line.socket.write(head(port, `GET ${path}`));
    await once(line.socket, "close");
    assert.equal(line.text(), "");
  }
  const line = await dial(port);
  line.socket.write(head(port, "GET /things/a"));
  await line.says(/HTTP\/1.1 200 OK/);
});

test("query words are decoded, and what is no encoding stays as it is", async () => {
  const port = await portOf();
  const path = "/things/a?names=%20b+c,%C3%A9&names=%zz&names=%ff#count=1";
  const answer = request({ port, host: "127.0.0.1", path, agent: false }).end();
  const [response] = (await once(answer, "response")) as [AsyncIterable<Buffer>];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  const body = JSON.parse(Buffer.concat(parts).toString()) as { names: unknown };
  assert.deepEqual(body.names, ["b c", "é", "%zz", "%ff"]);
});
