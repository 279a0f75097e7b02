/** The door against hostile requests: forged addresses, other sites, pages of neighbours, wrong tokens in floods. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { findInFiles } from "./kit/state-search.ts";

let room: Room;
let hub: RunningHub;
const site = "https://tool.example";

beforeAll(async () => {
  room = await createRoom();
  const config = join(room.path, "arw.toml");
  await writeFile(config, `[server]\nallowedOrigins = ["${site}"]\n`);
  const flags = [
    "--config",
    config,
    "--trusted-proxies",
    "127.0.0.1",
    "--allow-addresses",
    "192.0.2.0/24,2001:db8::/32",
  ];
  hub = await startHub({ stateDir: room.stateDir, flags, env: { ARW_ADMIN_RL: "20/60" } });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

interface Raw {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Bytes as they are, which no client library would send. */
function raw(lines: readonly string[], body = ""): Promise<Raw> {
  const { port, host } = new URL(hub.url);
  const head = lines.some((line) => /^host:/i.test(line)) ? lines : [...lines, `Host: ${host}`];
  const text = [...head, "Connection: close", `Content-Length: ${body.length}`, "", body].join("\r\n");
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect({ port: Number(port), host: "127.0.0.1" }, () => socket.write(text));
    socket.setEncoding("utf8").on("data", (part: string) => (answer += part));
    socket.on("error", reject).on("close", () => {
      const at = answer.indexOf("\r\n\r\n");
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
      resolve({ status, head: answer.slice(0, at).toLowerCase(), body: answer.slice(at + 4) });
    });
  });
}

const bearer = (token = hub.token): string => `Authorization: Bearer ${token}`;
const from = (address: string): string => `X-Forwarded-For: ${address}`;

test("only the proxy's own word about the client counts", async () => {
  const get = async (...headers: string[]): Promise<number> =>
    (await raw(["GET /whoami HTTP/1.1", bearer(), ...headers])).status;
  assert.equal(await get(from("192.0.2.7")), 200);
  assert.equal(await get(from("[2001:db8::7]:4433")), 200);
  assert.equal(await get(), 200, "this machine itself");
  for (const forged of [
    [from("203.0.113.1")],
    [from("192.0.2.7, 203.0.113.1")],
    [from("192.0.2.7"), from("203.0.113.1")],
    [from("127.0.0.1, 203.0.113.1")],
    [from("203.0.113.1"), "X-Real-IP: 192.0.2.7"],
    [from("203.0.113.1"), "Forwarded: for=192.0.2.7"],
    [from("203.0.113.1"), "X-Client-IP: 192.0.2.7", "CF-Connecting-IP: 192.0.2.7", "True-Client-IP: 127.0.0.1"],
    [from("localhost")],
    [from("")],
    [from("192.0.2.7,")],
  ])
    assert.equal(await get(...forged), 403, forged.join(" | "));
  assert.equal(await get(from("192.0.2.7"), "X-Forwarded-Host: evil.example"), 200, "says nothing to us");
});

test("wrong tokens are counted by the client's address and not by the proxy's", async () => {
  const attempt = (address: string, token: string) => raw(["GET /tasks HTTP/1.1", bearer(token), from(address)]);
  const statuses: number[] = [];
  for (let count = 0; count < 22; count += 1) statuses.push((await attempt("192.0.2.50", `wrong-${count}`)).status);
  assert.deepEqual([statuses.indexOf(429), statuses.at(-1)], [20, 429]);
  const refused = await attempt("192.0.2.50", "wrong-again");
  assert.match(refused.head, /retry-after: \d+/);
  assert.equal((await attempt("192.0.2.51", "wrong")).status, 401, "a neighbour is not shut out");
  assert.equal((await attempt("192.0.2.50", hub.token)).status, 200, "and the right token never is");
});

test("a page of another site reads nothing and changes nothing, unless its site is named", async () => {
  const plain = await raw(["GET /whoami HTTP/1.1", bearer()]);
  assert.ok(!plain.head.includes("access-control-allow"));
  for (const origin of ["https://evil.example", "null", `${site}.evil.example`, "http://tool.example", `${site}:444`]) {
    const answer = await raw(["GET /whoami HTTP/1.1", bearer(), `Origin: ${origin}`]);
    assert.equal(answer.status, 403, origin);
    assert.ok(!answer.head.includes("access-control-allow"), origin);
    const asked = await raw(["OPTIONS /tasks HTTP/1.1", `Origin: ${origin}`, "Access-Control-Request-Method: POST"]);
    assert.equal(asked.status, 403, origin);
  }
  const asked = await raw(["OPTIONS /tasks HTTP/1.1", `Origin: ${site}`, "Access-Control-Request-Method: POST"]);
  assert.equal(asked.status, 204);
  assert.match(asked.head, /access-control-allow-origin: https:\/\/tool\.example\r\n/);
  const welcome = await raw(["GET /whoami HTTP/1.1", bearer(), `Origin: ${site}`, "Sec-Fetch-Site: cross-site"]);
  assert.equal(welcome.status, 200);
  assert.match(welcome.head, /access-control-allow-origin: https:\/\/tool\.example/);
  assert.ok(!welcome.head.includes("allow-credentials"));
  assert.ok(!welcome.head.includes("access-control-allow-origin: *"));
});

