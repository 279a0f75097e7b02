/** Answers as servers really give them: cut anywhere, broken off, wrong, late. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "vitest";
import { json, modelName, type Reply, serveModel } from "../../../test/kit/model-server.ts";
import { plainSend } from "../../../test/kit/plain-send.ts";
import { partsOf, say, textOf, tool } from "../../../test/contract/model-suite.ts";
import { isProblem, type ProblemDefinition } from "../../contract/problem.ts";
import type { Part, RuntimeCall, Send } from "../../domains/models/port.ts";
import { BadAnswer, KeyRefused, ModelBusy, ModelRefused, NoSuchModel } from "../../domains/models/port.ts";
import { createOpenAiRuntime } from "./runtime.ts";

const signal = new AbortController().signal;
const runtime = createOpenAiRuntime({ url: "http://127.0.0.1:1/v1", flavour: "openai" });

/** Pushes these bytes as an answer, cut as told, waiting for the reader between them. */
const pushed =
  (chunks: readonly Uint8Array[], status = 200, headers: Readonly<Record<string, string>> = {}): Send =>
  async ({ sink }) => {
    for (const chunk of chunks) await sink?.(chunk);
    return { status, headers, body: new Uint8Array(), isCut: false };
  };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const call = (send: Send): RuntimeCall => ({ signal, send });
const answered = (text: string): Promise<Part[]> => partsOf(runtime.chat(say("m", "x"), call(pushed([bytes(text)]))));
const delta = (given: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: given, finish_reason: finish }] })}\n\n`;
const code = (definition: ProblemDefinition) => (error: unknown) => isProblem(error, definition);

describe("pieces", () => {
  const words = fc.array(fc.string({ unit: "binary", maxLength: 6 }), { maxLength: 8 });

  test("wherever the network cuts, the text is the same", async () => {
    await fc.assert(
      fc.asyncProperty(
        words,
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        async (texts, cuts, end) => {
          const whole = bytes(
            `: a comment\n\n${texts.map((content) => delta({ content })).join("")}${delta({}, "stop")}data: [DONE]\n\n`.replaceAll(
              "\n",
              end,
            ),
          );
          const places = [...new Set(cuts.map((cut) => cut % whole.length))].toSorted((a, b) => a - b);
          const chunks = [0, ...places].map((from, at) => whole.subarray(from, places[at] ?? whole.length));
          const parts = await partsOf(runtime.chat(say("m", "x"), call(pushed(chunks))));
          assert.equal(textOf(parts), texts.join("").toWellFormed());
          assert.equal(parts.filter(({ kind }) => kind === "end").length, 1);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("frames that look alike are read as what they are, whatever stands around their text", async () => {
    const text = fc.constantFrom(
      "x",
      ":",
      '"',
      "\\",
      '":"',
      '","',
      "\n",
      "é",
      "\u2028",
      "a text that no server says",
      "",
    );
    const piece = fc.record({
      text,
      kind: fc.constantFrom("content" as const, "reasoning_content" as const),
      around: fc.constantFrom({}, { note: "x" }, { content: ":" }, { obfuscation: '"' }),
      first: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const lines = pieces.map(({ text: said, kind, around, first }) => {
          const choices = [{ index: 0, delta: { [kind]: said }, finish_reason: null }];
          return `data: ${JSON.stringify(first ? { choices, ...around } : { ...around, choices })}\n\n`;
        });
        const parts = await answered(`${lines.join("")}${delta({}, "stop")}data: [DONE]\n\n`);
        const said = (of: "content" | "reasoning_content"): string =>
          pieces.map(({ kind, text: each }) => (kind === of ? each : "")).join("");
        assert.equal(textOf(parts), said("content"));
        const thoughts = parts.map((part) => (part.kind === "thought" ? part.text : ""));
        assert.equal(thoughts.join(""), said("reasoning_content"));
      }),
      { numRuns: 100 },
    );
  });

  test("what a frame says beside its text is not passed over where the frames before looked the same", async () => {
    const frame = (extra: object): string =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "a" }, finish_reason: null }], ...extra })}\n\n`;
    const usage = { usage: { prompt_tokens: 1, completion_tokens: 2 } };
    const parts = await answered(`${frame({})}${frame({})}${frame(usage)}${delta({ content: "a" }, "length")}`);
    assert.deepEqual(
      [textOf(parts), parts.at(-1)],
      ["aaaa", { kind: "end", finish: "length", usage: { inputTokens: 1, outputTokens: 2, cachedTokens: null } }],
    );
    await assert.rejects(
      answered(`${frame({})}${frame({})}${frame({ error: { message: "no memory" } })}`),
      /no memory/,
    );
  });

  test("junk in place of an answer is a problem, and never an end", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), async (chunks) => {
        await assert.rejects(partsOf(runtime.chat(say("m", "x"), call(pushed(chunks)))), code(BadAnswer));
      }),
      { numRuns: 100 },
    );
  });

  test("an answer that breaks off is none, even when it sounded whole", async () => {
    await assert.rejects(answered(delta({ content: "All is well." })), code(BadAnswer));
    await assert.rejects(answered(""), code(BadAnswer));
    await assert.rejects(
      answered(`${delta({ content: "a" })}data: {"error":{"message":"out of memory"}}\n\n`),
      /out of memory/,
    );
  });

  test("the last line may be missing, the reason of the end may not be known, and usage may come at any time", async () => {
    const [, end] = await answered(
      `${delta({ content: "a" }, "eos_token")}data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":5}}}\n\n`,
    );
    assert.deepEqual(end, {
      kind: "end",
      finish: "stop",
      usage: { inputTokens: 7, outputTokens: 1, cachedTokens: 5 },
    });
    const [only] = await answered("data: [DONE]\n\n");
    assert.ok(only?.kind === "end" && only.usage.inputTokens === null);
  });

  test("what comes behind the end is not read", async () => {
    const parts = await answered(`${delta({}, "stop")}data: [DONE]\n\n${delta({ content: "and more" })}`);
    assert.equal(textOf(parts), "");
  });

  test("servers that do not stream, write objects for arguments, or think aloud are understood", async () => {
    const whole = { choices: [{ message: { content: "hi", reasoning_content: "hm" }, finish_reason: "length" }] };
    assert.deepEqual(
      (await answered(JSON.stringify(whole))).map((part) => (part.kind === "end" ? part.finish : part)),
      [{ kind: "thought", text: "hm" }, { kind: "text", text: "hi" }, "length"],
    );
    const called = {
      choices: [
        {
          message: { tool_calls: [{ id: "1", function: { name: "a", arguments: { b: 1 } } }] },
          finish_reason: "tool_calls",
        },
      ],
    };
    assert.deepEqual((await answered(JSON.stringify(called)))[0], {
      kind: "tool",
      place: 0,
      id: "1",
      name: "a",
      argumentsText: '{"b":1}',
    });
    await assert.rejects(answered(delta({ tool_calls: [{ index: -1, function: { name: "a" } }] })), code(BadAnswer));
  });
});

