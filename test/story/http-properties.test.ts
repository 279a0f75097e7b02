/** Every operation of the real hub over HTTP, under requests that fit and requests that do not. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/app/config/load.ts";
import { contractTable } from "../../src/app/domains.ts";
import { openHub, type OpenHub } from "../../src/app/hub.ts";
import type { Operation } from "../../src/contract/operation.ts";
import { checkerOf } from "../../src/contract/schema.ts";
import { standardProblems } from "../../src/contract/standard-problems.ts";
import { inject } from "../kit/inject.ts";
import { programRoot } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { valuesOf } from "./schema-values.ts";

const token = "a token for this test alone";
const operations = [...contractTable().operations.values()].map(({ operation }) => operation);
const streams = operations.filter(({ mode }) => mode === "many");
const answers = operations.filter(({ mode }) => mode !== "many");
const secured = operations.filter(({ isPublic }) => !isPublic);
/** Requests of each sort for each of some eighty operations. */
const runs = { numRuns: process.env["ARW_SOAK"] === "1" ? 200 : 12 };

let room: Room;
let hub: OpenHub;
let folder = "";
beforeAll(async () => {
  room = await createRoom();
  folder = await room.folder("notes", { "a.md": "# A\n\nTODO: water the beans.\n" });
  const config = loadConfig({
    flags: {},
    // Thousands of requests in a few seconds: the limits have tests of their own.
    env: { ARW_STATE_DIR: room.stateDir, ARW_ADMIN_RL: "100000/1", ARW_READ_RL: "100000/1" },
    platform: "linux",
    home: room.path,
    workDir: room.path,
    programDir: programRoot,
    readFile: () => null,
  });
  hub = await openHub({ config, givenToken: token, pid: process.pid });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

/** What fits may also halt the hub, or leave it in a role that denies; the next operation begins anew. */
afterEach(async () => {
  const headers = { authorization: `Bearer ${token}` };
  for (const [url, payload] of [
    ["/halt/release", {}],
    ["/hierarchy/role", { role: "edge" }],
  ] as const) {
    const { statusCode } = await inject(hub.http, { method: "POST", url, payload, headers });
    assert.ok(statusCode < 500);
  }
});

type Inputs = Record<string, unknown>;
interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** As every client does: a list without entries is left out. */
const isSent = (value: unknown): boolean => !Array.isArray(value) || value.length > 0;

/** The request that a client would send for this input: path, then query for reads, then body. */
async function send(
  operation: Operation,
  input: Inputs,
  headers: Record<string, string> = { authorization: `Bearer ${token}` },
): Promise<Answer> {
  const [method = "GET", template = ""] = operation.http.split(" ");
  const rest = Object.fromEntries(Object.entries(input).filter(([, value]) => isSent(value)));
  const path = template.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => {
    const value = rest[name];
    delete rest[name];
    return encodeURIComponent(typeof value === "string" ? value : (JSON.stringify(value) ?? "")) || "-";
  });
  const isRead = method === "GET" || method === "DELETE";
  const query = isRead
    ? `?${new URLSearchParams(Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)])).toString()}`
    : "";
  return ask(operation, {
    method,
    url: `${path}${query}`,
    headers: { ...headers, ...(isRead ? {} : { "content-type": "application/json" }) },
    ...(isRead ? {} : { payload: JSON.stringify(rest) }),
  });
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly payload?: string | Buffer;
}

/** Checks what holds for every answer, whatever was asked. */
async function ask(operation: Operation, { method, ...request }: Asked): Promise<Answer> {
  const response = await inject(hub.http, { ...request, method });
  const type = response.headers["content-type"] ?? "";
  const about = `${operation.id}: ${method} ${request.url} ${String(request.payload ?? "")} -> ${response.statusCode} ${response.body.slice(0, 500)}`;
  assert.match(String(response.headers["x-arw-corr"]), /^[A-Za-z0-9._-]{1,64}$/, about);
  assert.equal(response.headers["x-content-type-options"], "nosniff", about);
  assert.notEqual(response.statusCode, 500, about);
  if (response.statusCode >= 400) {
    assert.match(type, /^application\/problem\+json/, about);
    const document = JSON.parse(response.body) as { code: string; status: number; instance: string };
    const declared = [...standardProblems, ...operation.problems].find(({ code }) => code === document.code);
    assert.equal(declared?.status, response.statusCode, about);
    assert.equal(document.instance, response.headers["x-arw-corr"], about);
  } else if (response.statusCode === 200 && operation.media === undefined) {
    assert.deepEqual(checkerOf(operation.output).check(JSON.parse(response.body)) || about, true);
  } else {
    assert.ok([200, 202].includes(response.statusCode), about);
  }
  return { status: response.statusCode, type, body: response.body };
}

/** A long poll that nobody answers lasts as long as it may. */
const waitMsMax = 10;
/** Files are only ever touched in the room of this test. */
const inRoom = (operation: Operation, input: Inputs): Inputs => {
  const folders = Object.keys(operation.input.properties).filter((name) => name === "folder" && name in input);
  const waits = typeof input["waitMs"] === "number" ? { waitMs: input["waitMs"] % waitMsMax } : {};
  return { ...input, ...waits, ...Object.fromEntries(folders.map((name) => [name, folder])) };
};
const fitting = (operation: Operation): fc.Arbitrary<Inputs> =>
  (valuesOf(operation.input) as fc.Arbitrary<Inputs>).map((input) => inRoom(operation, input));

const junkValue = fc.oneof(
  fc.string({ maxLength: 20, unit: "binary" }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 2 }),
  fc.constant({ a: [{}] }),
);
const junk = (operation: Operation): fc.Arbitrary<Inputs> => {
  const names = Object.keys(operation.input.properties).filter((name) => name !== "folder");
  return fc.dictionary(fc.oneof(fc.constantFrom("x", ...names), fc.string({ maxLength: 5 })), junkValue, {
    maxKeys: 4,
    noNullPrototype: true,
  });
};

