/** The HTTP surface by itself: what it reads from a request, what it answers, and what it refuses. */
import assert from "node:assert/strict";
import { afterEach, test } from "vitest";
import { Problem } from "../../src/contract/problem.ts";
import type { ForeignRoute, Outcome } from "../../src/kernel/kernel.ts";
import type { HttpDeps, HttpSurface } from "../../src/surfaces/http/surface.ts";
import { inject } from "../kit/inject.ts";
import { fakeKernel, Full, thingSurface } from "./http-hub.ts";

const open: HttpSurface[] = [];
afterEach(async () => {
  for (const surface of open.splice(0)) await surface.close();
});

function surfaceWith(options: Partial<HttpDeps> = {}): HttpSurface {
  const surface = thingSurface(options);
  open.push(surface);
  return surface;
}

const answering = (outcome: Outcome): HttpSurface => surfaceWith({ kernel: fakeKernel(() => outcome) });
const json = { "content-type": "application/json" };

test("path and query become the input, converted by the declared types alone", async () => {
  const url = "/things/a%2Fb?count=12&ratio=-1.5&deep=true&names=x,y&names=z&sizes=1,2&mode=slow";
  const response = await inject(surfaceWith(), { url });
  assert.equal(response.statusCode, 200);
  assert.deepEqual(response.json(), {
    id: "a/b",
    count: 12,
    ratio: -1.5,
    deep: true,
    names: ["x", "y", "z"],
    sizes: [1, 2],
    mode: "slow",
  });
});

test.each([
  ["/things/a?count=twelve", "/count"],
  ["/things/a?count=0x10", "/count"],
  ["/things/a?count=1.5", "/count"],
  ["/things/a?count=-1", "/count"],
  ["/things/a?count=", "/count"],
  ["/things/a?count=1&count=2", "/count"],
  ["/things/a?deep=yes", "/deep"],
  ["/things/a?sizes=1,b", "/sizes/1"],
  ["/things/a?mode=medium", "/mode"],
  ["/things/a?surplus=1", ""],
])("what cannot be converted is refused with the place: %s", async (url, at) => {
  const response = await inject(surfaceWith(), { url });
  assert.equal(response.statusCode, 400);
  const document = response.json();
  assert.equal(document.code, "arw.invalid-input");
  assert.equal(document.faults[0].at, at);
});

test("a key in two places, and __proto__ anywhere, is refused", async () => {
  const surface = surfaceWith();
  const put = (url: string, payload: string) => inject(surface, { method: "PUT", url, payload, headers: json });
  for (const [url, payload] of [
    ["/things/a", '{"id":"b"}'],
    ["/things/a?count=1", '{"count":1}'],
    ["/things/a?id=b", "{}"],
    ["/things/a?__proto__=1", "{}"],
    ["/things/a", '{"__proto__":{"count":1}}'],
    ["/things/a", '{"\\u005f_proto__":1}'],
  ] as const) {
    const response = await put(url, payload);
    assert.equal(response.statusCode, 400, `${url} ${payload}`);
    assert.equal(response.json().code, "arw.invalid-input");
  }
  const fine = await put("/things/a?count=3", '{"deep":false}');
  assert.deepEqual(fine.json(), { id: "a", count: 3, deep: false });
});

test.each([
  ["not json", '{"more": }', 9],
  ["ends early", '{"more": [1, 2', 14],
  ["trailing", '{"more":1} x', 11],
  ["single quotes", "{'more':1}", 1],
  ["bad escape", '{"more":"\\x"}', 8],
  ["leading zero", '{"more":01}', 9],
])("malformed JSON says where: %s", async (_name, payload, position) => {
  const response = await inject(surfaceWith(), { method: "POST", url: "/things", payload, headers: json });
  assert.equal(response.statusCode, 400);
  assert.equal(response.json().position, position);
});

