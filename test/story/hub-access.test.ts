/** Who gets in: tokens, sign-in codes, cookies, hosts and origins, and calls that a rule makes wait for a person. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { findInFiles } from "./kit/state-search.ts";
import { until } from "./kit/until.ts";

let room: Room;
let hub: RunningHub;
beforeAll(async () => {
  room = await createRoom();
  const config = join(room.path, "arw.toml");
  await writeFile(config, '[approvals]\nask = ["fs:write"]\n');
  hub = await startHub({ stateDir: room.stateDir, flags: ["--config", config, "--admin-rate-limit", "20/60"] });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

/** `fetch` decides about Host and Origin itself; this sends what it is told. */
const statusOf = (headers: Record<string, string>, method = "GET", path = "/whoami"): Promise<number> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(hub.url);
    const outgoing = request(
      { host: "127.0.0.1", port, method, path, headers: { "content-length": "0", ...headers } },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    outgoing.on("error", reject).end();
  });

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

test("the token works in either header, and without one nothing but the public is open", async () => {
  assert.equal((await hub.send("GET /tasks", undefined, bearer(hub.token))).status, 200);
  assert.equal((await hub.send("GET /tasks", undefined, { "x-arw-admin": hub.token })).status, 200);
  const anonymous = await hub.send("GET /tasks", undefined, {});
  assert.deepEqual([anonymous.status, anonymous.body.code], [401, "arw.unauthenticated"]);
  assert.match(anonymous.headers.get("content-type") ?? "", /^application\/problem\+json/);
  assert.equal((await hub.send("GET /healthz", undefined, {})).status, 200);
});

test("wrong tokens are slowed down, and the right one passes all the while", async () => {
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 24; attempt += 1) {
    const { status, headers } = await hub.send("GET /tasks", undefined, bearer(`wrong-${attempt}`));
    statuses.push(status);
    if (status === 429) assert.ok(Number(headers.get("retry-after")) >= 1);
    assert.equal((await hub.send("GET /tasks")).status, 200, "the right token");
  }
  assert.deepEqual(statuses, [...Array.from({ length: 20 }, () => 401), 429, 429, 429, 429]);
});

test("a sign-in code works once, and its cookie is closed to scripts and to other sites", async () => {
  const { code, path } = await hub.post("/signin/code", {});
  assert.equal(path, `/#code=${code}`);
  const first = await hub.send("POST /signin", { code }, {});
  assert.equal(first.status, 200);
  const cookie = first.headers.get("set-cookie") ?? "";
  for (const part of ["HttpOnly", "SameSite=Strict", "Path=/"]) assert.ok(cookie.includes(part), cookie);
  assert.ok(!cookie.includes(hub.token));
  const again = await hub.send("POST /signin", { code }, {});
  assert.deepEqual([again.status, again.body.code], [401, "access.code-refused"]);
  const session = cookie.split(";")[0] ?? "";
  assert.equal((await hub.send("GET /tasks", undefined, { cookie: session })).status, 200);
  const change = await hub.send("POST /signin/code", {}, { cookie: session });
  assert.equal(change.status, 403, "a change by cookie needs an Origin");
  const own = await hub.send("POST /signin/code", {}, { cookie: session, origin: hub.url });
  assert.equal(own.status, 200);
  assert.equal((await hub.send("POST /signout", {}, { cookie: session, origin: hub.url })).status, 200);
  assert.equal((await hub.send("GET /tasks", undefined, { cookie: session })).status, 401);
});

test("an observer, who only reads, signs out like anybody else", async () => {
  const { token } = await hub.post("/access/tokens", { name: "watcher", role: "observer", key: ["*"] });
  const { headers } = await hub.send("POST /signin", { token }, {});
  const cookie = headers.get("set-cookie")?.split(";")[0] ?? "";
  assert.equal((await hub.send("GET /tasks", undefined, { cookie })).status, 200);
  const left = await hub.send("POST /signout", {}, { cookie, origin: hub.url });
  assert.deepEqual([left.status, left.body], [200, { signedOut: true }]);
  assert.equal((await hub.send("GET /tasks", undefined, { cookie })).status, 401);
  const again = await hub.send("POST /signout", {}, { cookie, origin: hub.url });
  assert.deepEqual([again.status, again.body], [200, { signedOut: false }]);
});

