import assert from "node:assert/strict";
import { test } from "vitest";
import { op } from "../../contract/operation.ts";
import { closed, Type } from "../../contract/schema.ts";
import { mcpTool } from "../spec/mcp-tools.ts";
import { readMessage } from "./messages.ts";
import { Refused } from "./port.ts";
import { serveLines } from "./stdio.ts";
import { answerMessage, type Called, personRefused, type ServeParts } from "./serve.ts";

const read = op({
  id: "notes.read",
  http: "GET /notes",
  effect: "read",
  isTool: true,
  about: "Read a note.",
  input: closed({ name: Type.String() }),
  output: closed({ text: Type.String() }),
});

const parts = (call: ServeParts["call"]): ServeParts => ({
  tools: [{ operationId: read.id, isStream: false, tool: mcpTool(read) }],
  version: "1.2.3",
  timer: { after: (_delayMs, run) => (timers.push(run), () => undefined) },
  call,
});
/** What waits for its time, set off by hand. */
const timers: (() => void)[] = [];
const answers = (called: Called) => parts(() => Promise.resolve(called));

async function ask(method: string, params: object, to: ServeParts = answers({ kind: "answer", output: {} })) {
  const line = await answerMessage(readMessage(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })), to);
  return JSON.parse(line ?? "null") as { result: Record<string, unknown>; error: { code: number } };
}

const modern = {
  _meta: {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  },
};

test("the handshake agrees on a revision that both know, or on the newest", async () => {
  for (const [wanted, agreed] of [
    ["2025-06-18", "2025-06-18"],
    ["2025-11-25", "2025-11-25"],
    ["2099-01-01", "2025-11-25"],
  ])
    assert.equal((await ask("initialize", { protocolVersion: wanted })).result["protocolVersion"], agreed);
  assert.equal(
    await answerMessage(
      readMessage('{"jsonrpc":"2.0","method":"notifications/initialized"}'),
      answers({ kind: "answer", output: {} }),
    ),
    null,
  );
});

test("from 2026-07-28 on each request names its revision, and each answer who gives it", async () => {
  const { result } = await ask("server/discover", modern);
  assert.deepEqual([result["supportedVersions"], result["resultType"]], [["2026-07-28"], "complete"]);
  assert.deepEqual(result["_meta"], {
    "io.modelcontextprotocol/serverInfo": { name: "arw", title: "ARW", version: "1.2.3" },
  });
  const { result: list } = await ask("tools/list", modern);
  assert.deepEqual([list["cacheScope"], (list["tools"] as { name: string }[])[0]?.name], ["private", "notes_read"]);
  const unknown = { _meta: { "io.modelcontextprotocol/protocolVersion": "2031-01-01" } };
  assert.equal((await ask("tools/list", unknown)).error.code, -32_022);
  const mute = { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } };
  assert.equal((await ask("tools/list", mute)).error.code, -32_602);
  assert.equal((await ask("ping", modern)).error.code, -32_601);
});

test("a call is an operation of the table, and what it comes to is told in the protocol's words", async () => {
  const calls: unknown[] = [];
  const answer = parts(async (...given) => {
    calls.push(given);
    return { kind: "answer", output: { text: "hi" } };
  });
  const call = { name: "notes_read", arguments: { name: "a" } };
  assert.deepEqual((await ask("tools/call", call, answer)).result, {
    content: [{ type: "text", text: '{"text":"hi"}' }],
    structuredContent: { text: "hi" },
  });
  assert.deepEqual(
    calls.map((each) => (each as unknown[]).slice(0, 2)),
    [["notes.read", { name: "a" }]],
  );
  const held = await ask("tools/call", call, answers({ kind: "held", approvalId: "x" }));
  assert.equal(held.result["isError"], true);
  const queued = await ask("tools/call", call, answers({ kind: "accepted", taskId: "t1" }));
  assert.match(JSON.stringify(queued.result), /t1 is queued/);
  const refused = await ask(
    "tools/call",
    call,
    parts(() => Promise.reject(new Refused(personRefused("person:admin")))),
  );
  assert.match(JSON.stringify(refused.result), /isError.*arw token create/);
});

test("what is not there is said so", async () => {
  assert.equal((await ask("tools/call", { name: "notes_burn" })).error.code, -32_602);
  assert.equal((await ask("tools/call", { name: "notes_read", arguments: [] })).error.code, -32_602);
  assert.equal((await ask("resources/list", {})).error.code, -32_601);
  assert.equal((await ask("tools/list", { cursor: "2" })).error.code, -32_602);
});

test("whoever gave a token hears of each item of a stream", async () => {
  const told: string[] = [];
  const call: ServeParts["call"] = (_id, _input, { onItem }) => {
    onItem();
    onItem();
    return Promise.resolve({ kind: "items", items: [1, 2] });
  };
  const params = { name: "notes_read", arguments: {}, _meta: { progressToken: "t" } };
  const message = readMessage(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }));
  await answerMessage(message, parts(call), { tell: (text) => void told.push(text) });
  assert.deepEqual(
    told.map((text) => (JSON.parse(text) as { params: unknown }).params),
    [1, 2].map((progress) => ({ progressToken: "t", progress })),
  );
});

test("a call over lines that is taken back is aborted and not answered", async () => {
  const written: string[] = [];
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const call: ServeParts["call"] = (_id, _input, { signal }) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => {
        ended.resolve();
        reject(new RangeError("taken back"));
      });
      begun.resolve();
    });
  async function* lines() {
    yield '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"notes_read"}}';
    await begun.promise;
    yield '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}';
    await ended.promise;
    yield '{"jsonrpc":"2.0","id":8,"method":"ping"}';
  }
  const write = (line: string): Promise<void> => Promise.resolve(void written.push(line));
  await serveLines({ lines: lines(), write, close: () => Promise.resolve() }, parts(call));
  assert.deepEqual(written, ['{"jsonrpc":"2.0","id":8,"result":{}}']);
});

test("a client that gave a token hears that its call still waits, until it is answered", async () => {
  const answer = Promise.withResolvers<Called>();
  const told: string[] = [];
  const request = { jsonrpc: "2.0", id: 1, method: "tools/call" };
  const asking = (_meta: object) =>
    answerMessage(
      readMessage(JSON.stringify({ ...request, params: { name: "notes_read", arguments: { name: "a" }, _meta } })),
      parts(() => answer.promise),
      { tell: (text) => void told.push(text) },
    );
  timers.length = 0;
  const calls = [asking({ progressToken: "t" }), asking({})];
  assert.equal(timers.length, 1);
  timers[0]?.();
  timers[1]?.();
  const heard = told.map((text) => (JSON.parse(text) as { params: { progress: number; message: string } }).params);
  assert.ok((heard[1]?.progress ?? 0) > (heard[0]?.progress ?? 1));
  assert.match(heard[0]?.message ?? "", /a person is asked/);
  answer.resolve({ kind: "answer", output: { text: "x" } });
  await Promise.all(calls);
});
