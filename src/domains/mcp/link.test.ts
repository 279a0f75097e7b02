import assert from "node:assert/strict";
import { test } from "vitest";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { isProblem } from "../../contract/problem.ts";
import { createLink } from "./link.ts";
import type { LineServer } from "./port.ts";

interface Sent {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly error?: object;
}

/** A program that answers what the test says, and ends when it is told to. */
function fakeServer(answer: (message: Sent, say: (line: string | null) => void, end: (how: string) => void) => void) {
  const lines: (string | null)[] = [];
  const ended = Promise.withResolvers<string>();
  const sent: Sent[] = [];
  let wake = Promise.withResolvers<void>();
  let isOver = false;
  const end = (how: string): void => {
    isOver = true;
    ended.resolve(how);
    wake.resolve();
  };
  const say = (line: string | null): void => {
    lines.push(line);
    wake.resolve();
  };
  async function* read() {
    for (;;) {
      while (lines.length > 0) yield lines.shift() as string | null;
      if (isOver) return;
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  }
  const server: LineServer = {
    lines: read(),
    ended: ended.promise,
    write(line) {
      const message = JSON.parse(line) as Sent;
      sent.push(message);
      answer(message, say, end);
      return Promise.resolve();
    },
    close: () => Promise.resolve(end("it was closed")),
  };
  return { server, sent, say };
}

const linkTo = (fake: ReturnType<typeof fakeServer>, onToolsChanged = (): void => undefined) =>
  createLink({ name: "far", server: fake.server, clock: createManualClock(0), onToolsChanged });
const never = new AbortController().signal;
const failed = (words: RegExp) => (error: unknown) =>
  isProblem(error) && error.definition.code === "mcp.server-failed" && words.test(error.message);
const result = (id: unknown, value: unknown): string => JSON.stringify({ jsonrpc: "2.0", id, result: value });

test("answers find their questions in any order, and what nobody asked answers nothing", async () => {
  const held: Sent[] = [];
  const fake = fakeServer((message, say) => {
    held.push(message);
    if (held.length < 2) return;
    say(result(99, "forged"));
    say(result("1", "forged"));
    say("no json");
    for (const { id, method } of held.toReversed()) say(result(id, method));
  });
  const link = linkTo(fake);
  const both = await Promise.all([link.request("a", {}, never), link.request("b", {}, never)]);
  assert.deepEqual(both, [{ result: "a" }, { result: "b" }]);
});

test("a server is lent no model, folder or person, and is told so", async () => {
  let changes = 0;
  const fake = fakeServer(() => undefined);
  linkTo(fake, () => (changes += 1));
  fake.say('{"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage"}');
  fake.say('{"jsonrpc":"2.0","id":2,"method":"ping"}');
  fake.say('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    fake.sent.map(({ id, error }) => [id, error !== undefined]),
    [
      ["s1", true],
      [2, false],
    ],
  );
  assert.equal(changes, 1);
});

test("a server that ends, floods, or says too much at once is ended, and whoever waits is told why", async () => {
  const crash = linkTo(fakeServer((_message, _say, end) => end("far ended with code 1: no such file")));
  await assert.rejects(crash.request("a", {}, never), failed(/ended with code 1: no such file/));
  assert.equal(crash.isOpen, false);
  await assert.rejects(crash.request("a", {}, never), failed(/ended with code 1/));
  const long = linkTo(fakeServer((_message, say) => say(null)));
  await assert.rejects(long.request("a", {}, never), failed(/too long to read/));
  const flood = fakeServer((_message, say) => {
    for (let at = 0; at < 600; at += 1) say('{"jsonrpc":"2.0","method":"notifications/message"}');
  });
  await assert.rejects(linkTo(flood).request("a", {}, never), failed(/over 500 messages within a second/));
});

test("whoever leaves is not waited for, and the server hears of it", async () => {
  const fake = fakeServer(() => undefined);
  const stop = new AbortController();
  const asked = linkTo(fake).request("tools/call", {}, stop.signal);
  stop.abort(new RangeError("left"));
  await assert.rejects(asked, /left/);
  assert.deepEqual(fake.sent[1], {
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: 1 },
  });
});
