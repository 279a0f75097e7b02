import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "vitest";
import { op } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { CallRequest, Outcome, Table } from "../../kernel/kernel.ts";
import { createHttpTransport } from "./http-transport.ts";
import { createLocalTransport } from "./local-transport.ts";
import { CallFailed, HubUnreachable, type Transport } from "./port.ts";

const Show = op({
  id: "a.show",
  http: "GET /a/{id}",
  effect: "read",
  about: "Show.",
  input: closed({ id: Type.String() }),
  output: closed({}),
});
const Make = op({
  id: "a.make",
  http: "POST /a",
  effect: "write",
  about: "Make.",
  input: closed({}),
  output: closed({}),
});
const Watch = op({
  id: "a.watch",
  http: "GET /watch",
  mode: "many",
  effect: "read",
  about: "Watch.",
  input: closed({}),
  output: closed({}),
});
const operations = new Map(
  [Show, Make, Watch].map((operation) => [operation.id, { operation, run: () => assert.fail() }]),
) as unknown as Table["operations"];
const never = new AbortController().signal;

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function withHub(answer: Answer, use: (transport: Transport, baseUrl: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => answer(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await use(transportTo(baseUrl), baseUrl);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const transportTo = (baseUrl: string): Transport =>
  createHttpTransport({ operations, baseUrl, token: "t0", send: fetch, wait: () => Promise.resolve() });

const json =
  (status: number, body: unknown, media = "application/json"): Answer =>
  (_request, response) =>
    response.writeHead(status, { "content-type": media }).end(JSON.stringify(body));

test("a call goes to the operation's route with the token", async () => {
  const answer: Answer = (request, response, body) =>
    json(200, [request.method, request.url, request.headers.authorization, body])(request, response, body);
  await withHub(answer, async (hub) => {
    assert.deepEqual(await hub.call("a.show", { id: "x y", n: 1 }, never), {
      kind: "answer",
      output: ["GET", "/a/x%20y?n=1", "Bearer t0", ""],
    });
    const made = await hub.call("a.make", { n: 1 }, never);
    assert.deepEqual(made.kind === "answer" && made.output, ["POST", "/a", "Bearer t0", '{"n":1}']);
  });
});

test("accepted and held calls are told apart by their shape", async () => {
  await withHub(json(202, { taskId: "t", corrId: "c", href: "/tasks/t" }), async (hub) => {
    assert.deepEqual(await hub.call("a.make", {}, never), { kind: "accepted", taskId: "t", corrId: "c" });
  });
  await withHub(json(202, { approvalId: "p", corrId: "c", href: "/state/approvals/p" }), async (hub) => {
    assert.deepEqual(await hub.call("a.make", {}, never), { kind: "held", approvalId: "p", corrId: "c" });
  });
});

test("a problem is a failed call, and so is another program on the port", async () => {
  const document = { type: "t", title: "T", status: 403, code: "x.y", detail: "d", instance: "c" };
  await withHub(json(403, document, "application/problem+json"), async (hub) => {
    await assert.rejects(hub.call("a.make", {}, never), (error) => {
      assert.ok(error instanceof CallFailed);
      assert.deepEqual(error.document, document);
      return true;
    });
  });
  await withHub(json(500, "no", "text/html"), async (hub) => {
    await assert.rejects(
      hub.call("a.make", {}, never),
      (error) => error instanceof CallFailed && error.document.code === "cli.not-a-hub",
    );
  });
});

test("a hub that is gone is unreachable, also behind a redirect", async () => {
  let gone = "";
  const elsewhere: Answer = (_request, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
  await withHub(elsewhere, async (hub, baseUrl) => {
    gone = baseUrl;
    await assert.rejects(hub.call("a.make", {}, never), HubUnreachable);
  });
  await assert.rejects(transportTo(gone).call("a.make", {}, never), HubUnreachable);
});

test("an abort wins over every other failure", async () => {
  const leaving = new AbortController();
  leaving.abort(new RangeError("left"));
  await assert.rejects(transportTo("http://127.0.0.1:1").call("a.make", {}, leaving.signal), RangeError);
});

test("a stream goes on behind the last id and no longer asks for where it began", async () => {
  const asked: unknown[] = [];
  const answer: Answer = (request, response) => {
    asked.push([request.url, request.headers["last-event-id"]]);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(
      asked.length === 1
        ? "id: 4\nevent: k\ndata: 1\n\n"
        : 'data: 2\n\nevent: problem\ndata: {"code":"x","status":403,"detail":"d"}\n\n',
    );
  };
  await withHub(answer, async (hub) => {
    const items = hub.stream("a.watch", { after: 0, corr: "c" }, never)[Symbol.asyncIterator]();
    assert.deepEqual([(await items.next()).value, (await items.next()).value], [1, 2]);
    await assert.rejects(items.next(), CallFailed);
  });
  assert.deepEqual(asked, [
    ["/watch?after=0&corr=c", undefined],
    ["/watch?corr=c", "4"],
  ]);
});

test("in process, calls walk the corridor as the person at the machine", async () => {
  const requests: CallRequest[] = [];
  let outcome: Outcome | Problem = { kind: "answer", output: 1 };
  let isClosed = false;
  const dispatch = async (request: CallRequest) => {
    requests.push(request);
    if (outcome instanceof Problem) throw outcome;
    return { corrId: "c", outcome };
  };
  const hub = createLocalTransport({
    kernel: { dispatch },
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
    },
  });
  assert.deepEqual(await hub.call("a.show", { id: "x" }, never), { kind: "answer", output: 1 });
  assert.deepEqual(requests[0]?.credentials, { kind: "caller", caller: { kind: "person", id: "admin" } });
  outcome = { kind: "accepted", taskId: "t" };
  assert.deepEqual(await hub.call("a.make", {}, never), { kind: "accepted", taskId: "t", corrId: "c" });
  outcome = {
    kind: "stream",
    items: (async function* () {
      yield 1;
      throw new Problem(Denied, "no");
    })(),
  };
  const items = hub.stream("a.watch", {}, never)[Symbol.asyncIterator]();
  assert.equal((await items.next()).value, 1);
  await assert.rejects(items.next(), (error) => error instanceof CallFailed && error.document.code === Denied.code);
  outcome = new Problem(Denied, "no");
  await assert.rejects(hub.call("a.make", {}, never), CallFailed);
  await hub[Symbol.asyncDispose]();
  assert.ok(isClosed);
});
