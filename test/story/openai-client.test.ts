/** The official client of the OpenAI protocol, unchanged, in front of a hub that asks a model server on this machine. */
import assert from "node:assert/strict";
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from "openai";
import { afterAll, beforeAll, describe, test } from "vitest";
import { frames, json, type ModelServer, modelName, serveModel } from "../kit/model-server.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { until } from "./kit/until.ts";

let room: Room;
let hub: RunningHub;
let server: ModelServer;
let client: OpenAI;
let model = "";
/** What the server is told to do next, beside what it does on its own. */
let next: "ordinary" | "busy" | "broken" | "plain" | "endless" | "slow" = "ordinary";
/** Lets a slow server say the rest. */
let goOn: () => void = () => undefined;

const chunk = (delta: object, finish: string | null = null): object => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
});

beforeAll(async () => {
  room = await createRoom();
  server = await serveModel({
    "/v1/chat/completions": (response, body) => {
      if (next === "busy") {
        response.setHeader("retry-after", "7");
        return json(response, { error: { message: "slow down" } }, 429);
      }
      if (next === "broken") {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(`data: ${JSON.stringify(chunk({ content: "half" }))}\n\n`, () => response.destroy());
        return undefined;
      }
      if (next === "endless")
        return frames(
          response,
          Array.from({ length: 2000 }, () => chunk({ content: "more ".repeat(9) })),
        );
      if (next === "slow") {
        const rest = Promise.withResolvers<void>();
        goOn = rest.resolve;
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(`data: ${JSON.stringify(chunk({ content: "half" }))}\n\n`);
        return rest.promise.then(
          () => void response.end(`data: ${JSON.stringify(chunk({ content: " and the rest" }))}\n\n`),
        );
      }
      if (next === "plain") {
        const message = { content: JSON.stringify({ city: "Oslo" }) };
        return json(response, { choices: [{ message, finish_reason: "stop" }] });
      }
      if (body["tools"] !== undefined) {
        const call = { index: 0, id: "call_1", type: "function", function: { name: "weather", arguments: "" } };
        return frames(response, [
          chunk({ tool_calls: [call] }),
          chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":"Oslo"}' } }] }),
          chunk({}, "tool_calls"),
          { choices: [], usage: { prompt_tokens: 9, completion_tokens: 4 } },
          "[DONE]",
        ]);
      }
      return frames(response, [
        chunk({ role: "assistant", content: "Hel" }),
        chunk({ content: "lo 🌱" }),
        chunk({}, "stop"),
        { choices: [], usage: { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 3 } } },
        "[DONE]",
      ]);
    },
  });
  hub = await startHub({ stateDir: room.stateDir });
  const at = new URL(server.url).host.replace("127.0.0.1", "localhost");
  const added = await hub.send(`PUT /models/servers/${at}`, { url: server.url.replace("127.0.0.1", "localhost") });
  assert.equal(added.status, 200, JSON.stringify(added.body));
  model = `${at}/${modelName}`;
  client = new OpenAI({ apiKey: hub.token, baseURL: `${hub.url}/v1`, maxRetries: 0 });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

const lastSent = <T>(): T => server.requests.at(-1)?.body as T;
const hi = [{ role: "user" as const, content: "hi" }];
const weather = {
  type: "function" as const,
  function: { name: "weather", description: "Tells the weather.", parameters: { type: "object", properties: {} } },
};

describe("chats", () => {
  test("an answer as a whole, with what it took", async () => {
    const answer = await client.chat.completions.create({ model, messages: hi, user: "ada", store: true });
    assert.equal(answer.choices[0]?.message.content, "Hello 🌱");
    assert.deepEqual(
      [answer.object, answer.model, answer.choices[0]?.finish_reason, answer.usage?.total_tokens],
      ["chat.completion", model, "stop", 13],
    );
    assert.equal(answer.usage?.prompt_tokens_details?.cached_tokens, 3);
  });

  test("piece by piece, with usage when it is asked for", async () => {
    const stream = await client.chat.completions.create({
      model,
      messages: hi,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts: string[] = [];
    let total = 0;
    for await (const part of stream) {
      texts.push(part.choices[0]?.delta.content ?? "");
      total = part.usage?.total_tokens ?? total;
    }
    assert.deepEqual([texts.join(""), total], ["Hello 🌱", 13]);
  });

  test("tools, over both ways, and their answers back", async () => {
    const messages = [
      ...hi,
      {
        role: "assistant" as const,
        content: null,
        tool_calls: [{ id: "a", type: "function" as const, function: { name: "weather", arguments: "{}" } }],
      },
      { role: "tool" as const, tool_call_id: "a", content: "sun" },
    ];
    const whole = await client.chat.completions.create({ model, messages, tools: [weather] });
    const [call] = whole.choices[0]?.message.tool_calls ?? [];
    assert.deepEqual(call?.type === "function" ? call.function : null, {
      name: "weather",
      arguments: '{"city":"Oslo"}',
    });
    assert.equal(whole.choices[0]?.finish_reason, "tool_calls");
    const streamed = await client.chat.completions.stream({ model, messages, tools: [weather] }).finalChatCompletion();
    const [again] = streamed.choices[0]?.message.tool_calls ?? [];
    assert.deepEqual(again?.type === "function" ? again.function.arguments : null, '{"city":"Oslo"}');
    assert.deepEqual(lastSent<{ messages: unknown[] }>().messages.at(-1), {
      role: "tool",
      content: "sun",
      tool_call_id: "a",
    });
  });

  test("a schema for the answer reaches the server", async () => {
    next = "plain";
    const answer = await client.chat.completions.create({
      model,
      messages: hi,
      response_format: { type: "json_schema", json_schema: { name: "place", schema: { type: "object" } } },
    });
    next = "ordinary";
    assert.deepEqual(JSON.parse(answer.choices[0]?.message.content ?? ""), { city: "Oslo" });
    assert.equal(lastSent<{ response_format: { type: string } }>().response_format.type, "json_schema");
  });
});

describe("refusals", () => {
  const refused = async (call: Promise<unknown>): Promise<APIError> => {
    const error: unknown = await call.then(
      () => null,
      (fault: unknown) => fault,
    );
    assert.ok(error instanceof APIError, String(error));
    return error;
  };
  const ask = (more: object = {}) => client.chat.completions.create({ model, messages: hi, ...more });

  test("each has a code, a kind and words", async () => {
    const unknown = await refused(ask({ model: "localhost:1/x" }));
    assert.deepEqual([unknown.status, unknown.code, unknown.type], [404, "models.no-such-model", "not_found_error"]);
    assert.ok(unknown instanceof NotFoundError);
    const many = await refused(ask({ n: 2 }));
    assert.deepEqual([many.status, many.param, many instanceof BadRequestError], [400, "n", true]);
    const shape = await refused(ask({ messages: [{ role: "wizard", content: "x" }] }));
    assert.equal(shape.param, "messages[0].role");
    const stranger = new OpenAI({ apiKey: "wrong", baseURL: `${hub.url}/v1`, maxRetries: 0 });
    const outside = await refused(stranger.models.list());
    assert.deepEqual([outside.status, outside.type], [401, "authentication_error"]);
    assert.ok(outside instanceof AuthenticationError);
  });

  test("a busy server is told as busy, and one that breaks off as broken, after what had come", async () => {
    next = "busy";
    const busy = await refused(ask());
    assert.deepEqual([busy.status, busy.code, busy instanceof RateLimitError], [429, "models.busy", true]);
    assert.equal(busy.headers?.get("retry-after"), "7");
    assert.match(busy.message, /a limit of the model server itself is reached: slow down/u);
    await hub.send("PUT /models/roles/hurried", { models: [model] });
    for (const stream of [false, true]) {
      const role = await refused(client.chat.completions.create({ model: "hurried", messages: hi, stream }));
      assert.deepEqual([role.status, role.code, role.type], [429, "models.role-failed", "rate_limit_error"]);
      assert.equal(role.headers?.get("retry-after"), "7");
      assert.match(role.message, /a limit of the model server itself/u);
    }
    await hub.send("DELETE /models/roles/hurried");
    next = "broken";
    const texts: string[] = [];
    const broken = await refused(
      (async () => {
        for await (const part of await client.chat.completions.create({ model, messages: hi, stream: true }))
          texts.push(part.choices[0]?.delta.content ?? "");
      })(),
    );
    next = "ordinary";
    assert.equal(texts.join(""), "half");
    assert.match(String(broken.code), /^(models\.bad-answer|egress\.not-reached)$/);
  });

  test("a token of an agent is held to its rules and allowances", async () => {
    const made = await hub.send("POST /access/tokens", { name: "shell-agent", role: "agent", key: ["*"] });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const agent = new OpenAI({ apiKey: made.body.token, baseURL: `${hub.url}/v1`, maxRetries: 0 });
    assert.equal((await agent.chat.completions.create({ model, messages: hi })).choices.length, 1);
    await hub.send("POST /budgets/allow", { allowance: ["20 tokens/day", "models.*"] });
    const spent = await refused(agent.chat.completions.create({ model, messages: hi, max_tokens: 50 }));
    assert.deepEqual([spent.status, spent.code, spent.type], [429, "arw.budget-exceeded", "rate_limit_error"]);
    assert.ok(spent instanceof RateLimitError);
    // It never fits, so there is no moment to come again at.
    assert.equal(spent.headers?.get("retry-after"), null);
    const { allowances } = await hub.get("/budgets");
    await hub.send(`DELETE /budgets/${allowances[0].allowanceId}`);
  });
});

describe("a budget", () => {
  test("that has room again later says when, so that the client waits as long", async () => {
    const allowed = await hub.send("POST /budgets/allow", { allowance: ["150 tokens/day", "models.*"] });
    const ask = (tokensMax: number) =>
      client.chat.completions.create({ model, messages: hi, max_tokens: tokensMax, stream: true });
    for await (const _ of await ask(20)) continue;
    const left = async (): Promise<boolean> =>
      (await hub.get("/budgets")).allowances.every((each: { used: number }) => each.used === 13);
    await until("what was set aside to be given back", async () => ((await left()) ? true : undefined));
    const refused: unknown = await ask(48).then(
      () => null,
      (error: unknown) => error,
    );
    assert.ok(refused instanceof RateLimitError, String(refused));
    const retryAfterS = Number(refused.headers?.get("retry-after"));
    assert.ok(retryAfterS > 0 && retryAfterS <= 86_400, String(retryAfterS));
    await hub.send(`DELETE /budgets/${allowed.body.allowanceId}`);
  });
});

describe("a stream that may not go on", () => {
  const streamed = async (more: object = {}) => {
    const texts: string[] = [];
    let finish: string | null | undefined = null;
    let total: number | undefined;
    let fault: unknown = null;
    const asked = { model, messages: hi, stream: true as const, stream_options: { include_usage: true }, ...more };
    try {
      for await (const part of await client.chat.completions.create(asked)) {
        texts.push(part.choices[0]?.delta.content ?? "");
        if (texts.join("") === "half" && next === "slow") await shut();
        finish = part.choices[0]?.finish_reason ?? finish;
        total = part.usage?.total_tokens ?? total;
      }
    } catch (error) {
      fault = error;
    }
    return { text: texts.join(""), finish, total, fault };
  };
  const shut = async (): Promise<void> => {
    const rule = { patterns: ["io:egress:models:stream"] };
    assert.equal((await hub.send("PUT /gating/contracts/no-more", rule)).status, 200);
    goOn();
  };

  test("a server that takes no notice of the limit is left in the middle, and all that was set aside counts", async () => {
    const allowed = await hub.send("POST /budgets/allow", { allowance: ["100000 tokens/day", "models.*"] });
    const used = async (): Promise<number> =>
      (await hub.get("/budgets")).allowances.find((each: { text: string }) => each.text.startsWith("100000"))?.used;
    next = "endless";
    const { text, finish, fault } = await streamed({ max_tokens: 4 });
    next = "ordinary";
    assert.deepEqual([finish, fault], ["length", null]);
    assert.ok(text.startsWith("more more") && text.length <= 4 * 128, String(text.length));
    await until("the server to be left", () => (server.open() === 0 ? true : undefined));
    const cut = async (): Promise<boolean> =>
      (await hub.get("/events/journal?prefix=models.asked&limit=1000")).events.some(
        ({ data }: { data: Record<string, unknown> }) => data["finish"] === "length" && data["outputTokens"] === null,
      );
    await until("the journal to have it", async () => ((await cut()) ? true : undefined));
    // Nobody counted: the limit of the answer and a token for each byte of the question stay taken.
    await until("the allowance to be settled", async () => ((await used()) >= 4 + "hi".length ? true : undefined));
    await hub.send(`DELETE /budgets/${allowed.body.allowanceId}`);
  });

  test("a rule that comes meanwhile ends it between two pieces, with a problem of the protocol", async () => {
    next = "slow";
    const { text, fault } = await streamed();
    next = "ordinary";
    assert.equal(text, "half");
    assert.ok(fault instanceof APIError && fault.code === "arw.denied", String(fault));
    const before: unknown = await client.chat.completions.create({ model, messages: hi, stream: true }).then(
      () => null,
      (error: unknown) => error,
    );
    assert.ok(before instanceof PermissionDeniedError && before.type === "permission_error");
    await hub.send("DELETE /gating/contracts/no-more");
  });
});

describe("the other addresses", () => {
  test("completions come piece by piece, too, with usage when it is asked for", async () => {
    const asked = { model, prompt: "say on and on", stream: true as const, stream_options: { include_usage: true } };
    const texts: string[] = [];
    let finish: string | undefined;
    let total: number | undefined;
    for await (const part of await client.completions.create(asked)) {
      assert.deepEqual([part.object, part.model], ["text_completion", model]);
      if (part.choices[0] !== undefined) texts.push(part.choices[0].text);
      finish = part.choices[0]?.finish_reason ?? finish;
      total = part.usage?.total_tokens ?? total;
    }
    assert.deepEqual([texts.join(""), finish, total], ["on and on", "stop", 5]);
    await hub.send("PUT /models/roles/text", { models: [model] });
    const byRole: string[] = [];
    for await (const part of await client.completions.create({ model: "text", prompt: "say on", stream: true }))
      byRole.push(part.choices[0]?.text ?? "");
    assert.equal(byRole.join(""), "on");
    await hub.send("DELETE /models/roles/text");
  });

  test("completions, embeddings in both forms, models and one of them", async () => {
    const text = await client.completions.create({ model, prompt: "say on" });
    assert.equal(text.choices[0]?.text, "on");
    const vectors = await client.embeddings.create({ model, input: ["a", "bb"] });
    assert.deepEqual(
      vectors.data.map(({ index }) => index),
      [0, 1],
    );
    const plain = await client.embeddings.create({ model, input: "a", encoding_format: "float" });
    for (const [place, each] of (plain.data[0]?.embedding ?? []).entries())
      assert.ok(Math.abs(each - (vectors.data[0]?.embedding[place] ?? 0)) < 1e-6);
    await hub.send("PUT /models/roles/chat", { models: [model] });
    const names = (await client.models.list()).data.map(({ id }) => id);
    assert.deepEqual(names, ["chat", model]);
    assert.equal((await client.models.retrieve(model)).id, model);
    assert.equal((await client.chat.completions.create({ model: "chat", messages: hi })).model, model);
  });

  test("responses, as a whole, as events, and with functions", async () => {
    const whole = await client.responses.create({ model, input: "hi", instructions: "be short" });
    assert.deepEqual([whole.output_text, whole.status, whole.usage?.total_tokens], ["Hello 🌱", "completed", 13]);
    const { messages } = lastSent<{ messages: { role: string }[] }>();
    assert.deepEqual(
      messages.map(({ role }) => role),
      ["system", "user"],
    );
    const stream = client.responses.stream({ model, input: [{ role: "user", content: "hi" }] });
    const kinds: string[] = [];
    for await (const event of stream) kinds.push(event.type);
    assert.equal((await stream.finalResponse()).output_text, "Hello 🌱");
    assert.deepEqual([kinds[0], kinds.at(-1)], ["response.created", "response.completed"]);
    const tool = { type: "function" as const, name: "weather", description: "", strict: false, parameters: {} };
    const called = await client.responses.stream({ model, input: "hi", tools: [tool] }).finalResponse();
    const [item] = called.output;
    assert.ok(item?.type === "function_call" && item.arguments === '{"city":"Oslo"}' && item.call_id === "call_1");
    const answered = [
      { role: "user" as const, content: "hi" },
      { type: "function_call" as const, call_id: "call_1", name: "weather", arguments: "{}" },
      { type: "function_call_output" as const, call_id: "call_1", output: "sun" },
    ];
    assert.equal((await client.responses.create({ model, input: answered })).output_text, "Hello 🌱");
    await assert.rejects(
      client.responses.create({ model, input: "x", previous_response_id: "resp_1" }),
      /keeps no responses/,
    );
  });

  test("what is no request at all is refused in the form of the protocol, too", async () => {
    const headers = { authorization: `Bearer ${hub.token}`, "content-type": "application/json" };
    for (const [method, path, body, status] of [
      ["POST", "chat/completions", "{bad", 400],
      ["GET", "chat/completions", null, 405],
      ["POST", `models/${model}`, "{}", 405],
      ["POST", "nope", "{}", 404],
      ["GET", "models/100%25%2Fzz", null, 404],
    ] as const) {
      const response = await fetch(`${hub.url}/v1/${path}`, { method, headers, body });
      const { error } = (await response.json()) as { error: Record<string, unknown> };
      const type = status === 404 ? "not_found_error" : "invalid_request_error";
      assert.deepEqual([response.status, error["type"], error["param"]], [status, type, null]);
      assert.deepEqual([typeof error["message"], typeof error["code"]], ["string", "string"]);
    }
  });

  test("numbers that do not fit are refused by the names that they have here", async () => {
    for (const [param, value] of [
      ["temperature", "hot"],
      ["temperature", 3],
      ["max_tokens", -4],
      ["max_completion_tokens", 1.5],
      ["top_p", {}],
      ["seed", "one"],
    ] as const) {
      const asked = { model, messages: hi, [param]: value } as never;
      const fault: unknown = await client.chat.completions.create(asked).then(
        () => null,
        (error: unknown) => error,
      );
      assert.ok(fault instanceof BadRequestError && fault.param === param, String(fault));
      assert.match(fault.message, new RegExp(`${param} must be a`));
    }
  });

  test("what was asked is in the journal, with what it took and without a word of it", async () => {
    const { events } = await hub.get("/events/journal?prefix=models.asked&limit=1000");
    assert.ok(events.length > 8);
    assert.ok(!JSON.stringify(events).includes("Hello"));
  });
});