describe("refusals", () => {
  const refused = async (
    status: number,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return partsOf(runtime.chat(say("m", "x"), call(pushed([bytes(text)], status, headers)))).catch(
      (error: unknown) => error,
    );
  };

  test("each says what it is, with the server's own words, and when to try again", async () => {
    const cases: readonly [number, unknown, ProblemDefinition][] = [
      [401, { error: { message: "Incorrect API key provided" } }, KeyRefused],
      [404, { error: "model 'x' not found" }, NoSuchModel],
      [404, "<html>nothing here</html>", ModelRefused],
      [400, { error: { message: "too many tokens" } }, ModelRefused],
      [503, { error: { message: "Loading model" } }, ModelBusy],
      [500, "", BadAnswer],
    ];
    for (const [status, body, definition] of cases) {
      const error = await refused(status, body);
      assert.ok(isProblem(error, definition), `${status} came to ${String(error)}`);
      assert.equal(error.extra["status"], status);
    }
    const busy = await refused(429, { error: { message: "slow down" } }, { "retry-after": "7" });
    assert.ok(isProblem(busy, ModelBusy) && busy.extra["retryAfterMs"] === 7000);
    assert.match(busy.message, /slow down/);
    const long = await refused(400, { error: { message: "x".repeat(100_000) } });
    assert.ok(isProblem(long) && long.message.length < 400);
  });

  test("a server that wants the other name of the limit is asked once more, and from then on so", async () => {
    let count = 0;
    const fields: string[] = [];
    const reply: Reply = (response, body) => {
      count += 1;
      fields.push(Object.keys(body).find((name) => name.startsWith("max_")) ?? "");
      if ("max_tokens" in body)
        return json(
          response,
          { error: { message: "Unsupported parameter: use 'max_completion_tokens' instead." } },
          400,
        );
      return void response.writeHead(200, { "content-type": "text/event-stream" }).end(delta({ content: "a" }, "stop"));
    };
    await using server = await serveModel({ "/v1/chat/completions": reply });
    const newer = createOpenAiRuntime({ url: server.url, flavour: "openai", headers: { authorization: "Bearer k" } });
    for (let times = 0; times < 2; times += 1)
      assert.equal(textOf(await partsOf(newer.chat(say("m", "x"), call(plainSend(signal))))), "a");
    assert.deepEqual([count, fields], [3, ["max_tokens", "max_completion_tokens", "max_completion_tokens"]]);
    assert.ok(server.requests.every(({ headers }) => headers.authorization === "Bearer k"));
  });

  test("what is asked for arrives as these servers read it", async () => {
    await using server = await serveModel();
    const one = createOpenAiRuntime({ url: server.url, flavour: "openai" });
    await partsOf(
      one.chat(
        {
          ...say(modelName, "x"),
          messages: [
            {
              role: "user",
              content: [
                { kind: "text", text: "look" },
                { kind: "image", url: "data:image/png;base64,AA==" },
              ],
            },
            { role: "assistant", content: [], toolCalls: [{ id: "1", name: "weather", argumentsText: "{}" }] },
            { role: "tool", content: [{ kind: "text", text: "sun" }], toolCallId: "1" },
          ],
          tools: [tool],
          toolChoice: { name: "weather" },
          form: { kind: "schema", name: "s", schema: { type: "object" } },
          stop: ["\n"],
          seed: 1,
          temperature: 0,
          topP: 0.5,
        },
        call(plainSend(signal)),
      ),
    );
    assert.deepEqual(server.requests[0]?.body, {
      model: modelName,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "look" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "1", type: "function", function: { name: "weather", arguments: "{}" } }],
        },
        { role: "tool", content: "sun", tool_call_id: "1" },
      ],
      tools: [{ type: "function", function: { name: "weather", description: tool.about, parameters: tool.input } }],
      tool_choice: { type: "function", function: { name: "weather" } },
      response_format: { type: "json_schema", json_schema: { name: "s", schema: { type: "object" }, strict: true } },
      max_tokens: 64,
      temperature: 0,
      top_p: 0.5,
      seed: 1,
      stop: ["\n"],
      stream: true,
      stream_options: { include_usage: true },
    });
  });
});

