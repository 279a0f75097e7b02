/** What strangers send is not read: the hub knows by the header lines that it leads nowhere. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, test } from "vitest";
import { loadConfig } from "../../src/app/config/load.ts";
import { openHub, type OpenHub } from "../../src/app/hub.ts";
import { programRoot } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";

const token = "a token for this test alone";
/** Wrong tokens that one address may try: each below counts once, as it does without a body. */
const wrongMax = 3;

let room: Room;
let hub: OpenHub;
let port = 0;
beforeAll(async () => {
  room = await createRoom();
  const config = loadConfig({
    flags: {},
    env: { ARW_STATE_DIR: room.stateDir, ARW_PORT: "0", ARW_ADMIN_RL: `${wrongMax}/60` },
    platform: "linux",
    home: room.path,
    workDir: room.path,
    programDir: programRoot,
    readFile: () => null,
  });
  hub = await openHub({ config, givenToken: token, pid: process.pid });
  port = Number(new URL((await hub.listen()).url).port);
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

async function dial() {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  let said = "";
  socket.on("data", (bytes) => (said += bytes.toString("latin1")));
  await once(socket, "connect");
  return {
    write: (text: string) => void socket.write(text),
    /** Everything since the last time, once this is among it. */
    async hears(what: RegExp): Promise<string> {
      while (!what.test(said)) await once(socket, "data");
      const heard = said;
      said = "";
      return heard;
    },
    closed: (): Promise<unknown> => (socket.closed ? Promise.resolve() : once(socket, "close")),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

const head = (what: string, ...lines: readonly string[]): string =>
  [`${what} HTTP/1.1`, `Host: localhost:${port}`, ...lines, "", ""].join("\r\n");
const json = "Content-Type: application/json";
const long = 1_000_000;
const announced = `Content-Length: ${long}`;
const unread = ["POST /tasks/enqueue", "POST /mcp", "POST /v1/chat/completions", "POST /v1/embeddings"];

test.each(unread)("%s answers a stranger before their body comes, and takes their next request", async (address) => {
  using line = await dial();
  line.write(head(address, json, announced));
  assert.match(await line.hears(/\}$/), /^HTTP\/1\.1 401 .*Connection: keep-alive.*needs a sign-in or a token/s);
  line.write("[".repeat(long) + head("GET /healthz"));
  assert.match(await line.hears(/\}$/), /^HTTP\/1\.1 200 /);
});

test("cookies and tokens of nobody make no one known, and each wrong token counts once", async () => {
  using line = await dial();
  const broken = "Content-Length: 1";
  const refused = async (who: string): Promise<string | undefined> => {
    line.write(`${head("POST /tasks/enqueue", json, broken, ...who.split("|"))}{`);
    return /HTTP\/1\.1 (\d+)/.exec(await line.hears(/\}$/))?.[1];
  };
  assert.equal(await refused(`Cookie: arw_session=stale|Origin: http://localhost:${port}`), "401");
  const answers: unknown[] = [];
  for (let tried = 0; tried <= wrongMax; tried += 1) answers.push(await refused("Authorization: Bearer wrong"));
  assert.deepEqual(answers, [...Array.from({ length: wrongMax }, () => "401"), "429"]);
  assert.equal(await refused(`Authorization: Bearer ${token}`), "400", "whoever is known is read");
});

test("a body of no known end ends its connection", async () => {
  using line = await dial();
  line.write(head("POST /tasks/enqueue", json, "Transfer-Encoding: chunked"));
  assert.match(await line.hears(/\}$/), /^HTTP\/1\.1 401 .*Connection: close/s);
  await line.closed();
});

test("what is refused by its header lines alone, and what is open to everybody, is answered as ever", async () => {
  for (const [request, said] of [
    [head("POST /tasks/enqueue", "Content-Type: text/plain", announced), /^HTTP\/1\.1 415 /],
    [head("POST /tasks/enqueue", json, "Content-Length: 100000000"), /^HTTP\/1\.1 413 /],
    [`${head("POST /signin", json, "Content-Length: 1")}{`, /^HTTP\/1\.1 400 .*it ends too early/s],
    [`${head("POST /signin", json, `Content-Length: ${token.length + 12}`)}{"token":"${token}"}`, /^HTTP\/1\.1 200 /],
  ] as const) {
    using line = await dial();
    line.write(request);
    assert.match(await line.hears(/\}$/), said);
  }
});
