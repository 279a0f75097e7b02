/** Conversations with the agent of a project, which asks a model: streamed, asked about, and with the words of files in mind. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { createSseParser } from "../../src/base/sse-parser.ts";
import type { ModelServer } from "../kit/model-server.ts";
import { type Heard, type Said, scriptedModel, serveScript } from "../kit/scripted-chat.ts";
import { type Json, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { decide } from "./kit/scout-run.ts";

let room: Room;
let hub: RunningHub;
let server: ModelServer;
let folder = "";
let script: (heard: Heard) => Said = () => ({ text: "Nothing to do." });

const profile = `about = "Helps in the garden."
instructions = "Keep the papers in order."
tools = ["fs.list", "fs.read", "fs.write", "questions.ask"]
ask = ["fs.write"]
`;

beforeAll(async () => {
  room = await createRoom();
  server = await serveScript((heard) => script(heard));
  hub = await startHub({ stateDir: room.stateDir });
  folder = await room.folder("garden", {
    "beds.md": "# Beds\n\nWater the beans.\n",
    ".arw/agents/helper.toml": profile,
  });
  const named = scriptedModel(server);
  for (const [request, body] of [
    [`PUT /models/servers/${named.server}`, { url: named.url }],
    ["PUT /models/roles/chat", { models: [named.model] }],
    ["POST /projects", { project: "garden", folder }],
  ] as const) {
    const answer = await hub.send(request, body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  }
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

/** Reads a stream to its end, and does with each item what the story says. */
async function say(
  path: string,
  body: object,
  onItem: (item: Json) => Promise<unknown> | undefined = () => undefined,
): Promise<readonly Json[]> {
  const response = await fetch(`${hub.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${hub.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(45_000),
  });
  assert.equal(response.status, 200);
  const parser = createSseParser();
  const found: Json[] = [];
  for await (const chunk of response.body ?? [])
    for (const frame of parser.push(chunk)) {
      const item = JSON.parse(frame.data);
      found.push(item);
      await onItem(item);
    }
  return found;
}

const begin = async (): Promise<string> => (await hub.post("/chat/conversations", { project: "garden" })).conversation;
const startedOf = async (episode: string): Promise<Json> =>
  (await hub.get(`/episodes/${episode}`)).story.find(({ kind }: Json) => kind === "agents.run.started").data;
const spoken = ({ messages }: Heard): number => {
  const last = messages.findLastIndex(({ role }) => role === "user");
  return messages.slice(last).filter(({ role }) => role === "assistant").length;
};

test("the only agent of a project answers, streamed as its model speaks, with the places that it read", async () => {
  script = (heard) =>
    spoken(heard) === 0
      ? { text: "I look.", calls: [{ name: "fs_read", arguments: { path: "beds.md" } }] }
      : { text: "The beans need water, see beds.md:3." };
  const conversation = await begin();
  const said = await say("/chat/send", { conversation, text: "What needs water?" });
  assert.equal(said[0].agent, "helper@garden");
  const text = said.flatMap((item) => (item.kind === "text" ? [item.text] : [])).join("");
  assert.equal(text, "I look.The beans need water, see beds.md:3.");
  const end = said.at(-1);
  assert.equal(end.kind, "end", JSON.stringify(end));
  assert.deepEqual([end.answer, end.isExtractive], ["The beans need water, see beds.md:3.", false]);
  assert.deepEqual(
    end.citations.map(({ path, line }: Json) => `${path}:${line}`),
    ["beds.md:3"],
  );
  assert.ok(end.spent.inputTokens > 0 && end.spent.outputTokens > 0);
});

test("a call that is asked about stands in the stream, and goes on with the answer of the person", async () => {
  script = (heard) =>
    spoken(heard) === 0
      ? { calls: [{ name: "fs_write", arguments: { path: "sum.md", text: "Beans.\n" } }] }
      : { text: "Written." };
  const conversation = await begin();
  const said = await say("/chat/send", { conversation, text: "Write it down" }, (item) =>
    item.kind === "approval" && item.state === "waiting" ? decide(hub, item.approvalId, "allow") : undefined,
  );
  assert.deepEqual(
    said.filter(({ kind }) => kind === "approval").map(({ state }) => state),
    ["waiting", "granted"],
  );
  assert.equal(said.at(-1).answer, "Written.");
  assert.equal(await readFile(join(folder, "sum.md"), "utf8"), "Beans.\n");
});

test("a question of the agent stands in the stream, and its answer is what the agent goes on with", async () => {
  script = (heard) =>
    spoken(heard) === 0
      ? { calls: [{ name: "questions_ask", arguments: { question: "Which bed?", options: ["North", "South"] } }] }
      : { text: `You said: ${heard.messages.at(-1)?.content.includes("South") ? "South" : "nothing"}` };
  const conversation = await begin();
  const said = await say("/chat/send", { conversation, text: "Plan a bed" }, (item) =>
    item.kind === "question" && item.state === "waiting"
      ? hub.post(`/questions/${item.questionId}/answer`, { text: "South" })
      : undefined,
  );
  assert.deepEqual(
    said.filter(({ kind }) => kind === "question").map(({ state }) => state),
    ["waiting", "answered"],
  );
  assert.equal(said.at(-1).answer, "You said: South");
});

test("what an answer took from files stays known as that in the answers after it", async () => {
  script = (heard) =>
    spoken(heard) === 0 && heard.messages.at(-1)?.content.includes("Read")
      ? { calls: [{ name: "fs_read", arguments: { path: "beds.md" } }] }
      : { text: "Water the beans." };
  const conversation = await begin();
  const first = await say("/chat/send", { conversation, text: "Read the beds" });
  const second = await say("/chat/send", { conversation, text: "Go on" });
  assert.equal(second.at(-1).kind, "end", JSON.stringify(second.at(-1)));
  assert.deepEqual((await startedOf(first[0].episode)).labels, ["user"]);
  const { labels, input } = await startedOf(second[0].episode);
  assert.ok(labels.includes("file"), JSON.stringify(labels));
  const turn = JSON.stringify(input);
  assert.ok(turn.includes("Read the beds") && turn.includes("Water the beans."), "and the history is told");
  const fresh = await say("/chat/send", { conversation, text: "Begin anew", parent: null });
  assert.deepEqual((await startedOf(fresh[0].episode)).labels, ["user"]);
});

test("a conversation may name who answers; an agent that is not there is told as the reason", async () => {
  const { conversation } = await hub.post("/chat/conversations", { project: "garden", agent: "answers" });
  const said = await say("/chat/send", { conversation, text: "What about beans?" });
  assert.deepEqual([said[0].agent, said.at(-1).isExtractive], ["answers", true]);
  const retried = await say("/chat/retry", { conversation, message: said[0].message, agent: "nobody@garden" });
  const { kind, status, code } = retried.at(-1);
  assert.deepEqual([kind, status, code], ["failed", "failed", "agents.unknown-agent"]);
});
