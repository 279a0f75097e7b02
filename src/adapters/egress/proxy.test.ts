import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { promisify } from "node:util";
import { test } from "vitest";
import { randomBytesOf, seededRandom } from "../../../test/kit/chance.ts";
import { makeAuthority } from "../../../test/kit/certificate.ts";
import { serveHttp, serveHttps, serveRaw } from "../../../test/kit/loopback-server.ts";
import { Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { WebAddress } from "../../base/web-address.ts";
import { endpointName } from "../../base/web-address.ts";
import type { ProxyChild } from "../../domains/egress/port.ts";
import { createProxyDoor, type ProxyOptions } from "./proxy.ts";

const run = promisify(execFile);

interface Seen {
  readonly passed: string[];
  readonly sending: number[];
  readonly ends: { status: number | null; fault: string | null; bytesOut: number; bytesIn: number }[];
}

/** Lets `*.example` through to this machine, and nothing else. */
function childOf(seen: Seen, signal = new AbortController().signal, bytesMax = Number.POSITIVE_INFINITY): ProxyChild {
  return {
    pass(to: WebAddress, method) {
      seen.passed.push(`${method} ${endpointName(to)}`);
      if (!to.host.endsWith(".example")) return Promise.reject(new Problem(Denied, `${to.host} is closed`));
      return Promise.resolve({
        isNearOpen: true,
        signal,
        sends(bytes) {
          seen.sending.push(bytes);
          if (seen.sending.reduce((all, each) => all + each) > bytesMax)
            throw new Problem(Denied, "an allowance is used up");
        },
        ended: ({ status, bytesOut, bytesIn }, fault) => {
          seen.ends.push({ status, fault: fault?.reason ?? null, bytesOut, bytesIn });
          return Promise.resolve();
        },
      });
    },
  };
}

const doorOf = (more: Partial<ProxyOptions> = {}) =>
  createProxyDoor({
    randomBytes: randomBytesOf(seededRandom(1)),
    resolver: () => Promise.resolve(["127.0.0.1"]),
    ...more,
  });
const nothingSeen = (): Seen => ({ passed: [], sending: [], ends: [] });

/** One exchange by hand; answers everything that came back. */
async function speak(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => undefined);
  socket.write(text);
  await once(socket, "close");
  return Buffer.concat(chunks).toString("utf8");
}
const credentialOf = (url: string): string => {
  const { username, password } = new URL(url);
  return `Proxy-Authorization: Basic ${Buffer.from(`${username}:${password}`).toString("base64")}\r\n`;
};

test("nothing listens before the first child, nor after the end", async () => {
  const seen = nothingSeen();
  const door = doorOf();
  await door[Symbol.asyncDispose]();
  const { url } = await door.admit(childOf(seen));
  assert.match(await speak(url, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), /^HTTP\/1.1 407 /);
  await door[Symbol.asyncDispose]();
  await assert.rejects(speak(url, "GET / HTTP/1.1\r\n\r\n"), { code: "ECONNREFUSED" });
});

const program = `
  const answers = [];
  for (const url of JSON.parse(process.argv[1])) {
    const answer = await fetch(url).catch((error) => ({ status: 0, text: () => String(error.cause?.message ?? error) }));
    answers.push([answer.status, await answer.text()]);
  }
  process.stdout.write(JSON.stringify(answers));
`;

