/** Capsules as they come over the wire, written byte by byte: whatever the header holds, the request is answered, and told. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, test } from "vitest";
import { loadConfig } from "../../src/app/config/load.ts";
import { openHub, type OpenHub } from "../../src/app/hub.ts";
import { headerCharsMax } from "../../src/domains/provenance/format.ts";
import { createIssuer, type TestIssuer } from "../kit/capsules.ts";
import { runs } from "../kit/runs.ts";
import { callUrl, programRoot } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";

const adminToken = "a token for the wire of capsules";
let room: Room;
let hub: OpenHub;
let parent: TestIssuer;
let url = "";
beforeAll(async () => {
  room = await createRoom();
  const config = loadConfig({
    flags: {},
    env: { ARW_STATE_DIR: room.stateDir, ARW_PORT: "0", ARW_ADMIN_RL: "100000/1", ARW_READ_RL: "100000/1" },
    platform: "linux",
    home: room.path,
    workDir: room.path,
    programDir: programRoot,
    readFile: () => null,
  });
  hub = await openHub({ config, givenToken: adminToken, pid: process.pid });
  ({ url } = await hub.listen());
  parent = createIssuer("parent", Date.now());
  const { status } = await post("/provenance/issuers", { id: "parent", publicKey: parent.publicKey });
  assert.equal(status, 200);
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

const headers = { authorization: `Bearer ${adminToken}` };
const post = (path: string, body: unknown) => callUrl(`${url}${path}`, { method: "POST", body, headers });

interface Wire {
  /** 0 where the hub answered nothing. */
  readonly status: number;
  readonly told: string | null;
  readonly text: string;
}

/** One request as these bytes, and everything the hub says until it hangs up. */
async function talk(head: string, lines: readonly (string | Buffer)[], body = ""): Promise<Wire> {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  const parts: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => parts.push(bytes));
  socket.on("error", () => undefined);
  socket.setTimeout(answerMsMax, () => socket.destroy());
  const hasHost = lines.some((line) => /^host:/i.test(line.toString("latin1")));
  const own = [
    `Authorization: Bearer ${adminToken}`,
    "Connection: close",
    ...(hasHost ? [] : [`Host: 127.0.0.1:${port}`]),
  ];
  const eol = Buffer.from("\r\n");
  const all = [head, ...own, ...lines].flatMap((line) => [Buffer.from(line as string, "latin1"), eol]);
  socket.write(Buffer.concat([...all, eol, Buffer.from(body)]));
  await once(socket, "close");
  const text = Buffer.concat(parts).toString("latin1");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  const told = /^x-arw-gate-status: (.*)\r$/im.exec(text.slice(0, text.indexOf("\r\n\r\n") + 2))?.[1] ?? null;
  return { status, told, text };
}

/** Far above the slowest answer; a hub that says nothing until then hangs. */
const answerMsMax = 20_000;
const look = "GET /version HTTP/1.1";
const adopted = async (): Promise<string[]> => {
  const { body } = await callUrl(`${url}/provenance/status`, { method: "GET", headers });
  return (body.adopted as { id: string }[]).map(({ id }) => id).toSorted();
};

test("a header that came twice is no capsule, however it is written", async () => {
  const one = parent.header({ id: "twice" });
  const other = parent.header({ id: "twice-other" });
  for (const lines of [
    [`X-ARW-Gate: ${one}`, `X-ARW-Gate: ${other}`],
    [`X-ARW-Gate: ${one}`, `x-arw-gate: ${one}`],
    [`X-ARW-Gate: ${one}`, "X-ARW-GATE:"],
    [`X-ARW-Gate: ${one}, ${other}`],
    [`X-ARW-Gate: ${one} ${other}`],
  ]) {
    const { status, told } = await talk(look, lines);
    assert.deepEqual([status, told], [403, "refused; reason=malformed"], lines.join("\n").slice(0, 80));
  }
  assert.deepEqual(await adopted(), []);
});

test("the limit is 4 KiB to the character, and what is above it may still be sent as a body", async () => {
  assert.equal(headerCharsMax, 4096);
  for (const [length, reason] of [
    [4096, "malformed"],
    [4097, "too-large"],
    [15_000, "too-large"],
  ] as const) {
    const { status, told } = await talk(look, [`X-ARW-Gate: ${"A".repeat(length)}`]);
    assert.deepEqual([length, status, told], [length, 403, `refused; reason=${reason}`]);
  }
  const beyond = await talk(look, [`X-ARW-Gate: ${"A".repeat(100_000)}`]);
  assert.equal(beyond.status, 413);
  const denies = Array.from({ length: 200 }, (_, n) => `nothing:of-that-name-${n}`);
  const large = parent.envelope({ id: "large", denies });
  const inHeader = await talk(look, [`X-ARW-Gate: ${Buffer.from(large).toString("base64url")}`]);
  assert.deepEqual([inHeader.status, inHeader.told], [403, "refused; reason=too-large"]);
  assert.equal((await post("/provenance/capsules", { envelope: large })).status, 200);
  assert.deepEqual(await adopted(), ["large"]);
});