test("the sign-in cookie counts for the hub's own pages alone", async () => {
  const { code } = await hub.post("/signin/code", {});
  const signed = await hub.send("POST /signin", { code }, {});
  const cookie = `Cookie: ${(signed.headers.get("set-cookie") ?? "").split(";")[0]}`;
  const get = async (...headers: string[]): Promise<number> =>
    (await raw(["GET /tasks HTTP/1.1", cookie, ...headers])).status;
  assert.equal(await get(), 200);
  assert.equal(await get("Sec-Fetch-Site: same-origin"), 200);
  for (const headers of [["Sec-Fetch-Site: same-site"], ["Sec-Fetch-Site: cross-site"], [`Origin: ${site}`]])
    assert.equal(await get(...headers), 403, headers.join());
  const post = async (...headers: string[]): Promise<number> =>
    (await raw(["POST /signin/code HTTP/1.1", "Content-Type: application/json", cookie, ...headers], "{}")).status;
  assert.equal(await post(`Origin: ${hub.url}`), 200);
  for (const headers of [[], [`Origin: ${site}`], ["Origin: http://localhost:3000"], ["Sec-Fetch-Site: same-site"]])
    assert.equal(await post(...headers), 403, headers.join());
  const form = await raw(
    ["POST /signin/code HTTP/1.1", "Content-Type: text/plain", cookie, `Origin: ${hub.url}`],
    "{}",
  );
  assert.equal(form.status, 415, "what a form can send is no call");
});

test("hosts that rebinding brings, and hosts that are none, are refused whatever comes with them", async () => {
  for (const host of ["evil.example", "127.0.0.1.nip.io", "[::1", "localhost@evil.example", "", "127.0.0.1:1"]) {
    const answer = await raw(["GET /whoami HTTP/1.1", bearer(), `Host: ${host}`]);
    assert.ok([400, 403].includes(answer.status), `${host} ${answer.status}`);
  }
  const twice = await raw(["GET /whoami HTTP/1.1", bearer(), "Host: evil.example", `Host: ${new URL(hub.url).host}`]);
  assert.equal(twice.status, 403, "of two the first counts");
});

test("a token that is taken away ends its open streams at once, and one made on the command line is shown once", async () => {
  const words = ["token", "create", "reader", "--role", "observer", "--key", "events:*", "--ttl", "30d", "--json"];
  const made = await runArw(words, hub);
  assert.equal(made.code, 0, made.stderr);
  const { token } = JSON.parse(made.stdout) as { token: string };
  const headers = { authorization: `Bearer ${token}` };
  const streams = await Promise.all(
    ["text/event-stream", "application/x-ndjson"].map((accept) =>
      fetch(`${hub.url}/events?replay=5`, { headers: { ...headers, accept } }),
    ),
  );
  for (const stream of streams) assert.equal(stream.status, 200);
  const ends = streams.map((stream) => stream.text().catch(() => ""));
  assert.equal((await hub.send("GET /tasks", undefined, headers)).status, 403);
  assert.equal((await hub.call("DELETE", "/access/tokens/reader")).status, 200);
  for (const text of await Promise.all(ends)) assert.ok(!text.includes(token));
  assert.equal((await hub.send("GET /events", undefined, headers)).status, 401);
  assert.ok(!JSON.stringify(await hub.get("/events/journal?limit=1000")).includes(token));
  assert.deepEqual(await findInFiles(hub.stateDir, [token]), []);
});

test("pages load nothing from elsewhere, run no script that is written into them, and stand in no frame", async () => {
  const { head } = await raw(["GET / HTTP/1.1"]);
  const policy = /content-security-policy: (.*)/.exec(head)?.[1] ?? "";
  for (const part of [
    "default-src 'none'",
    "script-src 'self';",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ])
    assert.ok(policy.includes(part), part);
  assert.ok(!/unsafe-|\*|https?:/.test(policy), policy);
  for (const header of [
    "x-frame-options: deny",
    "referrer-policy: no-referrer",
    "cross-origin-opener-policy: same-origin",
    "cross-origin-resource-policy: same-origin",
    "x-content-type-options: nosniff",
  ])
    assert.ok(head.includes(header), header);
});