test("a child that honours the variables goes where it may, plain and encrypted, and nowhere else", async () => {
  const authority = makeAuthority();
  await using plain = await serveHttp(
    (request, response) => void response.end(`plain ${request.headers["proxy-authorization"] ?? "-"}`),
  );
  await using safe = await serveHttps(
    authority.issue(["safe.example"]),
    (_request, response) => void response.end("safe"),
  );
  await using canary = await serveHttp((_request, response) => void response.end("never"));
  const seen = nothingSeen();
  await using door = doorOf();
  const { url } = await door.admit(childOf(seen));
  const urls = [
    `http://plain.example:${plain.port}/`,
    `https://safe.example:${safe.port}/`,
    `http://127.0.0.1:${canary.port}/`,
    `https://closed.test:${canary.port}/`,
  ];
  const env = {
    HTTP_PROXY: url,
    HTTPS_PROXY: url,
    NODE_USE_ENV_PROXY: "1",
    NODE_TLS_REJECT_UNAUTHORIZED: "0",
    NODE_NO_WARNINGS: "1",
  };
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program, JSON.stringify(urls)], {
    env,
    timeout: 30_000,
  });
  const answers = JSON.parse(stdout) as [number, string][];
  assert.deepEqual(answers.slice(0, 2), [
    [200, "plain -"],
    [200, "safe"],
  ]);
  assert.deepEqual(
    answers.slice(2).map(([status]) => status === 200),
    [false, false],
  );
  assert.equal(canary.count, 0);
  assert.deepEqual(
    seen.ends.map(({ status, fault }) => [status, fault]),
    [
      [200, null],
      [200, null],
    ],
  );
  for (const { bytesOut, bytesIn } of seen.ends) assert.ok(bytesOut > 50 && bytesIn > 50);
});

const hasCurl = spawnSync("curl", ["--version"]).status === 0;
test.skipIf(!hasCurl)("optional: curl, too", async () => {
  await using server = await serveHttp((_request, response) => void response.end("hello"));
  const seen = nothingSeen();
  await using door = doorOf();
  const { url } = await door.admit(childOf(seen));
  const curl = (...args: readonly string[]) =>
    run("curl", ["-sS", "--max-time", "10", "-x", url, ...args], { env: {} });
  assert.equal((await curl(`http://a.example:${server.port}/`)).stdout, "hello");
  assert.equal((await curl("-p", `http://a.example:${server.port}/`)).stdout, "hello");
  assert.match((await curl(`http://127.0.0.1:${server.port}/`)).stdout, /is closed/);
  await assert.rejects(curl("-p", `http://127.0.0.1:${server.port}/`), /403/);
  assert.equal(server.count, 2);
});

test("without the credential of a living child, nobody is even asked", async () => {
  const seen = nothingSeen();
  await using door = doorOf();
  const { url, leave } = await door.admit(childOf(seen));
  const request = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n";
  assert.match(await speak(url, `${request}\r\n`), /^HTTP\/1.1 407 [\s\S]*Proxy-Authenticate: Basic/);
  assert.match(await speak(url, `${request}Proxy-Authorization: Basic YXJ3Ondyb25n\r\n\r\n`), /^HTTP\/1.1 407 /);
  leave();
  assert.match(await speak(url, `${request}${credentialOf(url)}\r\n`), /^HTTP\/1.1 407 /);
  assert.deepEqual(seen.passed, []);
});

test("what is no address to go to is refused before anybody is asked", async () => {
  const seen = nothingSeen();
  await using door = doorOf();
  const { url } = await door.admit(childOf(seen));
  for (const target of ["a.example", "a.example:0", "user@a.example:443", "a.example:443/x", "a_b..example:1", ":443"])
    assert.match(
      await speak(url, `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n${credentialOf(url)}\r\n`),
      /^HTTP\/1.1 400 /,
      target,
    );
  for (const target of ["/", "https://a.example/", "http://u:p@a.example/", "ftp://a.example/"])
    assert.match(
      await speak(url, `GET ${target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n${credentialOf(url)}\r\n`),
      /^HTTP\/1.1 400 /,
      target,
    );
  assert.deepEqual(seen.passed, []);
});

