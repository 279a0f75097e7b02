/** Models as the hub asks them: by name, by role, within budgets, and told what it took. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "vitest";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createScriptedRuntime } from "../../adapters/scripted/runtime.ts";
import { makeKernel, startMs, turn } from "../../../test/kit/kernel.ts";
import { here, there, hi, openModels, answerOf, codeOf, type ChatAnswer, noWay } from "../../../test/kit/models.ts";
import type { Caller } from "../../contract/caller.ts";
import type { StreamItem } from "./contract.ts";
import { costOf } from "./costs.ts";
import { endpointOf, isOnThisMachine, parseModelName, parseServer } from "../../base/model-name.ts";
import type { Part } from "./port.ts";
import { createModels } from "./service.ts";

describe("names", () => {
  test("say where a model answers, in one spelling", () => {
    assert.deepEqual(parseModelName("localhost:11434/llama3.2:3b"), { server: here, model: "llama3.2:3b" });
    assert.deepEqual(parseModelName("API.OpenAI.com:443/gpt-5"), { server: "api.openai.com", model: "gpt-5" });
    assert.deepEqual(parseModelName("openrouter.ai/meta/llama"), { server: "openrouter.ai", model: "meta/llama" });
    assert.deepEqual(parseModelName("[::1]:8080/x"), { server: "[::1]:8080", model: "x" });
    for (const name of ["", "chat", "small/x", "/x", "localhost:1/", "a b:1/x", "..:1/x", "localhost:0/x"])
      assert.equal(parseModelName(name), null, name);
    assert.equal(endpointOf("api.openai.com"), "api.openai.com:443");
    assert.equal(endpointOf("[::1]"), "[::1]:443");
  });

  test("this machine is known by its name alone, and nothing else is taken for it", () => {
    for (const server of ["localhost:1", "127.0.0.1:8080", "127.9.9.9:1", "[::1]:1", "a.localhost:1"])
      assert.ok(isOnThisMachine(parseServer(server) ?? ""), server);
    for (const server of [
      "localhost.example.org:1",
      "10.0.0.1:1",
      "127.0.0.1.example.org:1",
      "0.0.0.0:1",
      "api.openai.com",
    ])
      assert.ok(!isOnThisMachine(parseServer(server) ?? ""), server);
  });

  test("one name has one spelling, however it was written", () => {
    fc.assert(
      fc.property(fc.domain(), fc.integer({ min: 1, max: 65_535 }), (host, port) => {
        const once = parseServer(`${host}:${port}`);
        assert.ok(once === null || parseServer(once) === once);
        assert.ok(once === null || endpointOf(once).endsWith(`:${port}`));
      }),
      { numRuns: 100 },
    );
  });
});

describe("asking", () => {
  test("an answer is put together, says who gave it and that it was scripted, and is told with what it took", async () => {
    await using kit = await openModels({
      answer: () => [
        { kind: "thought", text: "hm" },
        { kind: "text", text: "he" },
        { kind: "text", text: "llo" },
        { kind: "tool", place: 1, id: "b", name: "second", argumentsText: "{}" },
        { kind: "tool", place: 0, name: "first", argumentsText: '{"a"' },
        { kind: "tool", place: 0, argumentsText: ":1}" },
      ],
    });
    const model = `${here}/tiny`;
    const said: [text: string, isThought: boolean][] = [];
    kit.kernel.bus.listen(["models.said"], ({ data }) => {
      const { text, isThought = false } = data as { text: string; isThought?: boolean };
      said.push([text, isThought]);
    });
    const answer = await answerOf<ChatAnswer>(kit.call("models.chat", { model, ...hi }));
    assert.deepEqual(said, [
      ["hm", true],
      ["he", false],
      ["llo", false],
    ]);
    assert.deepEqual(
      { ...answer, usage: null },
      {
        text: "hello",
        thought: "hm",
        toolCalls: [
          { id: "call-0", name: "first", argumentsText: '{"a":1}' },
          { id: "b", name: "second", argumentsText: "{}" },
        ],
        model,
        finish: "tools",
        usage: null,
        microUsd: 0,
        durationMs: 0,
        firstMs: 0,
        isScripted: true,
        label: "tool",
      },
    );
    const told = await kit.next("models.asked", () => true);
    assert.deepEqual((told.data as { inputTokens: number }).inputTokens, 2);
    assert.ok(!kit.kinds().includes("models.said"), "pieces are not kept");
  });

  test("a stream gives the same, piece by piece, and who leaves is told of as such", async () => {
    await using kit = await openModels({
      answer: () => ["h", "e", "l", "l", "o"].map((text) => ({ kind: "text", text }) as const),
    });
    const streamed = async (): Promise<AsyncIterable<StreamItem>> => {
      const { outcome } = await kit.call("models.stream", { model: `${here}/tiny`, ...hi });
      assert.equal(outcome.kind, "stream");
      return (outcome as { items: AsyncIterable<StreamItem> }).items;
    };
    const items: StreamItem[] = [];
    for await (const item of await streamed()) items.push(item);
    assert.deepEqual(
      items.map((item) => (item.kind === "text" ? item.text : item.kind)),
      ["h", "e", "l", "l", "o", "end"],
    );
    for await (const _ of await streamed()) break;
    await turn();
    assert.deepEqual(
      kit
        .events()
        .filter(({ kind }) => kind === "models.asked")
        .map(({ data }) => (data as { code: string }).code),
      ["ok", "arw.cancelled"],
    );
  });

  test("a server that takes no notice of the limit is left, and all that was set aside stays taken", async () => {
    await using kit = await openModels({
      answer: () => Array.from({ length: 99 }, () => ({ kind: "text", text: "x".repeat(60) })),
    });
    await kit.call("budgets.allow", { allowance: ["100000 tokens/day", "models.*"] });
    const model = `${here}/tiny`;
    const answer = await answerOf<ChatAnswer>(kit.call("models.chat", { model, ...hi, tokensMax: 10 }));
    assert.deepEqual([answer.finish, answer.usage.outputTokens, answer.text.length], ["length", null, 1280]);
    const { allowances } = await answerOf<{ allowances: { used: number }[] }>(kit.call("budgets.list", {}));
    const whole = costOf({ model, tokensMax: 10 }, JSON.stringify([hi.messages, null, null]), 1).tokens;
    assert.equal(allowances[0]?.used, (whole?.input ?? 0) + 10);
  });

  test("a server that says nothing any more is left", async () => {
    const silent: Part[] = [];
    const clock = createManualClock(startMs);
    await using kit = await makeKernel({
      clock,
      domains: (parts, { meter }) => [
        createModels({
          parts,
          clock,
          meter,
          courier: noWay,
          environment: { has: () => false },
          runtimeOf: () => ({
            ...createScriptedRuntime({ models: ["tiny"], answer: () => [] }),
            async *chat(_request, { signal }) {
              yield* silent;
              await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
            },
          }),
        }),
      ],
    });
    await kit.call("models.servers.add", { server: here });
    const came = codeOf(kit.call("models.chat", { model: `${here}/tiny`, ...hi }));
    for (let turns = 0; turns < 5; turns += 1) await turn();
    kit.clock.advance(900_000);
    assert.equal(await came, "arw.deadline-exceeded");
  });

  test("a model whose server nobody named is not asked", async () => {
    await using kit = await openModels();
    assert.equal(await codeOf(kit.call("models.chat", { model: `${there}/tiny`, ...hi })), "models.no-such-model");
    assert.equal(await codeOf(kit.call("models.chat", { model: `${here}/huge`, ...hi })), "models.no-such-model");
    assert.deepEqual(kit.asked, []);
  });

  test("vectors, ranks and tokens come the same way", async () => {
    await using kit = await openModels();
    const model = `${here}/tiny`;
    const { vectors } = await answerOf<{ vectors: number[][] }>(kit.call("models.embed", { model, texts: ["a", "b"] }));
    assert.equal(vectors.length, 2);
    const { scores } = await answerOf<{ scores: number[] }>(
      kit.call("models.rerank", { model, query: "beans", documents: ["zzz", "beans"] }),
    );
    assert.ok((scores[1] ?? 0) > (scores[0] ?? 0));
    const { tokens } = await answerOf<{ tokens: number[] }>(kit.call("models.tokenize", { model, text: "ab" }));
    assert.deepEqual(tokens, [97, 98]);
    const { text } = await answerOf<{ text: string }>(kit.call("models.complete", { model, prompt: "x" }));
    assert.equal(text, "hello");
  });
});

describe("servers", () => {
  test("a server elsewhere is named with an allowance, one of this machine without", async () => {
    await using kit = await openModels();
    const add = (input: object) => codeOf(kit.call("models.servers.add", input));
    assert.equal(await add({ server: there }), "models.allowance-first");
    assert.equal(await add({ server: there, allow: "1 USD/fortnight" }), "budgets.bad-allowance");
    assert.equal(await add({ server: there, allow: "1 USD/day" }), "ok");
    const { allowances } = await answerOf<{ allowances: { text: string }[] }>(kit.call("budgets.list", {}));
    assert.deepEqual(
      allowances.map(({ text }) => text),
      ["1 USD/day models.*"],
    );
    assert.equal(await add({ server: there, kind: "vllm" }), "ok");
  });

  test("where one is added, its whole address will do", async () => {
    await using kit = await openModels();
    const add = async (address: string): Promise<unknown[]> => {
      const input = { server: address, allow: "1 USD/day" };
      const { server, url } = await answerOf<{ server: string; url: string }>(kit.call("models.servers.add", input));
      return [server, url];
    };
    assert.deepEqual(await add("http://localhost:44041/v1"), ["localhost:44041", "http://localhost:44041/v1"]);
    const far = "https://models.example.org/api/v1";
    assert.deepEqual(await add(`${far}/`), ["models.example.org", far]);
  });

  test("an address is one of that very server, encrypted where others could listen", async () => {
    await using kit = await openModels();
    const add = (input: object) => codeOf(kit.call("models.servers.add", { allow: "1 USD/day", ...input }));
    assert.equal(await add({ server: there, url: "https://other.example.org/v1" }), "models.bad-server");
    assert.equal(await add({ server: there, url: `http://${there}:443/v1` }), "models.bad-server");
    assert.equal(await add({ server: "192.168.1.5:8080", url: "http://192.168.1.5:8080/v1" }), "ok");
    assert.equal(
      await add({ server: "192.168.1.6:8080", url: "http://192.168.1.6:8080/v1", secret: "KEY" }),
      "models.bad-server",
    );
    for (const server of ["chat", "no host", "user@host:1", "localhost:0"])
      assert.equal(await add({ server }), "models.bad-server", server);
    const { servers } = await answerOf<{ servers: { url: string }[] }>(kit.call("models.servers.list", {}));
    assert.deepEqual(
      servers.map(({ url }) => url),
      ["http://192.168.1.5:8080/v1", `http://${here}/v1`],
    );
    await kit.call("models.servers.remove", { server: here });
    assert.equal(await codeOf(kit.call("models.chat", { model: `${here}/tiny`, ...hi })), "models.no-such-model");
  });

  test("only a person names servers and roles", async () => {
    await using kit = await openModels();
    const agent: Caller = { kind: "agent", id: "scout", grants: [{ key: "*" }] };
    for (const [id, input] of [
      ["models.servers.add", { server: "localhost:1" }],
      ["models.servers.remove", { server: here }],
      ["models.roles.set", { role: "chat", models: [`${here}/tiny`] }],
      ["models.discover", {}],
    ] as const)
      assert.equal(await codeOf(kit.call(id, input, agent)), "arw.denied", id);
  });
});
