/** What every model runtime holds, whoever answers behind it. */
import assert from "node:assert/strict";
import { test } from "vitest";
import { isProblem } from "../../src/contract/problem.ts";
import type { ChatRequest, ModelRuntime, Part, Send } from "../../src/domains/models/port.ts";
import { NoSuchModel, NotAble } from "../../src/domains/models/port.ts";
import { until } from "../story/kit/until.ts";

export interface ModelFixture extends AsyncDisposable {
  readonly runtime: ModelRuntime;
  readonly send: Send;
  /** Answers `say TEXT` with the text, and any request with tools by asking for the first one with `{"city":"Oslo"}`. */
  readonly model: string;
  /** How many of its requests are still being answered. */
  readonly open: () => number | Promise<number>;
  /** What this one source does not do, though others of its kind do: tell models apart by name, or rank. */
  readonly lacks?: readonly ("names" | "rerank")[];
}

/** Letters of several writings, and what looks like the frame of a stream. */
const sayable = "Grüße, 世界 — 🌱 \n\n data: no frame";

export const say = (model: string, text: string): ChatRequest => ({
  model,
  messages: [{ role: "user", content: [{ kind: "text", text: `say ${text}` }] }],
  tokensMax: 64,
});

export const tool = {
  name: "weather",
  about: "Tells the weather.",
  input: { type: "object", properties: { city: { const: "Oslo" } }, required: ["city"], additionalProperties: false },
};

export async function partsOf(stream: AsyncIterable<Part>): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

export const textOf = (parts: readonly Part[]): string =>
  parts.map((part) => (part.kind === "text" ? part.text : "")).join("");

export function modelContract(open: () => Promise<ModelFixture>): void {
  const call = ({ send }: ModelFixture, signal = new AbortController().signal) => ({ signal, send });

  test("it lists its models and is well", async () => {
    await using fixture = await open();
    const { runtime, model } = fixture;
    assert.ok((await runtime.models(call(fixture))).some((each) => each.model === model));
    await runtime.health(call(fixture));
  });

  test("an answer comes in pieces and has one end, which is the last", async () => {
    await using fixture = await open();
    const { runtime, model } = fixture;
    const text = sayable;
    for (const stream of [
      runtime.chat(say(model, text), call(fixture)),
      runtime.complete({ model, prompt: `say ${text}`, tokensMax: 64 }, call(fixture)),
    ]) {
      const parts = await partsOf(stream);
      assert.equal(textOf(parts), text);
      assert.deepEqual(
        parts.map(({ kind }) => kind === "end"),
        parts.map((_, place) => place === parts.length - 1),
      );
      const end = parts.at(-1);
      assert.ok(end?.kind === "end" && end.finish === "stop");
      for (const count of [end.usage.inputTokens, end.usage.outputTokens]) assert.ok(count === null || count >= 0);
    }
  });

  test("a tool is asked for by name, with the arguments as the model wrote them", async () => {
    await using fixture = await open();
    const { runtime, model } = fixture;
    const request = { ...say(model, "x"), tools: [tool], toolChoice: "required" as const, tokensMax: 256 };
    const parts = await partsOf(runtime.chat(request, call(fixture)));
    const pieces = parts.filter((part) => part.kind === "tool");
    assert.equal(pieces[0]?.name, "weather");
    assert.ok((pieces[0]?.id ?? "").length > 0);
    assert.deepEqual(JSON.parse(pieces.map(({ argumentsText }) => argumentsText).join("")), { city: "Oslo" });
    const end = parts.at(-1);
    assert.ok(end?.kind === "end" && end.finish === "tools");
  });

  test("a model that is not there is a problem with a name", async ({ skip }) => {
    await using fixture = await open();
    if (fixture.lacks?.includes("names"))
      skip("optional: this server has one model, and answers to every name with it");
    await assert.rejects(partsOf(fixture.runtime.chat(say("nobody", "x"), call(fixture))), (error) =>
      isProblem(error, NoSuchModel),
    );
  });

  test("whoever leaves ends the answer, by signal or by reading no further", async () => {
    await using fixture = await open();
    const { runtime, model } = fixture;
    const controller = new AbortController();
    await assert.rejects(
      (async () => {
        for await (const _ of runtime.chat(say(model, "a b c d e f"), call(fixture, controller.signal)))
          controller.abort(new Error("left"));
      })(),
      /left/,
    );
    for await (const _ of runtime.chat(say(model, "a b c d e f"), call(fixture))) break;
    await until("the server to see that", async () => ((await fixture.open()) === 0 ? true : undefined));
  });

  test("vectors have length 1, one for each text in its order, and the same for the same text", async () => {
    await using fixture = await open();
    const { runtime, model } = fixture;
    const { vectors } = await runtime.embed({ model, texts: ["beans", "a long walk", "beans"] }, call(fixture));
    assert.equal(vectors.length, 3);
    for (const vector of vectors) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6);
    assert.deepEqual(vectors[0], vectors[2]);
    assert.notDeepEqual(vectors[0], vectors[1]);
  });

  test("what it can do it does, and what it cannot it says so", async () => {
    await using fixture = await open();
    const { runtime, model } = fixture;
    const rerank = () => runtime.rerank({ model, query: "beans", documents: ["zzz", "beans"] }, call(fixture));
    const tokenize = () => runtime.tokenize({ model, text: "beans" }, call(fixture));
    if (runtime.abilities.rerank && fixture.lacks?.includes("rerank") !== true) {
      const { scores } = await rerank();
      assert.ok((scores[1] ?? 0) > (scores[0] ?? 0));
    } else await assert.rejects(rerank(), (error) => isProblem(error, NotAble));
    if (runtime.abilities.tokenize) assert.ok((await tokenize()).tokens.every(Number.isInteger));
    else await assert.rejects(tokenize(), (error) => isProblem(error, NotAble));
  });
}