test("a name that leads where the child may not go ends there, and the ledger hears of it", async () => {
  await using canary = await serveRaw((socket) => socket.destroy());
  const seen = nothingSeen();
  await using door = doorOf({ resolver: () => Promise.resolve(["169.254.169.254"]) });
  const { url } = await door.admit(childOf(seen));
  const answer = await speak(url, `CONNECT a.example:${canary.port} HTTP/1.1\r\nHost: x\r\n${credentialOf(url)}\r\n`);
  assert.match(answer, /^HTTP\/1.1 403 [\s\S]*leads to an address that is not open/);
  assert.deepEqual([seen.ends.map(({ fault }) => fault), canary.count], [["address"], 0]);
});

test("a tunnel ends with what opened it, with its limit, and when nothing moves", async () => {
  await using endless = await serveRaw((socket) => {
    const more = (): void => void socket.write(Buffer.alloc(65_536), () => socket.destroyed || setImmediate(more));
    more();
  });
  await using silent = await serveRaw(() => undefined);
  const seen = nothingSeen();
  const controller = new AbortController();
  await using small = doorOf({ limits: { bytesMax: 1_000_000 } });
  await using impatient = doorOf({ limits: { idleMs: 50 } });
  const first = await small.admit(childOf(seen));
  const second = await impatient.admit(childOf(seen, controller.signal));
  const open = (url: string, port: number) =>
    speak(url, `CONNECT a.example:${port} HTTP/1.1\r\nHost: x\r\n${credentialOf(url)}\r\n`);
  assert.match(await open(first.url, endless.port), /^HTTP\/1.1 200 /);
  assert.match(await open(second.url, silent.port), /^HTTP\/1.1 200 /);
  controller.abort();
  assert.match(await open(second.url, silent.port), /^HTTP\/1.1 502 /);
  assert.deepEqual(
    seen.ends.map(({ fault }) => fault),
    ["ended", "slow", "ended"],
  );
  assert.ok((seen.ends[0]?.bytesIn ?? 0) < 10_000_000);
});

test("what goes out is counted before it leaves, and what is too much stays here", async () => {
  const arrived: Buffer[] = [];
  await using server = await serveRaw((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (piece: Buffer) => void arrived.push(piece));
  });
  await using door = doorOf();
  const text = (): string => Buffer.concat(arrived.splice(0)).toString("latin1");
  const more = "x".repeat(20_000);

  const through = nothingSeen();
  const never = new AbortController().signal;
  const tunnelled = await door.admit(childOf(through, never, 1_000));
  const connecting = `CONNECT a.example:${server.port} HTTP/1.1\r\nHost: x\r\n${credentialOf(tunnelled.url)}\r\n`;
  assert.equal(
    await speak(tunnelled.url, `${connecting}${more}`),
    "HTTP/1.1 200 Connection established\r\n\r\n",
    "nothing of ours within the tunnel",
  );
  assert.equal(text(), "");

  const plain = nothingSeen();
  const asking = await door.admit(childOf(plain, never, 1_000));
  const posting = (length: string): string =>
    `POST http://a.example:${server.port}/ HTTP/1.1\r\nHost: x\r\n${credentialOf(asking.url)}${length}\r\n\r\n`;
  assert.match(await speak(asking.url, `${posting("Content-Length: 20000")}${more}`), /^HTTP\/1.1 502 [^]*used up/);
  assert.ok(text().length < 1_000);
  plain.sending.length = 0;
  const framed = `${posting("Transfer-Encoding: chunked")}4e20\r\n${more}\r\n0\r\n\r\n`;
  assert.match(await speak(asking.url, framed), /^HTTP\/1.1 502 [^]*used up/);
  assert.ok(text().length < 1_000);
  plain.sending.length = 0;
  const long = `GET http://a.example:${server.port}/${more.slice(0, 2_000)} HTTP/1.1\r\nHost: x\r\n${credentialOf(asking.url)}\r\n`;
  assert.match(await speak(asking.url, long), /^HTTP\/1.1 502 [^]*used up/);
  assert.equal(text(), "");
  for (const { bytesOut, fault } of [...through.ends, ...plain.ends])
    assert.ok(fault === "ended" && bytesOut < 1_000, `${bytesOut} bytes, ${fault}`);
});
