/** Capsules at the door of a whole hub: the header, its answer, what runs and what does not, and bytes that mean harm. */
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, test } from "vitest";
import { runs } from "../kit/runs.ts";
import { createIssuer, type TestIssuer } from "../kit/capsules.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { until } from "./kit/until.ts";

let room: Room;
let hub: RunningHub;
let parent: TestIssuer;

beforeAll(async () => {
  room = await createRoom();
  // As fast as the hub refuses: the limit has tests of its own.
  hub = await startHub({ stateDir: room.stateDir, env: { ARW_ADMIN_RL: "100000/1" } });
  parent = createIssuer("parent", Date.now());
  const added = await send("/provenance/issuers", {
    method: "POST",
    body: { id: "parent", publicKey: parent.publicKey },
  });
  assert.equal(added.status, 200, added.text);
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

interface Sent {
  readonly method?: string;
  readonly capsule?: string;
  readonly token?: string | null;
  readonly body?: unknown;
  readonly accept?: string;
}

async function send(path: string, { method = "GET", capsule, token = hub.token, body, accept }: Sent = {}) {
  const response = await fetch(`${hub.url}${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(capsule === undefined ? {} : { "x-arw-gate": capsule }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(accept === undefined ? {} : { accept }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const told = response.headers.get("x-arw-gate-status");
  return { status: response.status, told, text: await response.text() };
}

test("a request that brings a capsule runs under its rules, is told until when, and may bring it again", async () => {
  const header = parent.header({ id: "first", denies: ["scout:sample"] });
  const until = new Date(parent.capsule().notAfterMs).toISOString();
  for (const path of ["/state/episodes", "/healthz", "/", "/version"]) {
    const { status, told } = await send(path, { capsule: header });
    assert.deepEqual({ path, status, told }, { path, status: 200, told: `adopted; id=first; until=${until}` });
  }
  const denied = await send("/scout/sample", { method: "POST", body: {}, capsule: header });
  assert.equal(denied.status, 403);
  assert.match(denied.text, /capsule:parent\/first/);
  assert.match(denied.told ?? "", /^adopted; id=first/);
  const missing = await send("/nowhere", { capsule: header });
  assert.deepEqual([missing.status, missing.told?.startsWith("adopted; id=first")], [404, true]);
  const status = JSON.parse((await send("/provenance/status")).text);
  const about = JSON.parse((await send("/about")).text);
  assert.deepEqual([status.adopted.length, status.bootId], [1, about.bootId]);
});

test("a stream says in its head that the capsule is in force", async () => {
  const leave = new AbortController();
  const headers = { authorization: `Bearer ${hub.token}`, "x-arw-gate": parent.header({ id: "stream" }) };
  const response = await fetch(`${hub.url}/events`, { headers, signal: leave.signal });
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.match(response.headers.get("x-arw-gate-status") ?? "", /^adopted; id=stream; until=/);
  leave.abort();
});

test("a request whose capsule is refused does not run", async () => {
  const stranger = createIssuer("stranger", Date.now());
  const folder = await send("/scout/sample", { method: "POST", body: {}, capsule: stranger.header() });
  assert.deepEqual([folder.status, folder.told], [403, "refused; reason=unknown-issuer"]);
  const late = await send("/healthz", { capsule: parent.header({ id: "late", issuedAtMs: 0, notAfterMs: 1 }) });
  assert.deepEqual([late.status, late.told], [403, "refused; id=late; reason=expired"]);
  const cases = { "": "malformed", "{}": "malformed", "a, b": "malformed", ["A".repeat(4097)]: "too-large" };
  for (const [capsule, reason] of Object.entries(cases)) {
    const { status, told } = await send("/healthz", { capsule });
    assert.deepEqual([status, told], [403, `refused; reason=${reason}`]);
  }
  const rows = JSON.parse((await send("/provenance/ledger")).text).rows as { what: string; reason?: string }[];
  assert.deepEqual(
    rows.filter(({ what }) => what === "refused").map(({ reason }) => reason),
    ["expired", "unknown-issuer"],
  );
});

async function questions(): Promise<readonly { approvalId: string; summary: string }[]> {
  return JSON.parse((await send("/state/approvals")).text).items;
}

test("an agent's capsule that would be refused is refused at once: no person is asked about it", async () => {
  const made = await send("/access/tokens", { method: "POST", body: { name: "bot", role: "agent", key: ["*"] } });
  const { token } = JSON.parse(made.text) as { token: string };
  const late = parent.header({ id: "late-again", issuedAtMs: 0, notAfterMs: 1 });
  for (const [capsule, told] of [
    ["garbage", "refused; reason=malformed"],
    [late, "refused; id=late-again; reason=expired"],
  ] as const) {
    const answer = await send("/version", { capsule, token });
    assert.deepEqual([answer.status, answer.told], [403, told]);
  }
  assert.deepEqual(await questions(), []);
  // A good one waits for a person, who reads what it would do.
  const asking = send("/version", { capsule: parent.header({ id: "of-bot", denies: ["scout:sample"] }), token });
  const row = await until("the question", async () => {
    const rows = await questions();
    return rows[0];
  });
  assert.match(row.summary, /^take in the capsule of-bot of parent: 1 rule until /u);
  const denied = await send(`/approvals/${row.approvalId}/decide`, { method: "POST", body: { decision: "deny" } });
  assert.equal(denied.status, 200, denied.text);
  assert.deepEqual([(await asking).status, (await send("/provenance/status")).status], [403, 200]);
});

test("nobody who is not signed in makes the hub adopt anything", async () => {
  const capsule = parent.header({ id: "unsigned", denies: ["*"] });
  for (const token of [null, "wrong"]) {
    const { status, told } = await send("/healthz", { capsule, token });
    assert.deepEqual([status, told], [401, "refused; reason=arw.unauthenticated"]);
  }
  assert.equal((await send("/state/episodes")).status, 200);
});

test("a capsule that denies everything is in force although its own answer is among what it denies", async () => {
  const capsule = parent.header({ id: "all", denies: ["*"] });
  const denied = await send("/state/episodes", { capsule });
  assert.equal(denied.status, 403);
  assert.match(denied.told ?? "", /^adopted; id=all/);
  const ended = await send("/provenance/capsules/all", { method: "DELETE" });
  assert.equal(ended.status, 200, ended.text);
  assert.equal((await send("/state/episodes", { capsule })).told, "refused; id=all; reason=replayed");
});

test("bytes that mean harm are refused as a problem, in bounded time, and never adopted", async () => {
  const good = parent.header({ id: "victim", denies: ["*"] });
  const bytes = Buffer.from(good, "base64url");
  const nested = `{"payloadType":${"[".repeat(1500)}`;
  const hostile = fc.oneof(
    fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      return changed.toString("base64url");
    }),
    fc.nat(good.length - 1).map((length) => good.slice(0, length)),
    fc.uint8Array({ maxLength: 200 }).map((noise) => Buffer.from(noise).toString("base64url")),
    fc
      .jsonValue({ maxDepth: 3 })
      .map((value) => Buffer.from(JSON.stringify(value)).toString("base64url").slice(0, 5000)),
    fc.constant(Buffer.from(nested).toString("base64url")),
    fc.string({ maxLength: 50, unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCodePoint(code)) }),
  );
  await fc.assert(
    fc.asyncProperty(hostile, async (capsule) => {
      const { status, told } = await send("/version", { capsule });
      assert.equal(status, 403, told ?? "");
      assert.match(told ?? "", /^refused; (id=victim; )?reason=[a-z-]+$/);
    }),
    runs(100),
  );
  const { adopted } = JSON.parse((await send("/provenance/status")).text) as { adopted: { id: string }[] };
  assert.deepEqual(
    adopted.map(({ id }) => id),
    ["first", "stream"],
  );
});

test("the trust store is for its owner alone", async () => {
  const path = join(room.stateDir, "provenance-issuers.json");
  if (process.platform !== "win32") assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.match(await readFile(path, "utf8"), /"id":"parent"/);
});