test("whatever the request is for, it is told that its capsule was refused, and nothing runs", async () => {
  const capsule = "X-ARW-Gate: AAAA";
  const json = "Content-Type: application/json";
  const before = hub.kernel.journal.headSeq();
  const requests: readonly (readonly [string, readonly string[], string?])[] = [
    ["GET / HTTP/1.1", []],
    ["GET /healthz HTTP/1.1", []],
    ["HEAD /version HTTP/1.1", []],
    ["GET /nowhere HTTP/1.1", []],
    ["GET /nowhere/%ff HTTP/1.1", []],
    ["DELETE /version HTTP/1.1", []],
    ["OPTIONS /version HTTP/1.1", []],
    ["GET /events HTTP/1.1", ["Accept: text/event-stream"]],
    ["GET /state/episodes/-/watch HTTP/1.1", []],
    ["POST /halt HTTP/1.1", [json, "Content-Length: 2"], "{}"],
    ["POST /halt HTTP/1.1", [json, "Content-Length: 3"], "{{{"],
    ["POST /halt HTTP/1.1", ["Content-Type: text/plain", "Content-Length: 2"], "{}"],
    ["POST /hierarchy/role HTTP/1.1", [json, "Content-Length: 19"], '{"role":"observer"}'],
    ["GET /version HTTP/1.1", ["Cookie: arw_session=none"]],
    ["GET /version HTTP/1.1", ["Range: bytes=0-1", "If-None-Match: *"]],
  ];
  for (const [head, lines, body] of requests) {
    const { status, told } = await talk(head, [...lines, capsule], body);
    assert.match(`${head} ${told}`, /refused; reason=(malformed|arw\.invalid-input)$/);
    assert.ok(status >= 400 && status < 500, `${head} is answered ${status}`);
  }
  for (const line of ["Host: evil.example", "Origin: https://evil.example"]) {
    const { status, told } = await talk(look, [line, capsule]);
    assert.deepEqual([line, status], [line, 403]);
    assert.equal(told, "refused; reason=arw.wrong-origin", line);
  }
  assert.equal(hub.kernel.journal.headSeq(), before);
});

test("bytes of any kind in the header are refused, and the hub goes on", async () => {
  const good = parent.header({ id: "victim", denies: ["nothing:*"] });
  const known = await adopted();
  const value = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.nat(good.length - 1).map((length) => Buffer.from(good.slice(0, length))),
    fc
      .tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }))
      .map(([at, byte]) =>
        Buffer.concat([Buffer.from(good.slice(0, at)), Buffer.from([byte]), Buffer.from(good.slice(at))]),
      ),
    fc
      .constantFrom("=", "==", "%", "\t", " ", "\u0000", "-", "_", "\r", "null", "[]")
      .map((text) => Buffer.from(`${good}${text}`)),
  );
  await fc.assert(
    fc.asyncProperty(value, async (bytes) => {
      const { status, told, text } = await talk(look, [Buffer.concat([Buffer.from("X-ARW-Gate: "), bytes])]);
      const isSame = bytes.toString("latin1").trim() === good;
      // What is no header is refused by the parser, before there is a request.
      if (told === null) assert.equal(status, 400, text);
      else if (!isSame) assert.match(told, /^refused; (id=[A-Za-z0-9._-]+; )?reason=[a-z-]+$/);
    }),
    runs(60),
  );
  assert.deepEqual(
    (await adopted()).filter((id) => id !== "victim"),
    known,
  );
  assert.equal((await talk(look, [])).status, 200);
});

test("more of anything than there may be is refused before it costs anything, although it is signed", async () => {
  const good = parent.capsule({ id: "huge" });
  const many = (count: number): string[] => Array.from({ length: count }, () => "fs:read");
  const contract = (n: number) => ({ id: `c${n}`, patterns: ["fs:read"] });
  const huge: Readonly<Record<string, unknown>> = {
    "257 denies": { ...good, denies: many(257) },
    "10,000 denies": { ...good, denies: many(10_000) },
    "65 contracts": { ...good, contracts: Array.from({ length: 65 }, (_, n) => contract(n)) },
    "257 patterns": { ...good, contracts: [{ id: "c", patterns: many(257) }] },
    "a long pattern": { ...good, denies: [`fs:${"x".repeat(10_000)}`] },
    "a long id": { ...good, id: "x".repeat(61) },
    "a huge version": { ...good, version: 1e15 },
    "a huge end": { ...good, notAfterMs: Number.MAX_SAFE_INTEGER },
    "a huge quota": { ...good, contracts: [{ ...contract(1), quotaLimit: 1e12, quotaWindowSecs: 1 }] },
    "deep nesting": { ...good, denies: JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`) as unknown },
  };
  const known = await adopted();
  for (const [what, value] of Object.entries(huge)) {
    const { status, body } = await post("/provenance/capsules", { envelope: parent.sealed(value) });
    assert.ok(status === 403 || status === 400 || status === 413, `${what} is answered ${status}`);
    assert.match(body.code, /^(provenance\.capsule-refused|arw\.(invalid-input|too-large))$/, what);
  }
  const envelope = JSON.parse(parent.envelope({ id: "huge" })) as { signatures: object[] };
  for (const more of [
    { signatures: Array.from({ length: 1000 }, () => envelope.signatures[0]) },
    { hops: 256 },
    { hops: -1 },
    { hops: 1e300 },
    { payloadType: "x".repeat(60_000) },
  ]) {
    const { status } = await post("/provenance/capsules", { envelope: JSON.stringify({ ...envelope, ...more }) });
    assert.ok(status === 403 || status === 400, JSON.stringify(more).slice(0, 60));
  }
  assert.deepEqual(await adopted(), known);
});