test("other hosts and other origins are refused, whatever token they bring", async () => {
  const { host } = new URL(hub.url);
  const token = bearer(hub.token);
  const path = "/tasks";
  assert.equal(await statusOf({ ...token, host }, "GET", path), 200);
  assert.equal(await statusOf({ ...token, host: `localhost:${new URL(hub.url).port}` }, "GET", path), 200);
  for (const other of ["evil.example", "evil.example:80", "127.0.0.1:1", "127.0.0.1.evil.example", "localhost.evil"]) {
    assert.equal(await statusOf({ ...token, host: other }, "GET", path), 403, other);
  }
  for (const origin of ["http://evil.example", "null", "https://127.0.0.1:1", `http://${host}.evil.example`]) {
    assert.equal(await statusOf({ ...token, host, origin }, "GET", path), 403, origin);
  }
  assert.equal(await statusOf({ ...token, host, "sec-fetch-site": "cross-site" }, "POST", "/signin/code"), 403);
});

test("correlation ids join and come back", async () => {
  const token = bearer(hub.token);
  const own = await hub.send("GET /tasks", undefined, { ...token, "x-arw-corr": "my-own.id_1" });
  assert.equal(own.headers.get("x-arw-corr"), "my-own.id_1");
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const traced = await hub.send("GET /tasks", undefined, {
    ...token,
    traceparent: `00-${trace}-00f067aa0ba902b7-01`,
  });
  assert.equal(traced.headers.get("x-arw-corr"), trace);
  const fresh = await hub.send("GET /tasks");
  assert.match(fresh.headers.get("x-arw-corr") ?? "", /^[0-9a-f-]{36}$/);
  const refused = await hub.send("GET /nowhere", undefined, { ...token, "x-arw-corr": "joined" });
  assert.deepEqual(
    [refused.status, refused.headers.get("x-arw-corr"), refused.body.instance],
    [404, "joined", "joined"],
  );
  const bad = await hub.send("GET /tasks", undefined, { ...token, "x-arw-corr": "not an id!" });
  assert.equal(bad.status, 400);
  const folder = await room.folder("joined", { "a.md": "a\n" });
  const started = await hub.send(
    "POST /scout/brief",
    { folder, allowWrite: true },
    { ...token, traceparent: `00-${trace}-00f067aa0ba902b7-01` },
  );
  assert.equal(started.body.corrId, trace, "the episode has the trace's id");
});

test("a person's call that a rule asks for is held, and after a yes exactly that call is made", async () => {
  const folder = await room.folder("held", { "old.md": "before\n" });
  const write = { folder, path: "old.md", text: "after\nwith two lines\n" };
  const held = await hub.send("POST /fs/write", write);
  assert.equal(held.status, 202);
  assert.deepEqual(Object.keys(held.body).toSorted(), ["approvalId", "corrId", "href"]);
  assert.equal(held.headers.get("location"), held.body.href);
  assert.equal(await readFile(join(folder, "old.md"), "utf8"), "before\n");
  const asked = await hub.get(held.body.href);
  assert.equal(asked.rule, "config:approvals.ask:fs:write");
  assert.deepEqual([asked.isResumable, asked.canUndo], [true, true]);
  assert.match(asked.diff, /-before\n\+after\n\+with two lines/);
  await hub.post(`/approvals/${held.body.approvalId}/decide`, { decision: "allow" });
  await until("the write", async () =>
    (await readFile(join(folder, "old.md"), "utf8")) === write.text ? true : undefined,
  );
  const again = await hub.send(`POST /approvals/${held.body.approvalId}/decide`, { decision: "allow" });
  assert.equal(again.status, 409);
});

test("a held call that is denied is never made, and one that waits survives a kill", async () => {
  const folder = await room.folder("denied", {});
  const first = await hub.send("POST /fs/write", { folder, path: "no.md", text: "no" });
  await hub.post(`/approvals/${first.body.approvalId}/decide`, { decision: "deny", reason: "no" });
  const second = await hub.send("POST /fs/write", { folder, path: "yes.md", text: "yes" });
  await hub.kill("SIGKILL");
  hub = await startHub({
    stateDir: room.stateDir,
    flags: ["--config", join(room.path, "arw.toml"), "--admin-rate-limit", "20/60"],
  });
  const waiting = await hub.get("/state/approvals?status=waiting");
  assert.deepEqual(
    waiting.items.map((each: { approvalId: string }) => each.approvalId),
    [second.body.approvalId],
  );
  await hub.post(`/approvals/${second.body.approvalId}/decide`, { decision: "allow" });
  await until("the write", () => (existsSync(join(folder, "yes.md")) ? true : undefined));
  assert.equal(existsSync(join(folder, "no.md")), false);
});

test("the token is in one file of the state and in no other", async () => {
  const found = await findInFiles(room.stateDir, [hub.token]);
  assert.deepEqual(found, [`${hub.token} in ${join(room.stateDir, "credentials")}`]);
});
