/** What reaches the socket before there is a request: junk, giants and the very slow. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, test } from "vitest";
import type { Outcome } from "../../src/kernel/kernel.ts";
import type { HttpDeps, HttpSurface } from "../../src/surfaces/http/surface.ts";
import { fakeKernel, thingSurface } from "./http-hub.ts";

const open: HttpSurface[] = [];
afterEach(async () => {
  for (const surface of open.splice(0)) await surface.close();
});

async function portOf(options: Partial<HttpDeps> = {}): Promise<number> {
  const surface = thingSurface(options);
  open.push(surface);
  return (await surface.listen({ port: 0, host: "127.0.0.1" })).port;
}

/** Everything the server said until it closed. */
async function talk(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (bytes) => (text += bytes.toString("latin1")));
  socket.on("error", () => {});
  for (const part of parts) socket.write(part);
  await once(socket, "close");
  return text;
}

const head = (text: string): string => text.slice(0, text.indexOf("\r\n"));
const assertProblem = (text: string, code: string): void => {
  assert.match(text, /\r\nX-ARW-Corr: \S+\r\n/i);
  assert.match(text, /\r\nContent-Type: application\/problem\+json/i);
  assert.ok(text.includes(`"code":"${code}"`), text);
};

test("bytes that are no HTTP are answered with a problem", async () => {
  const text = await talk(await portOf(), "\x16\x03\x01 hello\r\n\r\n");
  assert.match(head(text), /^HTTP\/1.1 400 /);
  assertProblem(text, "arw.invalid-input");
});

test("header lines above the limit are refused", async () => {
  const port = await portOf();
  const text = await talk(
    port,
    `GET /things/a HTTP/1.1\r\nHost: localhost:${port}\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`,
  );
  assertProblem(text, "arw.too-large");
});

test("a client that dribbles its headers is cut off", async () => {
  const port = await portOf({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 200, timeoutCheckMs: 20 } });
  const text = await talk(port, `GET /things/a HTTP/1.1\r\nHost: localhost:${port}\r\nX-Slow: `);
  assertProblem(text, "arw.deadline-exceeded");
});

test("a client that never finishes its body is cut off", async () => {
  const port = await portOf({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 200, timeoutCheckMs: 20 } });
  const lines = [
    "POST /things HTTP/1.1",
    `Host: localhost:${port}`,
    "Content-Type: application/json",
    "Content-Length: 10",
    "",
    "{",
  ];
  const text = await talk(port, lines.join("\r\n"));
  assert.ok(text === "" || text.includes("arw.deadline-exceeded"), text);
});

test("a body that grows past the limit without announcing it is refused", async () => {
  const port = await portOf({ limits: { bodyBytesMax: 100 } });
  const lines = [
    "POST /things HTTP/1.1",
    `Host: localhost:${port}`,
    "Content-Type: application/json",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "",
    "",
  ];
  const text = await talk(port, lines.join("\r\n"), `c8\r\n${"x".repeat(200)}\r\n`, "0\r\n\r\n");
  assert.match(head(text), /^HTTP\/1.1 413 /);
  assertProblem(text, "arw.too-large");
});

test("only our own port counts as our own host", async () => {
  const port = await portOf();
  const ask = (host: string) => talk(port, `GET /things/a HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  assert.match(head(await ask(`localhost:${port}`)), /200/);
  assert.match(head(await ask(`[::1]:${port}`)), /200/);
  assertProblem(await ask("localhost:1"), "arw.wrong-origin");
  assertProblem(await ask("localhost"), "arw.wrong-origin");
  assertProblem(await ask(`evil.example:${port}`), "arw.wrong-origin");
  assertProblem(await talk(port, "GET /things/a HTTP/1.0\r\n\r\n"), "arw.wrong-origin");
});

test("two bodies in one request, and a request inside another, are not possible", async () => {
  const port = await portOf();
  const both = [
    "POST /things HTTP/1.1",
    `Host: localhost:${port}`,
    "Content-Length: 2",
    "Transfer-Encoding: chunked",
    "",
    "0",
    "",
    "",
  ];
  assert.match(head(await talk(port, both.join("\r\n"))), /^HTTP\/1.1 400 /);
});

test("a client that leaves aborts its call", async () => {
  let aborted: Promise<unknown> | undefined;
  const started = Promise.withResolvers<void>();
  const kernel = fakeKernel(({ signal }) => {
    aborted = once(signal as AbortSignal, "abort");
    started.resolve();
    return aborted.then((): Outcome => ({ kind: "answer", output: {} }));
  });
  const port = await portOf({ kernel });
  const socket = connect(port, "127.0.0.1");
  socket.write(`GET /things/a HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
  await started.promise;
  socket.destroy();
  await aborted;
});

test("closing lets a running request end", async () => {
  const gate = Promise.withResolvers<Outcome>();
  const started = Promise.withResolvers<void>();
  const kernel = fakeKernel(() => {
    started.resolve();
    return gate.promise;
  });
  const port = await portOf({ kernel });
  const answer = fetch(`http://localhost:${port}/things/a`);
  await started.promise;
  const closed = open[0]?.close();
  gate.resolve({ kind: "answer", output: { done: true } });
  assert.deepEqual(await (await answer).json(), { done: true });
  await closed;
});
