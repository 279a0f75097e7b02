/** Models as the hub asks them: by name, by role, within budgets, and told what it took. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "vitest";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createScriptedRuntime, type Script } from "../../adapters/scripted/runtime.ts";
import { type Kit, type KitOptions, makeKernel, startMs, turn } from "../../../test/kit/kernel.ts";
import type { Caller } from "../../contract/caller.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { PriceLists } from "../budgets/port.ts";
import type { Chat, Preview, StreamItem } from "./contract.ts";
import { costOf } from "./costs.ts";
import { endpointOf, isOnThisMachine, parseModelName, parseServer } from "../../base/model-name.ts";
import type { Courier, Part } from "./port.ts";
import { BadAnswer, KeyRefused, ModelBusy, ModelRefused } from "./port.ts";
import { createModels } from "./service.ts";
import type { Static } from "../../contract/schema.ts";

const here = "localhost:11434";
const there = "api.example.org";
const hi = { messages: [{ role: "user", content: [{ kind: "text", text: "hi" }] }] } as const;

const noWay: Courier = { send: () => Promise.reject(new TypeError("a script sends nothing")) };

interface Opening extends KitOptions {
  readonly answer?: (server: string, request: Parameters<Script["answer"]>[0]) => ReturnType<Script["answer"]>;
}

async function open({ answer = () => [{ kind: "text", text: "hello" }], ...more }: Opening = {}) {
  const asked: string[] = [];
  const clock = createManualClock(startMs);
  const kit = await makeKernel({
    ...more,
    clock,
    domains: (parts, { meter }) => [
      createModels({
        parts,
        clock,
        courier: noWay,
        meter,
        environment: { has: () => false },
        runtimeOf: ({ server }) =>
          createScriptedRuntime({
            models: ["tiny", "small"],
            answer: (request) => (asked.push(`${server}/${request.model}`), answer(server, request)),
          }),
      }),
    ],
  });
  await kit.call("models.servers.add", { server: here });
  return { ...kit, asked };
}

const answerOf = async <T>(call: ReturnType<Kit["call"]>): Promise<T> => {
  const { outcome } = await call;
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: T }).output;
};
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );
type ChatAnswer = Static<typeof Chat.output>;

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
    await using kit = await open({
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
    await using kit = await open({
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
    await using kit = await open({
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
    await using kit = await open();
    assert.equal(await codeOf(kit.call("models.chat", { model: `${there}/tiny`, ...hi })), "models.no-such-model");
    assert.equal(await codeOf(kit.call("models.chat", { model: `${here}/huge`, ...hi })), "models.no-such-model");
    assert.deepEqual(kit.asked, []);
  });

  test("vectors, ranks and tokens come the same way", async () => {
    await using kit = await open();
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
    await using kit = await open();
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
    await using kit = await open();
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
    await using kit = await open();
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
    await using kit = await open();
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

describe("roles", () => {
  const busy = (server: string, request: { model: string }): never => {
    throw new Problem(ModelBusy, `${server}/${request.model} is busy`);
  };
  const ask = (kit: Kit, more: object = {}) => kit.call("models.chat", { model: "chat", ...hi, ...more });

  test("when one model fails the next is asked, as a call of its own", async () => {
    await using kit = await open({
      answer: (server, request) =>
        request.model === "tiny" ? busy(server, request) : [{ kind: "text", text: "from small" }],
    });
    await kit.call("models.roles.set", { role: "chat", models: [`${here}/tiny`, `${here}/small`] });
    const { text, model } = await answerOf<ChatAnswer>(ask(kit));
    assert.deepEqual([text, model], ["from small", `${here}/small`]);
    assert.equal(kit.samples.filter(({ operation }) => operation === "models.chat").length, 3);
  });

  test("from this machine to another only where a person said so for that role", async () => {
    await using kit = await open({
      answer: (server, request) => (server === here ? busy(server, request) : [{ kind: "text", text: "from there" }]),
    });
    await kit.call("models.servers.add", { server: there, allow: "100 calls/day" });
    const models = [`${here}/tiny`, `${there}/tiny`];
    await kit.call("models.roles.set", { role: "chat", models });
    assert.equal(await codeOf(ask(kit)), "models.role-failed");
    assert.deepEqual(kit.asked, [`${here}/tiny`]);
    await kit.call("models.roles.set", { role: "chat", models, mayLeave: true });
    assert.equal(await codeOf(ask(kit)), "ok");
  });

  test("a spent allowance of one model does not stop the next, and no reservation is taken twice", async () => {
    await using kit = await open({ answer: (server) => [{ kind: "text", text: server }] });
    await kit.call("models.servers.add", { server: there, allow: "1 USD/day" });
    await kit.call("models.roles.set", { role: "chat", models: [`${there}/tiny`, `${here}/tiny`] });
    // Nobody knows what it costs there, so money says no; here it costs none.
    const { text } = await answerOf<ChatAnswer>(ask(kit));
    assert.equal(text, here);
    assert.deepEqual(kit.asked, [`${here}/tiny`]);
    const { allowances } = await answerOf<{ allowances: { used: number }[] }>(kit.call("budgets.list", {}));
    assert.equal(allowances[0]?.used, 0);
  });

  test("a stream is paid for by what it took once it is over, and wholly when it broke off", async () => {
    await using kit = await open({ answer: () => ["h", "i"].map((text) => ({ kind: "text", text }) as const) });
    await kit.call("budgets.allow", { allowance: ["100000 tokens/day", "models.*"] });
    const used = async (): Promise<number> =>
      (await answerOf<{ allowances: { used: number }[] }>(kit.call("budgets.list", {}))).allowances[0]?.used ?? -1;
    const items = async (): Promise<AsyncIterable<StreamItem>> => {
      const { outcome } = await kit.call("models.stream", { model: `${here}/tiny`, ...hi, tokensMax: 500 });
      return (outcome as { items: AsyncIterable<StreamItem> }).items;
    };
    for await (const _ of await items()) assert.ok((await used()) > 500);
    assert.equal(await used(), 4);
    for await (const _ of await items()) break;
    assert.ok((await used()) > 500);
  });

  test("whatever fails in whatever order: each is asked once, none leaves unpermitted, and only work is paid for", async () => {
    const outcomes = { ok: null, busy: ModelBusy, refused: ModelRefused, key: KeyRefused, broken: BadAnswer } as const;
    type Outcome = keyof typeof outcomes;
    const names = [`${here}/tiny`, `${here}/small`, `${there}/tiny`, `${there}/small`];
    const plans = fc.record({
      models: fc.shuffledSubarray(names, { minLength: 1 }),
      ends: fc.array(fc.constantFrom(...(Object.keys(outcomes) as Outcome[])), { minLength: 4, maxLength: 4 }),
      mayLeave: fc.boolean(),
    });
    const run = async ({ models, ends, mayLeave }: typeof plans extends fc.Arbitrary<infer P> ? P : never) => {
      const endOf = (name: string): Outcome => ends[names.indexOf(name)] ?? "ok";
      await using kit = await open({
        answer(server, { model }) {
          const fault = outcomes[endOf(`${server}/${model}`)];
          if (fault !== null) throw new Problem(fault, "it would not");
          return [{ kind: "text", text: "hello" }];
        },
      });
      await kit.call("models.servers.add", { server: there, allow: "1000 calls/day" });
      await kit.call("budgets.allow", { allowance: ["1000000 tokens/day", "models.*"] });
      await kit.call("models.roles.set", { role: "chat", models, mayLeave });
      const code = await codeOf(ask(kit, { tokensMax: 100 }));
      const expected: string[] = [];
      let isAnswered = false;
      for (const name of models) {
        const isShut = !mayLeave && name.startsWith(there) && expected.some((each) => each.startsWith(here));
        if (isAnswered || isShut) continue;
        expected.push(name);
        isAnswered = endOf(name) === "ok";
      }
      assert.deepEqual(kit.asked, expected);
      assert.equal(code, isAnswered ? "ok" : "models.role-failed");
      const { allowances } = await answerOf<{ allowances: { unit: string; used: number }[] }>(
        kit.call("budgets.list", {}),
      );
      // What broke off keeps all that was set aside: nobody can say how far the model came.
      const whole = costOf(
        { model: names[0] ?? "", tokensMax: 100 },
        JSON.stringify([hi.messages, null, null]),
        1,
      ).tokens;
      const broken = expected.filter((name) => endOf(name) === "broken").length;
      const wanted = broken * ((whole?.input ?? 0) + (whole?.output ?? 0)) + (isAnswered ? 7 : 0);
      assert.equal(allowances.find(({ unit }) => unit === "tokens")?.used, wanted);
    };
    await fc.assert(fc.asyncProperty(plans, run), { numRuns: 40 });
  });

  test("a role that is none, and one whose models all failed, say so", async () => {
    await using kit = await open({ answer: busy });
    assert.equal(await codeOf(ask(kit)), "arw.not-found");
    assert.equal(
      await codeOf(kit.call("models.roles.set", { role: "chat", models: ["nobody.example/x"] })),
      "arw.not-found",
    );
    await kit.call("models.roles.set", { role: "chat", models: [`${here}/tiny`, `${here}/small`] });
    assert.equal(await codeOf(ask(kit)), "models.role-failed");
    assert.equal(kit.asked.length, 2);
  });
});

describe("meters", () => {
  const priced: PriceLists = {
    folder: "prices",
    template: "",
    first: [
      {
        model: "tiny",
        host: there,
        inputUsdPerMillion: 2,
        outputUsdPerMillion: 10,
        place: "prices/2025-01-01.toml:1",
        sinceMs: 0,
      },
    ],
    read: () => Promise.resolve({ kind: "faults", faults: [] }),
  };

  test("before a chat it is said what it would take at most, and of which allowance; nothing is taken", async () => {
    await using kit = await open({ prices: priced });
    await kit.call("models.servers.add", { server: there, allow: "1 USD/day" });
    await kit.call("budgets.allow", { allowance: ["30 tokens/run", "models.*"] });
    await kit.call("models.roles.set", { role: "chat", models: [`${here}/tiny`, `${there}/tiny`, `${there}/small`] });
    const input = { model: "chat", text: "hi", tokensMax: 100 };
    const { models } = await answerOf<Static<typeof Preview.output>>(kit.call("models.preview", input));
    const [near, far, unpriced] = models;
    assert.deepEqual(
      models.map(({ model, isLocal, outputTokensMax }) => [model, isLocal, outputTokensMax]),
      [
        [`${here}/tiny`, true, 100],
        [`${there}/tiny`, false, 100],
        [`${there}/small`, false, 100],
      ],
    );
    assert.deepEqual([near?.microUsdMax, unpriced?.microUsdMax, unpriced?.price], [0, null, null]);
    assert.deepEqual(
      [far?.microUsdMax, far?.price],
      [2 * (far?.inputTokensMax ?? 0) + 1000, "prices/2025-01-01.toml:1"],
    );
    const tokens = (far?.inputTokensMax ?? 0) + 100;
    assert.deepEqual(
      far?.allowances.map(({ unit, wanted, left, isEnough }) => [unit, wanted, left, isEnough]),
      [
        ["tokens", tokens, 30, false],
        ["microUsd", far?.microUsdMax, 1_000_000, true],
      ],
    );
    assert.deepEqual(unpriced?.allowances[0]?.isEnough, false);
    assert.deepEqual(kit.asked, []);
    assert.ok(!kit.kinds().includes("budgets.charged"));
    assert.equal(await codeOf(kit.call("models.preview", { ...input, model: "nobody" })), "arw.not-found");
  });

  test("afterwards the answer and its event say what it cost, and the allowance is charged as much", async () => {
    await using kit = await open({ prices: priced });
    await kit.call("models.servers.add", { server: there, allow: "1 USD/day" });
    const chat = (model: string) => answerOf<ChatAnswer>(kit.call("models.chat", { model, ...hi }));
    const far = await chat(`${there}/tiny`);
    assert.deepEqual([far.usage.inputTokens, far.usage.outputTokens, far.microUsd], [2, 5, 54]);
    assert.equal((await chat(`${here}/tiny`)).microUsd, 0);
    const told = kit.events().filter(({ kind }) => kind === "models.asked");
    assert.deepEqual(
      told.map(({ data }) => (data as { microUsd: number }).microUsd),
      [54, 0],
    );
    const { allowances } = await answerOf<{ allowances: { used: number }[] }>(kit.call("budgets.list", {}));
    assert.equal(allowances[0]?.used, 54);
  });
});

test("what is set aside is never less than what an answer can take", () => {
  const signs = { unit: fc.constantFrom("a", "\0", "ä", "€", "🌱", "\uD800"), maxLength: 200 };
  fc.assert(
    fc.property(fc.string(signs), fc.integer({ min: 1, max: 5000 }), (said, tokensMax) => {
      const cost = costOf({ model: `${there}/x`, tokensMax }, said, 1);
      // Byte-level tokenizers make at most one token of each byte, and none makes more.
      assert.ok(cost.tokens !== undefined && cost.tokens.input >= new TextEncoder().encode(said).length);
      assert.equal(cost.tokens.output, tokensMax);
    }),
  );
});
