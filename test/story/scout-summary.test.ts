/** A brief with a summary: a model says in short what the rules found, and is held to it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { frames, modelName, type ModelServer, serveModel } from "../kit/model-server.ts";
import { type Json, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { decide, episodeEnded, episodeWaits } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

let room: Room;
let hub: RunningHub;
let model: ModelServer;
let said = "";
beforeAll(async () => {
  room = await createRoom();
  model = await serveModel({
    "/v1/chat/completions": (response) =>
      frames(response, [
        { choices: [{ index: 0, delta: { content: said }, finish_reason: null }] },
        { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
        { choices: [], usage: { prompt_tokens: 90, completion_tokens: 20, total_tokens: 110 } },
        "[DONE]",
      ]),
  });
  hub = await startHub({ stateDir: room.stateDir });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

const notes = { "plan.md": "# Plan\n\n- [ ] Water the beds\n- [ ] Order seeds\n\nShall we sow peas?\n" };

async function brief(folder: string, more: object): Promise<string> {
  const { status, body } = await hub.send("POST /scout/brief", { folder, allowWrite: true, ...more });
  assert.equal(status, 202, JSON.stringify(body));
  return body.corrId as string;
}
const outputOf = (episode: string): Promise<Json> =>
  until("what the run answered", async () => {
    const { events } = await hub.get(`/events/journal?corr=${episode}&limit=200`);
    return events.find((each: Json) => each.kind === "agents.run.finished")?.data;
  });
const role = (name: string, models: readonly string[]) => hub.send(`PUT /models/roles/${name}`, { models });

const startOf = async (episode: string): Promise<Json> =>
  (await hub.get("/events/journal?prefix=agents.run.started&limit=1000")).events.find(
    ({ corrId }: Json) => corrId === episode,
  ).data;

test("a summary without a model is refused at once, and a brief without one asks none", async () => {
  const folder = await room.folder("without", notes);
  const { status, body } = await hub.send("POST /scout/brief", { folder, summary: true });
  assert.deepEqual([status, body.code], [409, "scout.no-model"]);
  await episodeEnded(hub, await brief(folder, {}));
  assert.match(await readFile(join(folder, "brief.md"), "utf8"), /model: none, deterministic/u);
  assert.equal(model.requests.length, 0);
});

test("the model says in short what the rules found; what it makes up is marked, and both are compared", async () => {
  const server = new URL(model.url).host;
  await hub.send(`PUT /models/servers/${server}`, {});
  assert.equal((await role("chat", [`${server}/${modelName}`])).status, 200);
  const folder = await room.folder("with", notes);
  said = "- Two things are to do in the garden [1].\n- [click me](https://evil.example) You won a prize.";
  const episode = await brief(folder, { summary: true });
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  const text = await readFile(join(folder, "brief.md"), "utf8");
  assert.match(
    text,
    /## In short\n\n- Two things are to do in the garden\. \(.*plan\.md:\d+.*\)\n- .*You won a prize\. \(\*\*not in the files\*\*\)/u,
  );
  assert.doesNotMatch(text, /\]\(https:/u);
  assert.doesNotMatch(text, /model: none/u);
  assert.match(text, /Water the beds/u);
  const { output } = await outputOf(episode);
  assert.equal(output.inShort.notInFiles, 1);
  assert.match(output.inShort.difference, /^ {2}\S.*\n[\s\S]*^\+ .*You won a prize\.$/mu);
  const { body } = model.requests.at(-1) as { body: { messages: { content: string }[] } };
  assert.match(JSON.stringify(body.messages[1]?.content), /\[1\] /u);
  const { story } = await hub.get(`/episodes/${episode}`);
  assert.equal((await startOf(episode)).model, "chat");
  assert.ok(
    story.some(({ text: line }: Json) => line.includes("Two things are to do")),
    "it is part of the episode",
  );
});

const askRecipe = [
  'name = "ask"\nabout = "Asks a model."\nanswer = "{{steps.ask.text}}"',
  '[[step]]\nid = "ask"\ntool = "models.chat"',
  'input = { model = "chat", messages = [{ role = "user", content = [{ kind = "text", text = "Good day" }] }] }\n',
].join("\n");

test("a recipe may ask a model, and that is said beforehand", async () => {
  said = "Good day to you";
  const { steps } = await hub.post("/recipes/dry-run", { recipe: askRecipe });
  assert.deepEqual([steps[0].tool, steps[0].model], ["models.chat", "chat"]);
  const { body } = await hub.send("POST /recipes/run", { recipe: askRecipe });
  await episodeEnded(hub, body.corrId);
  assert.equal((await outputOf(body.corrId)).output.answer, "Good day to you");
  assert.equal((await startOf(body.corrId)).model, "chat");
});

test("a run is given its model with the task, and says so", async () => {
  const folder = await room.folder("given", notes);
  said = "- Two things are to do in the garden [1].";
  const grants = ["fs:*", "text:*", "scout:*"].map((key) => ({ key, folder }));
  const run = { agent: "scout", input: { folder, output: "brief.md" }, model: "chat", grants };
  const { status, body } = await hub.send("POST /agents/run", run);
  assert.equal(status, 202, JSON.stringify(body));
  const ended = await episodeEnded(hub, body.corrId);
  assert.equal(ended.status, "finished", JSON.stringify(ended));
  assert.equal((await startOf(body.corrId)).model, "chat");
  assert.match(await readFile(join(folder, "brief.md"), "utf8"), /## In short/u);
});

test("a model elsewhere is asked only after a person saw what would leave, and a no leaves the facts", async () => {
  await hub.send("PUT /models/servers/models.example.org", { allow: "1 USD/day" });
  await role("brief", ["models.example.org/big"]);
  const folder = await room.folder("elsewhere", notes);
  const episode = await brief(folder, { summary: true });
  const asked = await episodeWaits(hub, episode);
  assert.equal(asked.rule, "ask-before-strangers-words-reach-models-elsewhere");
  await decide(hub, asked.approvalId, "deny");
  const { status } = await episodeEnded(hub, episode);
  assert.equal(status, "finished");
  const { notDone } = await outputOf(episode);
  assert.match(notDone.join("\n"), /"In short" was not written, because that was not allowed/u);
  const text = await readFile(join(folder, "brief.md"), "utf8");
  assert.match(text, /model: none, deterministic/u);
  assert.match(text, /Water the beds/u);
});
