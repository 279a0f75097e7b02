import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { test } from "vitest";
import { retryDelayMs } from "./resuming-frames.ts";
import { routeRequest } from "./route-request.ts";
import { ArwHeld, ArwProblem, createRuntime, type Runtime } from "./runtime.ts";
import { createSseParser, type SseFrame } from "./sse-parser.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function parseIn(pieces: readonly Uint8Array[]): readonly SseFrame[] {
  const parser = createSseParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

function cut(bytes: Uint8Array, at: readonly number[]): readonly Uint8Array[] {
  const marks = [0, ...at.map((mark) => mark % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return marks.slice(1).map((mark, index) => bytes.subarray(marks[index], mark));
}

const wire = [
  '\uFEFFid: 1\r\nevent: a.b\r\ndata: {"t":"grüße 🎈"}\r\n\r\n',
  ": keep-alive\n\n",
  "data: one\ndata:two\ndata\n\n",
  "id: 7\n\n",
  "retry: 40\rdata: x\r\r",
  "id: no\0pe\ndata: y\nunknown: z\n\n",
  "event: lost\ndata: never finished\n",
].join("");
const wireFrames: readonly SseFrame[] = [
  { id: "1", event: "a.b", data: '{"t":"grüße 🎈"}' },
  { id: "1", event: "message", data: "one\ntwo\n" },
  { id: "7", event: "message", data: "x" },
  { id: "7", event: "message", data: "y" },
];

test("frames come out the same however the bytes are cut, inside letters and line ends too", () => {
  const bytes = bytesOf(wire);
  assert.deepEqual(parseIn([bytes]), wireFrames);
  assert.deepEqual(parseIn([...bytes].map((byte) => Uint8Array.of(byte))), wireFrames);
  fc.assert(
    fc.property(fc.array(fc.nat(500), { maxLength: 12 }), (at) => {
      assert.deepEqual(parseIn(cut(bytes, at)), wireFrames);
    }),
    { numRuns: 100 },
  );
});

test("an id counts only once its frame is whole", () => {
  const parser = createSseParser();
  parser.push(bytesOf("id: 1\ndata: a\n\nid: 2\nretry: 9\ndata: b\n"));
  assert.equal(parser.lastEventId, "1");
  assert.equal(parser.retryMs, 9);
  parser.push(bytesOf("\n"));
  assert.equal(parser.lastEventId, "2");
});

test("a request takes its path from the input and puts the rest into query or body", () => {
  assert.deepEqual(
    routeRequest("GET /episodes/{id}", { id: "a/b", limit: 5, after: undefined, prefix: ["x y", "z"] }),
    {
      method: "GET",
      path: "/episodes/a%2Fb?limit=5&prefix=x%20y&prefix=z",
      body: undefined,
    },
  );
  assert.deepEqual(routeRequest("POST /approvals/{id}/decide", { id: "1", decision: "allow" }), {
    method: "POST",
    path: "/approvals/1/decide",
    body: '{"decision":"allow"}',
  });
  assert.deepEqual(routeRequest("DELETE /x", { deep: { a: 1 } }).path, "/x?deep=%7B%22a%22%3A1%7D");
  assert.throws(() => routeRequest("GET /x/{id}", {}), TypeError);
});

test("pauses double up to their ceiling", () => {
  assert.deepEqual(
    [1, 2, 3, 6, 9].map((tries) => retryDelayMs(tries)),
    [250, 500, 1000, 5000, 5000],
  );
});

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function withServer(answer: Answer, use: (baseUrl: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => answer(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const runtimeAt = (baseUrl: string): Runtime => createRuntime({ baseUrl, token: "t0", wait: () => Promise.resolve() });

interface Reply {
  readonly status?: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

function reply(response: ServerResponse, { status = 200, body, headers = {} }: Reply): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

test("a call sends token and body and gives back the answer as it is", async () => {
  const answer: Answer = (request, response, body) =>
    reply(response, { body: { seen: [request.method, request.url, request.headers.authorization, body] } });
  await withServer(answer, async (baseUrl) => {
    assert.deepEqual(await runtimeAt(`${baseUrl}/`).call("POST /a/{b}", { b: "c", d: 1 }), {
      seen: ["POST", "/a/c", "Bearer t0", '{"d":1}'],
    });
  });
});

test("text answers come as text", async () => {
  const answer: Answer = (_request, response) =>
    reply(response, { body: "arw_up 1\n", headers: { "content-type": "text/plain" } });
  await withServer(answer, async (baseUrl) =>
    assert.equal(await runtimeAt(baseUrl).call("GET /metrics", {}), "arw_up 1\n"),
  );
});

test("a problem document becomes a typed error, and so does an answer that no hub gives", async () => {
  const document = {
    type: "/problems/x.y",
    title: "T",
    status: 429,
    code: "x.y",
    detail: "D",
    instance: "c1",
    limit: 3,
  };
  const answer: Answer = (request, response) =>
    request.url === "/hub"
      ? reply(response, {
          status: 429,
          body: document,
          headers: { "content-type": "application/problem+json", "retry-after": "2" },
        })
      : reply(response, { status: 502, body: "<html>", headers: { "content-type": "text/html" } });
  await withServer(answer, async (baseUrl) => {
    const runtime = runtimeAt(baseUrl);
    await assert.rejects(runtime.call("GET /hub", {}), (error) => {
      assert.ok(error instanceof ArwProblem);
      assert.deepEqual(
        [error.code, error.status, error.corrId, error.retryAfterMs, error.document],
        ["x.y", 429, "c1", 2000, document],
      );
      return true;
    });
    await assert.rejects(runtime.call("GET /proxy", {}), { code: "client.unexpected-answer", status: 502 });
  });
});

test("a held call is told apart from an accepted one", async () => {
  const answer: Answer = (request, response) =>
    reply(response, {
      status: 202,
      body:
        request.url === "/held" ? { approvalId: "p1", corrId: "c" } : { taskId: "t1", corrId: "c", href: "/tasks/t1" },
    });
  await withServer(answer, async (baseUrl) => {
    const runtime = runtimeAt(baseUrl);
    await assert.rejects(
      runtime.call("POST /held", {}),
      (error) => error instanceof ArwHeld && error.approvalId === "p1",
    );
    assert.deepEqual(await runtime.call("POST /job", {}), { taskId: "t1", corrId: "c", href: "/tasks/t1" });
  });
});

async function take(items: AsyncIterable<unknown>, count: number): Promise<readonly unknown[]> {
  const taken: unknown[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

test("a broken stream goes on behind the last id, without loss or repeat", async () => {
  const asked: (string | undefined)[] = [];
  const answer: Answer = (request, response) => {
    const last = request.headers["last-event-id"] as string | undefined;
    asked.push(last);
    if (asked.length === 3)
      return reply(response, { status: 503, body: { code: "arw.shutting-down", detail: "d", status: 503 } });
    const next = Number(last ?? 0) + 1;
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`id: ${next}\ndata: ${next}\n\nid: ${next + 1}\ndata: ${next + 1}\n\nid: 99\ndata: "half`, () =>
      asked.length % 2 === 0 ? response.end() : response.destroy(),
    );
  };
  await withServer(answer, async (baseUrl) => {
    assert.deepEqual(await take(runtimeAt(baseUrl).stream("GET /events", {}), 6), [1, 2, 3, 4, 5, 6]);
  });
  assert.deepEqual(asked, [undefined, "2", "4", "4"]);
});

test("a stream without ids ends when the server ends it", async () => {
  const answer: Answer = (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end("data: 1\n\ndata: 2\n\n");
  };
  await withServer(answer, async (baseUrl) => {
    assert.deepEqual(await take(runtimeAt(baseUrl).stream("GET /x", {}), 9), [1, 2]);
  });
});

test("a failure told inside a stream is thrown, or tried again where that may help", async () => {
  const asked: (string | undefined)[] = [];
  const answer: Answer = (request, response) => {
    asked.push(request.url);
    const status = asked.length === 1 ? 503 : 403;
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(
      `id: ${asked.length}\ndata: 1\n\nevent: problem\ndata: {"code":"x.y","status":${status},"detail":"d"}\n\n`,
    );
  };
  await withServer(answer, async (baseUrl) => {
    const items = runtimeAt(baseUrl).stream("GET /events", { after: 7, corr: "c" });
    assert.deepEqual(
      [await items.next(), await items.next()].map((step) => step.value),
      [1, 1],
    );
    await assert.rejects(items.next(), { code: "x.y", status: 403 });
  });
  assert.deepEqual(asked, ["/events?after=7&corr=c", "/events?corr=c"]);
});

test("a refusal of a stream is thrown at once, an absent hub after the last try", async () => {
  let asked = 0;
  const answer: Answer = (_request, response) => {
    asked += 1;
    reply(response, { status: 403, body: { code: "arw.denied", detail: "d", status: 403, instance: "c" } });
  };
  let gone = "";
  await withServer(answer, async (baseUrl) => {
    gone = baseUrl;
    await assert.rejects(take(runtimeAt(baseUrl).stream("GET /x", {}), 1), { code: "arw.denied" });
  });
  assert.equal(asked, 1);
  await assert.rejects(take(runtimeAt(gone).stream("GET /x", {}, { triesMax: 3 }), 1), TypeError);
});

test("an abort ends a call and a stream with its reason", async () => {
  const reason = new RangeError("left");
  await withServer(
    (request, response) => {
      if (request.url === "/stream") {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("id: 1\ndata: 1\n\n");
      }
    },
    async (baseUrl) => {
      const call = new AbortController();
      const pending = assert.rejects(runtimeAt(baseUrl).call("GET /never", {}, { signal: call.signal }), reason);
      call.abort(reason);
      await pending;
      const stream = new AbortController();
      const items = runtimeAt(baseUrl).stream("GET /stream", {}, { signal: stream.signal });
      assert.deepEqual(await items.next(), { done: false, value: 1 });
      stream.abort(reason);
      await assert.rejects(items.next(), reason);
    },
  );
});

test("the pieces that the command line shares are the same text in both places", () => {
  for (const name of ["sse-parser.ts", "resuming-frames.ts", "route-request.ts"]) {
    const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
    assert.equal(read(`../../src/base/${name}`), read(`./${name}`), name);
  }
});