describe("every operation", () => {
  // Stopping is asked for, not done: whoever owns the hub decides.
  test.each(answers.map(({ id }) => id))("%s answers what it promised", async (id) => {
    const operation = operationOf(id);
    const limits = operation.effect === "destroy" ? { numRuns: 1 } : runs;
    await fc.assert(
      fc.asyncProperty(fitting(operation), async (input) => void (await send(operation, input))),
      limits,
    );
  });

  test.each(operations.map(({ id }) => id))("%s survives junk and refuses fields it does not know", async (id) => {
    const operation = operationOf(id);
    const known = new Set(Object.keys(operation.input.properties));
    const property = fc.asyncProperty(junk(operation), async (input) => {
      const isSurelyWrong = Object.entries(input).some(([name, value]) => !known.has(name) && isSent(value));
      // What happens to fit a stream would open it and never end here.
      const sent = operation.mode === "many" ? { ...input, surplus: 1 } : input;
      const { status } = await send(operation, sent);
      if (isSurelyWrong || operation.mode === "many") assert.equal(status, 400);
    });
    await fc.assert(property, runs);
  });

  test.each(operations.map(({ id }) => id))("%s refuses broken bodies", async (id) => {
    const operation = operationOf(id);
    const [method = "GET", template = ""] = operation.http.split(" ");
    if (method === "GET") return;
    const url = template.replaceAll(/\{\w+\}/g, "a");
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const payloads = [
      '{"a":',
      "[]",
      '"text"',
      "{}x",
      "\u0000",
      Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]),
      '{"__proto__":{}}',
      `{"a":${"[".repeat(5000)}`,
    ];
    for (const payload of payloads) assert.equal((await ask(operation, { method, url, headers, payload })).status, 400);
    const form = { ...headers, "content-type": "application/x-www-form-urlencoded" };
    assert.equal((await ask(operation, { method, url, headers: form, payload: "a=1" })).status, 415);
    const large = Buffer.alloc(8_388_609, 0x20);
    assert.equal((await ask(operation, { method, url, headers, payload: large })).status, 413);
  });

  test.each(secured.map(({ id }) => id))("%s needs a sign-in", async (id) => {
    const operation = operationOf(id);
    assert.equal((await send(operation, {}, {})).status, 401);
    assert.equal(
      (await send(operation, {}, { cookie: "arw_session=stale", origin: "http://localhost:80" })).status,
      401,
    );
    // Each wrong token comes from another address, so to speak: the limit has a test of its own.
    assert.ok([401, 429].includes((await send(operation, {}, { authorization: "Bearer wrong" })).status));
  });
});