test("bodies that are no JSON object in UTF-8 are refused", async () => {
  const surface = surfaceWith({ limits: { bodyBytesMax: 64 } });
  const post = (payload: string | Buffer, type: string) =>
    inject(surface, { method: "POST", url: "/things", payload, headers: { "content-type": type } });
  const statuses = [
    await post("[1]", "application/json"),
    await post("null", "application/json"),
    await post(Buffer.from([0x22, 0xff, 0x22]), "application/json"),
    await post(`{"more":"${"x".repeat(100)}"}`, "application/json"),
    await post("{}", "text/plain"),
    await post("{}", "application/json; charset=latin1"),
    await post("a=b", "application/x-www-form-urlencoded"),
    await post("{}", "application/json; charset=UTF-8"),
    await post("", "application/json"),
  ].map((response) => response.statusCode);
  assert.deepEqual(statuses, [400, 400, 400, 413, 415, 415, 415, 200, 200]);
});

test("a body is refused at 65 levels and taken at 64", async () => {
  const surface = surfaceWith();
  const nested = (depth: number): string => `{"more":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  const post = (payload: string) => inject(surface, { method: "POST", url: "/things", payload, headers: json });
  assert.equal((await post(nested(63))).statusCode, 200);
  assert.equal((await post(nested(64))).statusCode, 400);
  assert.equal((await post(nested(100_000))).statusCode, 400);
});

test("every outcome has its status, headers and body", async () => {
  const answer = await inject(answering({ kind: "answer", output: { a: 1 }, etag: '"v1"' }), { url: "/things/a" });
  assert.deepEqual([answer.statusCode, answer.headers["etag"], answer.json()], [200, '"v1"', { a: 1 }]);
  const unchanged = await inject(answering({ kind: "unchanged", etag: '"v1"' }), { url: "/things/a" });
  assert.deepEqual([unchanged.statusCode, unchanged.headers["etag"], unchanged.body], [304, '"v1"', ""]);
  const accepted = await inject(answering({ kind: "accepted", taskId: "t 1" }), { method: "POST", url: "/things" });
  assert.deepEqual([accepted.statusCode, accepted.headers["location"]], [202, "/tasks/t%201"]);
  assert.deepEqual(accepted.json(), { taskId: "t 1", corrId: "fresh-1", href: "/tasks/t%201" });
  const held = await inject(answering({ kind: "held", approvalId: "q1" }), { method: "POST", url: "/things" });
  assert.deepEqual(held.json(), { approvalId: "q1", corrId: "fresh-1", href: "/state/approvals/q1" });
  assert.equal(held.statusCode, 202);
  const text = await inject(answering({ kind: "answer", output: "up 1\n" }), { url: "/text" });
  assert.deepEqual([text.headers["content-type"], text.body], ["text/plain; charset=utf-8", "up 1\n"]);
});

test("problems are RFC 9457 documents with the correlation id, and Retry-After where one is known", async () => {
  const kernel = fakeKernel(() => {
    throw new Problem(Full, "No room for things.", { retryAfterMs: 1200, left: 0 });
  });
  const response = await inject(surfaceWith({ kernel }), { url: "/things/a" });
  assert.equal(response.statusCode, 503);
  assert.match(String(response.headers["content-type"]), /^application\/problem\+json/);
  assert.equal(response.headers["retry-after"], "2");
  assert.deepEqual(response.json(), {
    retryAfterMs: 1200,
    left: 0,
    type: "/problems/things.full",
    title: "Full",
    status: 503,
    code: "things.full",
    detail: "No room for things.",
    instance: "fresh-1",
  });
});

test("a defect tells the client nothing but where to look", async () => {
  const lines: unknown[] = [];
  const kernel = fakeKernel(() => {
    throw new TypeError("secret path /home/ada");
  });
  const log = { info() {}, warn() {}, error: (...line: unknown[]) => void lines.push(line) };
  const response = await inject(surfaceWith({ kernel, log }), { url: "/things/a" });
  assert.equal(response.statusCode, 500);
  assert.equal(response.json().code, "arw.internal");
  assert.doesNotMatch(response.body, /secret/);
  assert.equal(lines.length, 1);
});

test("a correlation id or trace that comes along joins and is echoed; a malformed one is refused", async () => {
  const kernel = fakeKernel();
  const surface = surfaceWith({ kernel });
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const own = await inject(surface, { url: "/things/a", headers: { "x-arw-corr": "mine.1" } });
  const traced = await inject(surface, { url: "/things/a", headers: { traceparent: trace } });
  assert.deepEqual([own.headers["x-arw-corr"], traced.headers["x-arw-corr"]], ["mine.1", trace.slice(3, 35)]);
  assert.deepEqual(
    kernel.calls.map((call) => call.corrId),
    ["mine.1", trace.slice(3, 35)],
  );
  const bad: readonly Record<string, string>[] = [
    { "x-arw-corr": "a b" },
    { "x-arw-corr": "x".repeat(65) },
    { traceparent: "junk" },
  ];
  for (const headers of bad) {
    const refused = await inject(surface, { url: "/things/a", headers });
    assert.equal(refused.statusCode, 400);
    assert.match(String(refused.headers["x-arw-corr"]), /^fresh-/);
    assert.equal(refused.json().instance, refused.headers["x-arw-corr"]);
  }
});

test("credentials are read from the bearer token, the admin header, then the cookie", async () => {
  const kernel = fakeKernel();
  const surface = surfaceWith({ kernel });
  await inject(surface, { url: "/things/a", headers: { authorization: "bearer T1", cookie: "arw_session=C" } });
  await inject(surface, { url: "/things/a", headers: { "x-arw-admin": "T2" } });
  await inject(surface, { url: "/things/a", headers: { cookie: "a=b; arw_session=C=1; c=d" } });
  await inject(surface, { url: "/things/a", headers: { authorization: "Basic abc" } });
  const address = "127.0.0.1";
  assert.deepEqual(
    kernel.calls.map((call) => call.credentials),
    [
      { kind: "token", token: "T1", address },
      { kind: "token", token: "T2", address },
      { kind: "cookie", cookie: "C=1", address },
      { kind: "none", address },
    ],
  );
});

test("unknown addresses are 404, known ones with another method 405 with Allow", async () => {
  const surface = surfaceWith();
  const status = async (method: string, url: string) => {
    const response = await inject(surface, { method, url });
    assert.match(String(response.headers["content-type"]), /^application\/problem\+json/, `${method} ${url}`);
    assert.match(String(response.headers["x-arw-corr"]), /^fresh-/);
    return [response.statusCode, response.headers["allow"]];
  };
  assert.deepEqual(await status("GET", "/nothing"), [404, undefined]);
  assert.deepEqual(await status("GET", "/things/a/b"), [404, undefined]);
  assert.deepEqual(await status("DELETE", "/things/a"), [405, "GET, HEAD, PUT"]);
  assert.deepEqual(await status("GET", "/things"), [405, "POST"]);
  assert.deepEqual(await status("OPTIONS", "/things"), [405, "POST"]);
  assert.deepEqual(await status("TRACE", "/things"), [405, "POST"]);
  assert.deepEqual(await status("GET", "/things/%zz"), [400, undefined]);
  assert.deepEqual(await status("GET", `/things/${"x".repeat(2000)}`), [404, undefined]);
});

test("below the address of a protocol of others, every refusal takes its form", async () => {
  const route: ForeignRoute = {
    method: "POST",
    path: "/v9/things/*",
    below: "/v9",
    serve: async () => ({ kind: "json", body: {} }),
    failure: ({ definition: { status, code } }) => ({ status, body: { error: { code } } }),
    lastFrame: () => "",
  };
  const surface = surfaceWith({ foreign: [route] });
  const post = { method: "POST", headers: json, payload: "{}" } as const;
  for (const [request, status, code] of [
    [{ ...post, payload: "{bad" }, 400, "invalid-input"],
    [{ ...post, payload: "[]" }, 400, "invalid-input"],
    [{ ...post, headers: { "content-type": "text/plain" } }, 415, "unsupported-media"],
    [{ ...post, headers: { ...json, host: "evil.example" } }, 403, "wrong-origin"],
    [{ ...post, url: "/v9/things/%zz" }, 400, "invalid-input"],
    [{ method: "GET" }, 405, "method-not-allowed"],
    [{ method: "GET", url: "/v9/nope?x=1" }, 404, "not-found"],
    [{ method: "GET", url: "/v9" }, 404, "not-found"],
  ] as const) {
    const response = await inject(surface, { url: "/v9/things/a/b", ...request });
    assert.equal(response.statusCode, status, JSON.stringify(request));
    assert.deepEqual(response.json(), { error: { code: `arw.${code}` } });
    assert.match(String(response.headers["content-type"]), /^application\/json/);
    assert.ok(response.headers["x-arw-corr"]);
    assert.equal(response.headers["allow"], status === 405 ? "POST" : undefined);
  }
  const other = await inject(surface, { url: "/v99" });
  assert.match(String(other.headers["content-type"]), /problem\+json/);
});

test("HEAD answers as GET does, without the body", async () => {
  const response = await inject(surfaceWith(), { method: "HEAD", url: "/things/a" });
  assert.deepEqual([response.statusCode, response.body], [200, ""]);
});

test("/admin is a second address of the table's routes, and of nothing else", async () => {
  const surface = surfaceWith();
  assert.equal((await inject(surface, { url: "/admin/things/a?count=1" })).statusCode, 200);
  assert.equal((await inject(surface, { url: "/admin/ui/episodes" })).statusCode, 404);
  assert.equal((await inject(surface, { url: "/admin/problems/arw.internal" })).statusCode, 404);
  assert.equal((await inject(surface, { url: "/admin/" })).statusCode, 404);
});

test("other hosts and other origins are turned away", async () => {
  const surface = surfaceWith({ allowedHosts: ["hub.example"] });
  const status = async (method: "GET" | "POST", headers: Record<string, string>) => {
    const url = method === "GET" ? "/things/a" : "/things";
    return (await inject(surface, { method, url, headers })).json().code ?? "ok";
  };
  const wrong = "arw.wrong-origin";
  assert.equal(await status("GET", { host: "evil.example" }), wrong);
  assert.equal(await status("GET", { host: "127.0.0.1.evil.example:80" }), wrong);
  assert.equal(await status("GET", { host: "localhost:80@evil.example" }), wrong);
  assert.equal(await status("GET", { host: "127.0.0.2:1234" }), "ok");
  assert.equal(await status("GET", { host: "[::1]:1" }), "ok");
  assert.equal(await status("GET", { host: "HUB.example" }), "ok");
  assert.equal(await status("GET", { host: "localhost:1", origin: "http://localhost:2" }), wrong);
  assert.equal(await status("GET", { host: "localhost:1", origin: "null" }), wrong);
  assert.equal(await status("POST", { host: "localhost:1", origin: "http://localhost:1" }), "ok");
  assert.equal(await status("POST", { host: "hub.example", origin: "https://hub.example" }), "ok");
  assert.equal(await status("POST", { "sec-fetch-site": "cross-site" }), wrong);
  assert.equal(await status("GET", { "sec-fetch-site": "cross-site" }), "ok");
  assert.equal(await status("POST", { cookie: "arw_session=C" }), wrong);
  assert.equal(await status("GET", { cookie: "arw_session=C" }), "ok");
  assert.equal(
    await status("POST", { cookie: "arw_session=C", host: "localhost:1", origin: "http://localhost:1" }),
    "ok",
  );
});

test("a cookie that the call left is set on its own answer alone", async () => {
  const left = new Map([["things.make mine", "arw_session=1; HttpOnly"]]);
  const cookies = { take: (operationId: string, corrId: string) => left.get(`${operationId} ${corrId}`) ?? null };
  const surface = surfaceWith({ cookies });
  const headers = { "x-arw-corr": "mine" };
  assert.equal((await inject(surface, { url: "/things/a", headers })).headers["set-cookie"], undefined);
  assert.equal(
    (await inject(surface, { method: "POST", url: "/things", headers })).headers["set-cookie"],
    "arw_session=1; HttpOnly",
  );
});

test("a hub that is not ready takes no calls", async () => {
  const response = await inject(surfaceWith({ isReady: () => false }), { url: "/things/a" });
  assert.deepEqual([response.statusCode, response.headers["retry-after"]], [503, "1"]);
});

test("requests above the limit are told to come back", async () => {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const kernel = fakeKernel(() => gate.then((): Outcome => ({ kind: "answer", output: {} })));
  const surface = surfaceWith({ kernel, limits: { requestsInFlightMax: 2 } });
  const first = [inject(surface, { url: "/things/a" }), inject(surface, { url: "/things/b" })];
  while (kernel.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const refused = await inject(surface, { url: "/things/c" });
  assert.deepEqual([refused.statusCode, refused.headers["retry-after"]], [429, "1"]);
  release();
  assert.deepEqual(
    (await Promise.all(first)).map((response) => response.statusCode),
    [200, 200],
  );
  assert.equal((await inject(surface, { url: "/things/d" })).statusCode, 200);
});