describe("the connection", () => {
  test("a server that breaks off in the middle is told as what it is, after what had come", async () => {
    const cut: Reply = async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      await new Promise<void>((resolve) => response.write(delta({ content: "half" }), () => resolve()));
      response.destroy();
    };
    await using server = await serveModel({ "/v1/chat/completions": cut });
    const one = createOpenAiRuntime({ url: server.url, flavour: "openai" });
    const parts: Part[] = [];
    await assert.rejects(async () => {
      for await (const part of one.chat(say(modelName, "x"), call(plainSend(signal)))) parts.push(part);
    });
    assert.equal(textOf(parts), "half");
    assert.ok(parts.every(({ kind }) => kind !== "end"));
  });

  test("while nobody reads, the server waits: a long answer is not kept in memory", async () => {
    let pushes = 0;
    const endless: Send = async ({ sink }) => {
      for (;;) {
        pushes += 1;
        await sink?.(bytes(delta({ content: "x".repeat(1000) })));
      }
    };
    const stream = runtime.chat(say("m", "x"), call(endless))[Symbol.asyncIterator]();
    for (let reads = 0; reads < 10; reads += 1) await stream.next();
    const before = pushes;
    for (let turns = 0; turns < 200; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(pushes - before <= 65, `${pushes - before} pieces of a thousand bytes wait`);
    await stream.return?.(undefined);
  });

  test("vectors that are none are refused", async () => {
    for (const data of [
      [],
      [{ index: 0, embedding: [] }],
      [{ index: 0, embedding: [0, 0] }],
      [{ index: 0, embedding: ["a"] }],
      [{ index: 1, embedding: [1] }],
    ]) {
      const send: Send = () =>
        Promise.resolve({ status: 200, headers: {}, body: bytes(JSON.stringify({ data })), isCut: false });
      await assert.rejects(runtime.embed({ model: "m", texts: ["a"] }, call(send)), code(BadAnswer));
    }
  });
});