/** Streams that need nothing; the others have stories of their own. */
const openStreams = streams.filter(({ http, input }) => http.startsWith("GET ") && checkerOf(input).check({}));

test("a stream of what does not exist is refused before it begins", async () => {
  const operation = operationOf("consumers.stream");
  assert.equal((await send(operation, { name: "nobody" })).status, 404);
});

test.each(openStreams.map(({ id }) => id))("%s opens as a stream with its first item", async (id) => {
  const operation = operationOf(id);
  const url = operation.http.split(" ")[1] ?? "";
  const response = await inject(hub.http, {
    url,
    headers: { authorization: `Bearer ${token}` },
    payloadAsStream: true,
  });
  assert.equal(response.statusCode, 200);
  assert.match(String(response.headers["content-type"]), /^text\/event-stream/);
  for await (const chunk of response.stream()) {
    expect(String(chunk)).toMatch(/^(id|event|data): /);
    break;
  }
});

test("cursors that are none are refused or lead nowhere, but never fail", async () => {
  for (const operation of answers.filter(({ input }) => "cursor" in input.properties)) {
    const cursors = ["", "x", "\u0000", "../..", "'; drop table rows; --", "x".repeat(400), "%", "ÿ"];
    for (const cursor of cursors) await send(operation, { cursor });
  }
});

test("who signs in by code gets a cookie that works, and whoever signs out loses it", async () => {
  const origin = { host: "localhost:80", origin: "http://localhost:80" };
  const path = await hub.signinPath();
  const code = path.slice(path.indexOf("=") + 1);
  const post = (url: string, payload: object, cookie?: string) =>
    inject(hub.http, {
      method: "POST",
      url,
      payload,
      headers: { ...origin, ...(cookie === undefined ? {} : { cookie }) },
    });
  const whoami = async (cookie: string): Promise<number> =>
    (await inject(hub.http, { url: "/whoami", headers: { cookie } })).statusCode;
  const signedIn = await post("/signin", { code });
  assert.equal(signedIn.statusCode, 200, signedIn.body);
  const cookie = String(signedIn.headers["set-cookie"]).split(";")[0] ?? "";
  assert.equal(await whoami(cookie), 200);
  // The requests before may have used up what wrong codes are allowed.
  assert.ok(["access.code-refused", "arw.too-many-requests"].includes((await post("/signin", { code })).json().code));
  assert.equal(
    (await inject(hub.http, { method: "POST", url: "/signout", payload: {}, headers: { cookie } })).json().code,
    "arw.wrong-origin",
  );
  const signedOut = await post("/signout", {}, cookie);
  assert.deepEqual(signedOut.json(), { signedOut: true });
  assert.match(String(signedOut.headers["set-cookie"]), /^arw_session=; .*Max-Age=0/);
  assert.equal(await whoami(cookie), 401);
});

test("the alias under /admin leads through the same corridor", async () => {
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await inject(hub.http, { url: "/admin/whoami", headers })).statusCode, 200);
  assert.equal((await inject(hub.http, { url: "/admin/whoami" })).statusCode, 401);
});

function operationOf(id: string): Operation {
  const found = operations.find((operation) => operation.id === id);
  assert.ok(found);
  return found;
}
