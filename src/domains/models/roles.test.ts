/** Roles and meters: who is asked in place of whom, and what it took. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "vitest";
import type { Kit } from "../../../test/kit/kernel.ts";
import { here, there, hi, openModels, answerOf, codeOf, type ChatAnswer } from "../../../test/kit/models.ts";
import { Problem } from "../../contract/problem.ts";
import type { PriceLists } from "../budgets/port.ts";
import type { Preview, StreamItem } from "./contract.ts";
import { costOf } from "./costs.ts";
import { BadAnswer, KeyRefused, ModelBusy, ModelRefused } from "./port.ts";
import type { Static } from "../../contract/schema.ts";

describe("roles", () => {
  const busy = (server: string, request: { model: string }): never => {
    throw new Problem(ModelBusy, `${server}/${request.model} is busy`);
  };
  const ask = (kit: Kit, more: object = {}) => kit.call("models.chat", { model: "chat", ...hi, ...more });

  test("when one model fails the next is asked, as a call of its own", async () => {
    await using kit = await openModels({
      answer: (server, request) =>
        request.model === "tiny" ? busy(server, request) : [{ kind: "text", text: "from small" }],
    });
    await kit.call("models.roles.set", { role: "chat", models: [`${here}/tiny`, `${here}/small`] });
    const { text, model } = await answerOf<ChatAnswer>(ask(kit));
    assert.deepEqual([text, model], ["from small", `${here}/small`]);
    assert.equal(kit.samples.filter(({ operation }) => operation === "models.chat").length, 3);
  });

  test("from this machine to another only where a person said so for that role", async () => {
    await using kit = await openModels({
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
    await using kit = await openModels({ answer: (server) => [{ kind: "text", text: server }] });
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
    await using kit = await openModels({ answer: () => ["h", "i"].map((text) => ({ kind: "text", text }) as const) });
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
      await using kit = await openModels({
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
    await using kit = await openModels({ answer: busy });
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
    await using kit = await openModels({ prices: priced });
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
    await using kit = await openModels({ prices: priced });
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
