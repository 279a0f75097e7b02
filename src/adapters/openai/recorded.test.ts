/** Answers in the shapes of five servers, cut at every byte: the text is the same, and what broke off never looks whole. */
import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { partsOf, say, textOf } from "../../../test/contract/model-suite.ts";
import { isProblem } from "../../contract/problem.ts";
import type { Part, RuntimeCall, Send } from "../../domains/models/port.ts";
import { BadAnswer } from "../../domains/models/port.ts";
import { createOpenAiRuntime } from "./runtime.ts";

interface Recorded {
  readonly server: string;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly thought: string;
  readonly argumentsText: string;
  readonly finish: string;
  readonly counted: readonly (number | null)[];
}

const choice = (delta: object, finish: string | null = null, more: object = {}) => ({
  choices: [{ index: 0, delta, finish_reason: finish, ...more }],
});
const usage = (given: object) => ({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 4, ...given } });
const lines = (frames: readonly (object | string)[], end = "\n"): Uint8Array =>
  new TextEncoder().encode(
    frames
      .map((each) => (typeof each === "string" ? each : `data: ${JSON.stringify(each)}`))
      .map((each) => `${each}${end}${end}`)
      .join(""),
  );
const done = "data: [DONE]";
const call = (given: object) => ({ tool_calls: [{ index: 0, ...given }] });

const recorded: readonly Recorded[] = [
  {
    server: "llama-server",
    bytes: lines([
      choice({ role: "assistant", content: null }),
      choice({ content: "Grü" }),
      choice({ content: "ße 🌱" }),
      choice({}, "stop"),
      { ...usage({ prompt_tokens_details: { cached_tokens: 3 } }), timings: { predicted_ms: 1.5 } },
      done,
    ]),
    text: "Grüße 🌱",
    thought: "",
    argumentsText: "",
    finish: "stop",
    counted: [9, 4, 3],
  },
  {
    server: "vLLM",
    bytes: lines([
      choice({ role: "assistant", content: "" }, null, { logprobs: null }),
      choice({ reasoning_content: "hm " }),
      choice({ content: "世" }, null, { stop_reason: null }),
      choice({ content: "界" }, "length", { stop_reason: null }),
      usage({ total_tokens: 13 }),
      done,
    ]),
    text: "世界",
    thought: "hm ",
    argumentsText: "",
    finish: "length",
    counted: [9, 4, null],
  },
  {
    server: "Ollama",
    bytes: lines([
      choice({ role: "assistant", content: "", reasoning: "let me see" }),
      choice({ role: "assistant", content: "yes" }),
      choice({ role: "assistant", content: "" }, "stop"),
      usage({}),
      done,
    ]),
    text: "yes",
    thought: "let me see",
    argumentsText: "",
    finish: "stop",
    counted: [9, 4, null],
  },
  {
    // Counts nothing, and leaves the last line out.
    server: "LM Studio",
    bytes: lines([
      choice(call({ id: "365", type: "function", function: { name: "weather", arguments: "" } })),
      choice(call({ function: { arguments: '{"city":' } })),
      choice(call({ function: { arguments: '"Tromsø"}' } })),
      choice({}, "tool_calls"),
    ]),
    text: "",
    thought: "",
    argumentsText: '{"city":"Tromsø"}',
    finish: "tools",
    counted: [null, null, null],
  },
  {
    // Behind a gateway: other ends of lines, signs of life, and fields that nobody asked for.
    server: "OpenAI",
    bytes: lines(
      [
        ": PROCESSING",
        { ...choice({ role: "assistant", content: "", refusal: null }), usage: null, obfuscation: "kT9" },
        ": PROCESSING",
        { ...choice({ content: "é" }), usage: null, service_tier: "default" },
        { ...choice({}, "stop"), usage: null },
        usage({ prompt_tokens_details: { cached_tokens: 0 } }),
        done,
      ],
      "\r\n",
    ),
    text: "é",
    thought: "",
    argumentsText: "",
    finish: "stop",
    counted: [9, 4, 0],
  },
];

const runtime = createOpenAiRuntime({ url: "http://127.0.0.1:1/v1", flavour: "openai" });
const callWith = (chunks: readonly Uint8Array[]): RuntimeCall => {
  const send: Send = async ({ sink }) => {
    for (const chunk of chunks) await sink?.(chunk);
    return { status: 200, headers: {}, body: new Uint8Array(), isCut: false };
  };
  return { signal: new AbortController().signal, send };
};
const answered = (chunks: readonly Uint8Array[]) => partsOf(runtime.chat(say("m", "x"), callWith(chunks)));

function assertWhole(parts: readonly Part[], { text, thought, argumentsText, finish, counted }: Recorded): void {
  const joined = (kind: "thought" | "tool"): string =>
    parts.map((part) => (part.kind !== kind ? "" : part.kind === "tool" ? part.argumentsText : part.text)).join("");
  assert.deepEqual([textOf(parts), joined("thought"), joined("tool")], [text, thought, argumentsText]);
  const end = parts.at(-1);
  assert.ok(end?.kind === "end");
  const { inputTokens, outputTokens, cachedTokens } = end.usage;
  assert.deepEqual([end.finish, inputTokens, outputTokens, cachedTokens], [finish, ...counted]);
  assert.equal(parts.filter(({ kind }) => kind === "end").length, 1);
}

describe.each(recorded)("an answer of $server", (each) => {
  const { bytes, text } = each;

  test("is the same wherever it is cut in two, and byte by byte", async () => {
    for (let cut = 0; cut <= bytes.length; cut += 1)
      assertWhole(await answered([bytes.subarray(0, cut), bytes.subarray(cut)]), each);
    assertWhole(await answered([...bytes].map((byte) => Uint8Array.of(byte))), each);
  });

  test("that breaks off at any byte has no end unless the server had said why it ends, and nothing is made up", async () => {
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const parts: Part[] = [];
      let fault: unknown = null;
      try {
        for await (const part of runtime.chat(say("m", "x"), callWith([bytes.subarray(0, cut)]))) parts.push(part);
      } catch (error) {
        fault = error;
      }
      const hasEnd = parts.some(({ kind }) => kind === "end");
      assert.ok(text.startsWith(textOf(parts)), `${cut}: ${textOf(parts)}`);
      assert.equal(hasEnd, fault === null, `cut at ${cut}`);
      assert.ok(fault === null || isProblem(fault, BadAnswer), `${cut}: ${String(fault)}`);
      if (hasEnd) assert.match(new TextDecoder().decode(bytes.subarray(0, cut)), /"finish_reason":"/);
    }
  });
});
