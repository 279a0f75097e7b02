/** The way out of a real hub, with real servers on this machine. */
import assert from "node:assert/strict";
import { afterAll, beforeAll, test } from "vitest";
import { makeAuthority } from "../kit/certificate.ts";
import { type LoopbackServer, serveHttp, serveHttps } from "../kit/loopback-server.ts";
import { runArw } from "./kit/arw.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { findInFiles } from "./kit/state-search.ts";

const value = "v4lue-that-nobody-may-see";
let room: Room;
let hub: RunningHub;
let page: LoopbackServer;
let elsewhere: LoopbackServer;
let encrypted: LoopbackServer;
let proxy: LoopbackServer;
const seen: (string | undefined)[] = [];

beforeAll(async () => {
  room = await createRoom();
  elsewhere = await serveHttp((_request, response) => void response.end("never"));
  encrypted = await serveHttps(
    makeAuthority().issue(["127.0.0.1"]),
    (_request, response) => void response.end("never"),
  );
  proxy = await serveHttp((_request, response) => void response.end("never"));
  page = await serveHttp((request, response) => {
    seen.push(request.headers.authorization);
    if (request.url === "/away") response.writeHead(302, { location: `http://127.0.0.1:${elsewhere.port}/` });
    else response.setHeader("content-type", "text/html");
    response.end(`<h1>Roses</h1><p>${request.headers.authorization ?? "nobody"}`);
  });
  // What the environment says of proxies and certificates does not count.
  const env = {
    HTTP_PROXY: `http://127.0.0.1:${proxy.port}`,
    HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
    NODE_USE_ENV_PROXY: "1",
    NODE_TLS_REJECT_UNAUTHORIZED: "0",
    NODE_NO_WARNINGS: "1",
  };
  hub = await startHub({ stateDir: room.stateDir, env });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await Promise.all([page, elsewhere, encrypted, proxy].map((each) => each[Symbol.asyncDispose]()));
  await room[Symbol.asyncDispose]();
});

const address = (server: LoopbackServer, path = "/"): string => `http://127.0.0.1:${server.port}${path}`;

test("what a person types is fetched as text, without a proxy, and the ledger says by whose word", async () => {
  const { body, status } = await hub.send("POST /web/fetch", { url: address(page, "/?key=1") });
  assert.deepEqual([status, body.text, body.label], [200, "Roses\n\nnobody", "web"]);
  const { items } = await hub.get(`/state/egressLedger?limit=1`);
  assert.deepEqual(
    [items[0].rule, items[0].source, items[0].url, items[0].port, items[0].status],
    ["typed", "person:admin", address(page, "/?…"), page.port, 200],
  );
  assert.equal(proxy.count, 0);
});

test("a redirect to another door of this machine is refused, and names its rule", async () => {
  const { status, body } = await hub.send("POST /web/fetch", { url: address(page, "/away") });
  assert.deepEqual([status, body.rule], [403, "egress.closed"]);
  assert.match(body.detail, /arw egress allow 127\.0\.0\.1:\d+/);
  assert.equal(elsewhere.count, 0);
});

test("a certificate that nobody signed is refused, whatever the environment says", async () => {
  const { status, body } = await hub.send("POST /web/fetch", { url: `https://127.0.0.1:${encrypted.port}/` });
  assert.deepEqual([status, body.fault], [502, "encryption"]);
});

test("a secret goes to its host, and is found in no other file of the hub", async () => {
  await hub.send("PUT /secrets/TOKEN", { value });
  const headers = { authorization: "Bearer secret:TOKEN" };
  const unbound = await hub.send("POST /web/fetch", { url: address(page), headers });
  assert.deepEqual([unbound.status, unbound.body.rule], [403, "egress.secret-not-bound"]);
  await hub.send("PUT /secrets/TOKEN/hosts", { host: [`127.0.0.1:${page.port}`] });
  const { body } = await hub.send("POST /web/fetch", { url: address(page), headers });
  assert.equal(seen.at(-1), `Bearer ${value}`);
  assert.ok(!body.text.includes(value));
  const away = await hub.send("POST /web/fetch", { url: address(page, "/away"), headers });
  assert.equal(away.status, 403);
  assert.equal(elsewhere.count, 0);
  const files = await findInFiles(room.stateDir, [value]);
  assert.ok(
    files.length > 0 && files.every((file) => /\/secret[^/]*$/.test(file) || file.includes("/secrets/")),
    files.join(" "),
  );
});

test("the command line opens, looks ahead and closes", async () => {
  const arw = async (...words: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await runArw(words, room);
    return stdout + stderr;
  };
  assert.match(await arw("web", "fetch", address(page)), /Roses/);
  assert.match(await arw("egress", "allow", "*.example.org", "--ttl", "15m", "--agent", "scout"), /\*\.example\.org/);
  const [lease] = (await hub.get("/state/egressLeases")).items;
  assert.match(
    await arw("egress", "preview", "https://www.example.org/", "--agent", "scout"),
    new RegExp(`lease:${lease.leaseId}`),
  );
  await arw("egress", "revoke", lease.leaseId);
  assert.match(await arw("egress", "preview", "https://www.example.org/", "--agent", "scout"), /egress\.closed/);
  assert.match(await arw("egress", "posture"), /closed/);
});
