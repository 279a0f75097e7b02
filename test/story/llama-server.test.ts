/** The official client in front of a hub that asks a real llama-server, where this machine has one. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, test } from "vitest";
import { llamaProgram, type LlamaServer, noLlama, startLlama } from "../kit/llama-server.ts";
import { round, tinySays } from "../kit/tiny-model.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const program = llamaProgram();
const hi = [{ role: "user" as const, content: "hi" }];

if (program === null) test("llama-server", ({ skip }) => skip(noLlama));
else describe("llama-server behind /v1", () => onLlama(program));

function onLlama(path: string): void {
  let room: Room;
  let llama: LlamaServer;
  let hub: RunningHub;
  let client: OpenAI;
  let model = "";

  beforeAll(async () => {
    room = await createRoom();
    llama = await startLlama(path, "chat");
    hub = await startHub({ stateDir: room.stateDir });
    const server = `localhost:${llama.port}`;
    const added = await hub.send(`PUT /models/servers/${server}`, { kind: "llama-server" });
    assert.equal(added.status, 200, JSON.stringify(added.body));
    model = `${server}/tiny`;
    client = new OpenAI({ apiKey: hub.token, baseURL: `${hub.url}/v1`, maxRetries: 0 });
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await llama[Symbol.asyncDispose]();
    await room[Symbol.asyncDispose]();
  });

  test("the model is listed with its room, and chats as a whole and piece by piece", async () => {
    const { models } = await hub.get("/models");
    assert.deepEqual(
      models.map((each: { model: string; contextTokens: number }) => [each.model, each.contextTokens > 0]),
      [[model, true]],
    );
    const whole = await client.chat.completions.create({ model, messages: hi });
    assert.deepEqual([whole.choices[0]?.message.content, whole.choices[0]?.finish_reason], [tinySays, "stop"]);
    const stream = await client.chat.completions.create({
      model,
      messages: hi,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts: string[] = [];
    let total: number | undefined;
    for await (const part of stream) {
      texts.push(part.choices[0]?.delta.content ?? "");
      total = part.usage?.total_tokens ?? total;
    }
    assert.equal(texts.join(""), tinySays);
    assert.equal(total, whole.usage?.total_tokens);
    assert.ok((whole.usage?.completion_tokens ?? 0) > 10);
  });

  test("an answer has the form that was asked for, and a tool is called by its name", async () => {
    const place = { const: "Oslo" };
    const schema = { type: "object", properties: { city: place }, required: ["city"], additionalProperties: false };
    const formed = await client.chat.completions.create({
      model,
      messages: hi,
      max_tokens: 200,
      response_format: { type: "json_schema", json_schema: { name: "place", schema } },
    });
    assert.deepEqual(JSON.parse(formed.choices[0]?.message.content ?? ""), { city: "Oslo" });
    const called = await client.chat.completions.create({
      model,
      messages: hi,
      max_tokens: 200,
      tools: [{ type: "function", function: { name: "weather", description: "Tells it.", parameters: schema } }],
      tool_choice: "required",
    });
    const [call] = called.choices[0]?.message.tool_calls ?? [];
    assert.ok(call?.type === "function" && call.function.name === "weather");
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Oslo" });
  });

  test("completions and responses say the same; the limit of an answer is kept", async () => {
    const texts: string[] = [];
    for await (const part of await client.completions.create({ model, prompt: "hi", stream: true }))
      texts.push(part.choices[0]?.text ?? "");
    assert.equal(texts.join(""), tinySays);
    assert.equal((await client.responses.create({ model, input: "hi" })).output_text, tinySays);
    const prompt = round.join("");
    const cut = await client.completions.create({ model, prompt, max_tokens: 6 });
    assert.deepEqual(
      [cut.choices[0]?.text, cut.choices[0]?.finish_reason, cut.usage?.completion_tokens],
      [round.join("").repeat(3), "length", 6],
    );
  });

  test("whoever leaves ends the work of the server, and what it took is in the journal", async () => {
    const prompt = round.join("");
    const stream = await client.completions.create({ model, prompt, max_tokens: 1500, stream: true });
    for await (const _ of stream) break;
    await until("the server to be idle", async () => ((await llama.busy()) === 0 ? true : undefined));
    const askedOf = async (): Promise<readonly { readonly data: { code: string; outputTokens: number | null } }[]> =>
      (await hub.get("/events/journal?prefix=models.asked&limit=1000")).events;
    await until("the journal to have it", async () =>
      (await askedOf()).some(({ data }) => data.code === "arw.cancelled") ? true : undefined,
    );
    const whole = (await askedOf()).filter(({ data }) => data.code === "ok");
    assert.ok(whole.length > 5 && whole.every(({ data }) => (data.outputTokens ?? 0) > 0));
  });

  test("it cuts texts into its own tokens, and says what it was not started for", async () => {
    const cut = await hub.send("POST /models/tokenize", { model, text: "ab" });
    assert.deepEqual([cut.status, cut.body.tokens.length], [200, 2], JSON.stringify(cut.body));
    const vectors = await client.embeddings.create({ model, input: "beans" }).then(
      () => "ok",
      (error: unknown) => (error as { code: string }).code,
    );
    assert.equal(vectors, "models.not-able");
    const ranked = await hub.send("POST /models/rerank", { model, query: "a", documents: ["b"] });
    assert.equal(ranked.body.code, "models.not-able", JSON.stringify(ranked.body));
  });
}
