import assert from "node:assert/strict";
import { test } from "vitest";
import { createAnswerFeed, type LiveAnswer, withItem } from "./answer-feed.ts";
import type { StreamItem } from "./chat-api.ts";

const started: StreamItem = {
  kind: "started",
  conversation: "c",
  message: "m",
  question: "q",
  episode: "m",
  agent: "answers",
};
const step = (number: number, state: "proposed" | "done"): StreamItem => ({
  kind: "tool",
  position: number,
  step: number,
  tool: "fs.read",
  summary: `Read ${number}`,
  state,
});
const failed: StreamItem = { kind: "failed", message: "m", status: "cancelled", code: "x", reason: "stopped" };
const from = (...items: readonly StreamItem[]): LiveAnswer =>
  items.reduce<LiveAnswer>(withItem, { message: null, parts: [], phase: "beginning" });

test("text runs together, a step is one line however often it is told, and a question stands once", () => {
  const asked: StreamItem = { kind: "approval", position: 3, approvalId: "a", state: "waiting" };
  const { parts } = from(
    started,
    { kind: "text", text: "I " },
    { kind: "text", text: "look" },
    step(1, "proposed"),
    asked,
    { ...asked, state: "granted" },
    step(1, "done"),
    { kind: "text", text: "Done" },
  );
  assert.deepEqual(
    parts.map((part) => (part.kind === "text" ? part.text : part.kind === "tool" ? part.state : part.id)),
    ["I look", "done", "a", "Done"],
  );
});

test("a reading that begins anew forgets what the broken one held, and the end is the end", () => {
  assert.deepEqual(from(started, { kind: "text", text: "half" }, started), {
    message: "m",
    parts: [],
    phase: "coming",
  });
  assert.equal(from(started, failed).phase, "over");
});

const streamOf = (...items: readonly StreamItem[]): Response =>
  new Response(items.map((item) => `data: ${JSON.stringify(item)}\n\n`).join(""));

function makeFeed(followed: readonly Response[]) {
  const left = [...followed];
  const turns: string[] = [];
  const feed = createAnswerFeed({
    notifier: { now: () => 0, after: (_delayMs, run) => queueMicrotask(run), isHidden: () => false },
    pause: () => Promise.resolve(),
    openFollow: async () => left.shift() ?? streamOf(started, failed),
    onTurn: () => turns.push(feed.now()?.phase ?? "none"),
  });
  const over = (): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (feed.now()?.phase === "over" && resolve());
      feed.subscribe(look);
      look();
    });
  return { feed, turns, over };
}

test("a stream that breaks in the middle is taken up again until the answer is over", async () => {
  const { feed, turns, over } = makeFeed([streamOf(), streamOf(started, step(1, "done"), failed)]);
  await feed.ask(async () => streamOf(started, { kind: "text", text: "half" }));
  await over();
  assert.deepEqual(
    feed.now()?.parts.map(({ kind }) => kind),
    ["tool"],
  );
  assert.deepEqual(turns, ["beginning", "coming", "broken", "coming", "over"]);
});

test("what the hub refuses never began", async () => {
  const { feed, turns } = makeFeed([]);
  await assert.rejects(feed.ask(() => Promise.reject(new TypeError("refused"))));
  assert.equal(feed.now(), null);
  assert.deepEqual(turns, ["beginning", "none"]);
});

test("a refusal that comes behind the head is one as well, with the hub's words; an empty stream is none that answers", async () => {
  const problem = { status: 413, title: "Too much", detail: "It is too large." };
  const said = new Response(`event: problem\ndata: ${JSON.stringify(problem)}\n\n`);
  const { feed, turns } = makeFeed([]);
  await assert.rejects(
    feed.ask(async () => said),
    { status: 413, message: "It is too large." },
  );
  await assert.rejects(
    feed.ask(async () => streamOf()),
    { status: 0 },
  );
  assert.equal(feed.now(), null);
  assert.deepEqual(turns, ["beginning", "none", "beginning", "none"]);
});
