import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { assembleContext, type ContextInput, type Exchange } from "./context.ts";
import { approximateTokens } from "./tokens.ts";

const words = (lengthMax: number) => fc.string({ maxLength: lengthMax, unit: fc.constantFrom("a", "ä", "\n", " ") });
const exchange = fc.record({
  said: words(50),
  calls: fc.array(
    fc.record({
      id: fc.constant("c1"),
      name: fc.constant("fs_read"),
      argumentsText: fc.constant('{"path":"a.md"}'),
      source: fc.nat(99).map((n) => `Answer of fs.read ${n}.md:`),
      answer: words(3000),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});
const inputs: fc.Arbitrary<ContextInput> = fc.record({
  instructions: words(400).map((text) => `You are helper.${text}`),
  plan: words(300),
  history: fc.array(fc.record({ role: fc.constantFrom("user" as const, "assistant" as const), text: words(800) }), {
    maxLength: 10,
  }),
  task: words(300).map((text) => `Do it.${text}`),
  evidence: fc.array(exchange, { maxLength: 10 }),
  tokensMax: fc.integer({ min: 1024, max: 8000 }),
  answerTokens: fc.integer({ min: 64, max: 512 }),
});

test("instructions and task always go in whole, and all of it has room together", () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const { messages, tokens } = assembleContext(input);
      const [first] = messages;
      assert.ok(first?.role === "system" && first.text.startsWith(input.instructions));
      assert.equal(messages.filter(({ role }) => role === "system").length, 1);
      assert.ok(messages.some(({ role, text }) => role === "user" && text === input.task));
      const fixed = approximateTokens(input.instructions) + approximateTokens(input.task) + input.answerTokens;
      assert.ok(tokens <= Math.max(input.tokensMax, fixed), `${tokens} of ${input.tokensMax}`);
    }),
    runs(100),
  );
});

test("what is left out is told: each message and each exchange is in, shortened with its source, or named", () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const { messages, slots } = assembleContext(input);
      const [, , history, evidence] = slots;
      assert.equal(
        (history?.items.length ?? 0) + (history?.leftOut.length ?? 0) >=
          input.history.filter(({ text }) => text !== "").length,
        true,
      );
      const dropped = evidence?.leftOut.filter(({ isShortened }) => !isShortened) ?? [];
      const kept = input.evidence.slice(dropped.length);
      const told = messages.filter(({ role }) => role === "tool").map(({ text }) => text.split("\n")[0]);
      assert.deepEqual(
        told,
        kept.flatMap(({ calls }) => calls.map(({ source }) => source)),
      );
      // Each answer stands behind the call that asked for it, as servers want it.
      for (const [place, { role, toolCalls }] of messages.entries())
        if (role === "assistant" && toolCalls !== undefined)
          assert.deepEqual(
            messages.slice(place + 1, place + 1 + toolCalls.length).map((each) => each.role),
            toolCalls.map(() => "tool"),
          );
    }),
    runs(100),
  );
});

test("the oldest gives way first, to an extract that names its source", () => {
  const answerOf = (n: number): Exchange => ({
    said: "",
    calls: [
      {
        id: `c${n}`,
        name: "fs_read",
        argumentsText: "{}",
        source: `Answer of fs.read ${n}.md:`,
        answer: `${n} `.repeat(1500),
      },
    ],
  });
  const { messages, slots } = assembleContext({
    instructions: "Be good.",
    plan: "",
    history: [],
    task: "Read",
    evidence: [1, 2, 3].map(answerOf),
    tokensMax: 3000,
    answerTokens: 500,
  });
  const told = messages
    .filter(({ role }) => role === "tool")
    .map(({ text }) => [text.split("\n")[0], text.length > 2000]);
  assert.deepEqual(told, [
    ["Answer of fs.read 1.md:", false],
    ["Answer of fs.read 2.md:", true],
    ["Answer of fs.read 3.md:", true],
  ]);
  assert.deepEqual(
    slots[3]?.leftOut.map(({ what, why, isShortened }) => [what, why, isShortened]),
    [["Answer of fs.read 1.md:", "older than what has room", true]],
  );
});
