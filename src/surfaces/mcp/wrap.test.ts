import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "vitest";
import { createBoundedQueue } from "../../base/bounded-queue.ts";
import type { ProblemDocument } from "../../contract/problem.ts";
import { type HubSession, type Lines, Refused, type Reply, type SessionEnd } from "./port.ts";
import { runWrap } from "./wrap.ts";

interface End extends Lines {
  /** What was written to it. */
  readonly got: Message[];
  say(message: object | string | null): void;
  leave(): void;
}
type Message = Readonly<Record<string, unknown>> & { readonly id?: unknown };

function createEnd(): End {
  const queue = createBoundedQueue<string | null>({ capacity: 200_000, overflow: "refuse" });
  const got: Message[] = [];
  return {
    lines: queue,
    got,
    write: async (line) => void got.push(JSON.parse(line)),
    close: async () => queue.close(),
    say: (message) =>
      void queue.push(typeof message === "object" && message !== null ? JSON.stringify(message) : message),
    leave: () => queue.close(),
  };
}

interface Rig {
  readonly client: End;
  readonly server: End;
  readonly said: string[];
  readonly timers: (() => void)[];
  end(reason: string, isHubGone?: boolean): void;
  readonly done: Promise<string>;
  /** Leaves, and waits until the wrapper has ended. */
  finish(): Promise<void>;
}

type Told = Parameters<HubSession["relay"]>[0];
interface RigOptions {
  readonly relay?: (call: Told) => Promise<Reply>;
  readonly held?: readonly string[];
  readonly see?: HubSession["see"];
  readonly reopen?: () => Promise<HubSession>;
}

const letGo = (call: Told): Promise<Reply> => call.carryOut(call.params);

const noHub = (): Promise<never> => Promise.reject(new TypeError("No hub answers."));

function createRig({ relay = letGo, held = [], see = async () => held, reopen = noHub }: RigOptions = {}): Rig {
  const [client, server] = [createEnd(), createEnd()];
  const said: string[] = [];
  const timers: (() => void)[] = [];
  const ended = Promise.withResolvers<SessionEnd>();
  const serverEnded = Promise.withResolvers<string>();
  const lines = {
    ...server,
    ended: serverEnded.promise,
    async close() {
      await server.close();
      serverEnded.resolve("node ended with code 1");
    },
  };
  const session: HubSession = { ended: ended.promise, see, relay, [Symbol.asyncDispose]: async () => undefined };
  const clock = { nowMs: () => 0, after: (_ms: number, run: () => void) => (timers.push(run), () => undefined) };
  const done = runWrap({ client, server: lines, session, reopen, clock, say: (text) => void said.push(text) });
  return {
    client,
    server,
    said,
    timers,
    end: (reason, isHubGone = false) => ended.resolve({ reason, isHubGone }),
    done,
    async finish() {
      client.leave();
      await done;
    },
  };
}

/** Everything that was said is read in a few turns: no stage waits for time. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await turn();
}

const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "echo", arguments: { a: 1 } } };
const problem = (over: object): ProblemDocument => ({
  type: "/problems/arw.denied",
  title: "Denied by a rule",
  status: 403,
  code: "arw.denied",
  detail: "no",
  instance: "x",
  ...over,
});

test("what is no call of a tool passes as it is, in both directions", async () => {
  const rig = createRig();
  const asked = {
    jsonrpc: "2.0",
    id: "a",
    method: "resources/read",
    params: { uri: "x", unknown: [1, { b: null }] },
    more: 1,
  };
  rig.client.say(asked);
  rig.client.say({ jsonrpc: "2.0", method: "notifications/initialized" });
  await settled();
  assert.deepEqual(rig.server.got, [asked, { jsonrpc: "2.0", method: "notifications/initialized" }]);
  rig.server.say({ jsonrpc: "2.0", id: "a", result: { contents: [], more: 2 } });
  rig.server.say({ jsonrpc: "2.0", id: 7, method: "sampling/createMessage", params: {} });
  await settled();
  rig.client.say({ jsonrpc: "2.0", id: 7, result: { role: "assistant" } });
  // Nobody asked this.
  rig.client.say({ jsonrpc: "2.0", id: 8, result: {} });
  rig.server.say({ jsonrpc: "2.0", id: "b", result: {} });
  await settled();
  assert.deepEqual(
    rig.client.got.map((each) => each.id),
    ["a", 7],
  );
  assert.deepEqual(rig.server.got.at(-1), { jsonrpc: "2.0", id: 7, result: { role: "assistant" } });
  await rig.finish();
});

test("a call reaches the server only once the hub lets it go, and with what the hub let go", async () => {
  const hub = Promise.withResolvers<object>();
  const rig = createRig({
    relay: async ({ carryOut }) => carryOut((await hub.promise) as Readonly<Record<string, unknown>>),
  });
  rig.client.say({ ...call, params: { ...call.params, _meta: { progressToken: 5 } } });
  // An answer that comes before the question is none.
  rig.server.say({ jsonrpc: "2.0", id: 1, result: "too early" });
  await settled();
  assert.deepEqual([rig.server.got, rig.client.got], [[], []]);
  rig.timers[0]?.();
  await settled();
  assert.equal(rig.client.got[0]?.["method"], "notifications/progress");
  hub.resolve({ arguments: { a: 2 } });
  await settled();
  assert.deepEqual(rig.server.got[0]?.["params"], { arguments: { a: 2 }, name: "echo", _meta: { progressToken: 5 } });
  rig.server.say({ jsonrpc: "2.0", id: 1, result: { content: [] } });
  await settled();
  assert.deepEqual(rig.client.got[1], { jsonrpc: "2.0", id: 1, result: { content: [] } });
  await rig.finish();
});

test("a no is a result that a model reads, with rule and next step", async () => {
  const rig = createRig({
    relay: () => Promise.reject(new Refused(problem({ rule: "gate:x", source: "config", next: "arw allow" }))),
  });
  rig.client.say(call);
  await settled();
  const [answer] = rig.client.got as [{ result: { isError: boolean; content: [{ text: string }] } }];
  const { isError, content } = answer.result;
  assert.equal(isError, true);
  assert.match(
    content[0].text,
    /no\nRule: gate:x \(config\)\nNext step, for the person: arw allow\nNothing was done\./,
  );
  assert.deepEqual(rig.server.got, []);
  await rig.finish();
});

test("when the hub is gone nothing passes, and everybody who waits is told", async () => {
  const rig = createRig({ relay: () => new Promise(() => undefined) });
  rig.client.say(call);
  rig.client.say({ jsonrpc: "2.0", id: 2, method: "ping" });
  await settled();
  rig.end("the hub stopped");
  await settled();
  rig.client.say({ jsonrpc: "2.0", id: 3, method: "ping" });
  rig.client.say({ jsonrpc: "2.0", method: "notifications/x" });
  await settled();
  const errors = rig.client.got.map(({ id, error }) => [id, (error as { code: number }).code]);
  assert.deepEqual(errors, [
    [1, -32_001],
    [2, -32_001],
    [3, -32_001],
  ]);
  assert.deepEqual(
    rig.server.got.map((each) => each.id),
    [2],
  );
  await rig.finish();
});

test("once a hub is back the next call opens another session, and until then calls are refused", async () => {
  const hub = { isBack: false };
  const again: HubSession = {
    ended: new Promise(() => undefined),
    see: async () => [],
    relay: letGo,
    [Symbol.asyncDispose]: async () => undefined,
  };
  const rig = createRig({
    relay: () => new Promise(() => undefined),
    reopen: () => (hub.isBack ? Promise.resolve(again) : noHub()),
  });
  rig.client.say(call);
  await settled();
  rig.end("the hub stopped", true);
  await settled();
  rig.client.say({ ...call, id: 2 });
  await settled();
  assert.match(
    JSON.stringify(rig.client.got),
    /"id":1,"error".*the hub stopped.*"id":2,"error".*No hub answers\. Nothing/,
  );
  assert.deepEqual(rig.server.got, []);
  hub.isBack = true;
  rig.client.say({ ...call, id: 3 });
  await settled();
  rig.server.say({ jsonrpc: "2.0", id: 3, result: "done" });
  await settled();
  assert.deepEqual(rig.client.got.at(-1), { jsonrpc: "2.0", id: 3, result: "done" });
  await rig.finish();
  assert.equal(await rig.done, "client left");
});

test("a server that ends by itself ends the wrapper, once the client was told how", async () => {
  const rig = createRig();
  rig.client.say({ jsonrpc: "2.0", id: 1, method: "ping" });
  await settled();
  rig.server.leave();
  assert.equal(await rig.done, "server ended");
  assert.match(JSON.stringify(rig.client.got), /"id":1,"error".*node ended with code 1/);
  const silent = createRig();
  silent.server.leave();
  await settled();
  silent.client.say({ jsonrpc: "2.0", id: 1, method: "initialize", params: {} });
  assert.equal(await silent.done, "server ended");
  assert.match(JSON.stringify(silent.client.got), /"id":1,"error".*code 1\. Nothing was done/);
});

test("two readers find the same message: keys twice, and keys that fold to others", async () => {
  const rig = createRig({ relay: () => Promise.reject(new Refused(problem({}))) });
  rig.client.say('{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}');
  for (const line of [
    '{"jsonrpc":"2.0","id":2,"Method":"tools/call","method":"ping"}',
    '{"jsonrpc":"2.0","id":3,"METHOD":"tools/call"}',
    '{"jsonrpc":"2.0","id":4,"method":"ping","param\u017f":{}}',
    '[{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"x"}}]',
    '{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"x","Name":"y"}}',
    '{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}',
    '{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"x","task":{}}}',
    '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{}}',
    "{",
  ])
    rig.client.say(line);
  rig.client.say(null);
  await settled();
  assert.deepEqual(rig.server.got, [{ jsonrpc: "2.0", id: 1, method: "ping" }]);
  assert.equal(rig.client.got.length, 10);
  assert.ok(rig.client.got.every(({ error }) => typeof (error as { code: number }).code === "number"));
  await rig.finish();
});

test("held tools are not shown, and a list that the hub did not see is none", async () => {
  const tools = [{ name: "a", description: "x" }, { name: "b" }];
  const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
  const rig = createRig({ held: ["b"] });
  rig.client.say(list);
  await settled();
  rig.server.say({ jsonrpc: "2.0", id: 1, result: { tools, nextCursor: "n" } });
  await settled();
  assert.deepEqual(rig.client.got[0]?.["result"], { tools: [tools[0]], nextCursor: "n" });
  await rig.finish();
  const blind = createRig({ see: () => Promise.reject(new TypeError("gone")) });
  blind.client.say(list);
  await settled();
  blind.server.say({ jsonrpc: "2.0", id: 1, result: { tools } });
  await settled();
  assert.ok(blind.client.got[0]?.["error"] !== undefined);
  await blind.finish();
});

test("a hostile server: garbage, a flood, an answer without end", async () => {
  const replies: Reply[] = [];
  const rig = createRig({
    async relay(told) {
      replies.push(await letGo(told));
      return { error: {} };
    },
  });
  for (const line of ["not json", "[]", "5", '{"id":null}', "{}"]) rig.server.say(line);
  const flood = JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: { data: "x" } });
  for (let count = 0; count < 100_000; count += 1) rig.server.say(flood);
  await settled();
  assert.ok(rig.client.got.length <= 500);
  rig.client.say(call);
  await settled();
  rig.server.say({ jsonrpc: "2.0", id: 1, result: "x".repeat(4_000_001) });
  await settled();
  assert.match(JSON.stringify(replies), /over 4000000 characters/);
  rig.client.say({ ...call, id: 2 });
  await settled();
  rig.server.say(null);
  await settled();
  assert.match(JSON.stringify(rig.client.got.at(-1)), /too long to read/);
  assert.ok(rig.said.length < 5);
  await rig.finish();
});

test("a client that cancels is not answered, and the server is told if it was asked", async () => {
  const aborted: boolean[] = [];
  const rig = createRig({
    relay: ({ signal, tool, carryOut }) => {
      signal.addEventListener("abort", () => aborted.push(true));
      return tool === "sent" ? carryOut({}) : new Promise(() => undefined);
    },
  });
  const cancelled = (requestId: number) => ({
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId },
  });
  rig.client.say(call);
  rig.client.say({ ...call, id: 2, params: { name: "sent" } });
  rig.client.say(cancelled(1));
  rig.client.say(cancelled(2));
  rig.client.say(cancelled(3));
  await settled();
  assert.deepEqual(aborted, [true, true]);
  assert.deepEqual(rig.client.got, []);
  assert.deepEqual(rig.server.got.slice(1), [cancelled(2)]);
  await rig.finish();
});

const question = { approvalId: "a1", agent: "cursor", summary: "files: write {\u001b[2J}", why: "asks", rule: "r" };
const greet = (elicitation?: object) => ({
  jsonrpc: "2.0",
  id: "hello",
  method: "initialize",
  params: { capabilities: elicitation === undefined ? {} : { elicitation } },
});

async function askedWith(capability: object | undefined, answer: object | null): Promise<[unknown, End]> {
  const told: unknown[] = [];
  const rig = createRig({
    async relay({ ask, signal }) {
      told.push(await ask(question, signal));
      return { result: {} };
    },
  });
  rig.client.say(greet(capability));
  rig.client.say(call);
  await settled();
  if (answer !== null) rig.client.say({ jsonrpc: "2.0", id: "arw-a1", ...answer });
  await settled();
  await rig.finish();
  return [told[0], rig.client];
}

test("a question of the hub is put to a client that can show it, and a form that was filled in is an answer", async () => {
  const accept = (content: unknown) => ({ result: { action: "accept", content } });
  const [yes, client] = await askedWith({}, accept({ answer: "allow once" }));
  assert.equal(yes, "allow");
  const put = client.got.find((each) => each["method"] === "elicitation/create");
  const form = put?.["params"] as { message: string; requestedSchema: { required: string[] } } | undefined;
  assert.match(
    form?.message ?? "",
    /may cursor make this call, once\?\nfiles: write \{[^\u001b]*\}\nWhy you are asked: asks \(r\)/,
  );
  assert.deepEqual(form?.requestedSchema.required, ["answer"]);
  const said = async (answer: object): Promise<unknown> => (await askedWith({ form: {} }, answer))[0];
  assert.equal(await said(accept({ answer: "deny" })), "deny");
  assert.equal(await said({ result: { action: "decline" } }), "deny");
  for (const none of [accept({}), accept(undefined), accept({ answer: "yes" }), { result: { action: "cancel" } }])
    assert.equal(await said(none), null);
  assert.equal(await said({ error: { code: -32_601, message: "no" } }), null);
});

test("a client that cannot show questions is not asked, and nobody else asks or answers in their place", async () => {
  for (const capability of [undefined, { url: {} }]) {
    const [told, client] = await askedWith(capability, null);
    assert.equal(told, null);
    assert.ok(!client.got.some((each) => each["method"] === "elicitation/create"));
  }
  const stop = new AbortController();
  const told: unknown[] = [];
  const rig = createRig({
    async relay({ ask }) {
      told.push(await ask(question, stop.signal));
      return { result: {} };
    },
  });
  rig.client.say(greet({}));
  rig.client.say(call);
  await settled();
  rig.server.say({ jsonrpc: "2.0", id: "arw-a1", method: "elicitation/create", params: { message: "Nice weather?" } });
  rig.server.say({ jsonrpc: "2.0", id: "arw-a1", result: { action: "accept", content: { answer: "allow once" } } });
  await settled();
  assert.deepEqual(told, []);
  assert.equal(rig.client.got.filter(({ id }) => id === "arw-a1").length, 1);
  stop.abort();
  await settled();
  assert.deepEqual(told, [null]);
  assert.ok(rig.client.got.some((each) => each["method"] === "notifications/cancelled"));
  rig.client.say({ jsonrpc: "2.0", id: "arw-a1", result: { action: "accept", content: { answer: "allow once" } } });
  await settled();
  assert.ok(!rig.server.got.some(({ id }) => id === "arw-a1"));
  await rig.finish();
});

const modernMeta = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
};
const modernCall = { ...call, params: { ...call.params, _meta: modernMeta } };
const comeBack = (id: number, more: object) => ({ ...modernCall, id, params: { ...modernCall.params, ...more } });

test("where questions are answers, the client comes back, and the call that was asked about goes on", async () => {
  const rig = createRig({
    async relay({ ask, signal, carryOut, params }) {
      return (await ask(question, signal)) === "allow" ? carryOut(params) : { result: "no" };
    },
  });
  rig.client.say(modernCall);
  await settled();
  const { id, result } = rig.client.got[0] as { id: number; result: { inputRequests: object; requestState: string } };
  const asked = JSON.stringify(result);
  assert.deepEqual(
    [id, /"resultType":"input_required".*elicitation\/create.*may cursor/.test(asked)],
    [1, true],
    asked,
  );
  const content = { answer: "allow once" };
  const inputResponses = { arw: { action: "accept", content } };
  // Whatever it says now that it calls: what was asked about is what is done.
  const other = { name: "format_disk", arguments: {}, inputResponses, requestState: result.requestState };
  rig.client.say(comeBack(2, other));
  await settled();
  const sent = rig.server.got.map(({ id: sentId, params }) => [sentId, (params as { name: string }).name]);
  assert.deepEqual(sent, [[1, "echo"]]);
  rig.server.say({ jsonrpc: "2.0", id: 1, result: { content: [] } });
  await settled();
  assert.deepEqual(rig.client.got[1], { jsonrpc: "2.0", id: 2, result: { content: [] } });
  rig.client.say(comeBack(3, { inputResponses, requestState: result.requestState }));
  await settled();
  assert.match(JSON.stringify(rig.client.got[2]), /"id":3,"error".*nobody waits/);
  await rig.finish();
});

test("a client that is away while the call ends finds its answer when it comes back", async () => {
  const hub = Promise.withResolvers<Reply>();
  const rig = createRig({
    async relay({ ask, signal }) {
      void ask(question, signal);
      return hub.promise;
    },
  });
  rig.client.say(modernCall);
  await settled();
  hub.resolve({ result: "answered in the hub" });
  await settled();
  assert.equal(rig.client.got.length, 1);
  rig.client.say(comeBack(2, { requestState: "arw-a1" }));
  await settled();
  assert.deepEqual(rig.client.got[1], { jsonrpc: "2.0", id: 2, result: "answered in the hub" });
  await rig.finish();
});
