/** The model contract on the script and on servers that speak the OpenAI-compatible protocol. */
import { describe } from "vitest";
import { flavours, createOpenAiRuntime } from "../../src/adapters/openai/runtime.ts";
import { createScriptedRuntime } from "../../src/adapters/scripted/runtime.ts";
import type { ChatRequest, CompleteRequest, Part } from "../../src/domains/models/port.ts";
import { modelName, serveModel } from "../kit/model-server.ts";
import { plainSend } from "../kit/plain-send.ts";
import { modelContract } from "./model-suite.ts";

describe("scripted", () =>
  modelContract(async () => ({
    runtime: createScriptedRuntime({ models: [modelName], answer: spoken }),
    send: () => Promise.reject(new TypeError("a script sends nothing")),
    model: modelName,
    open: () => 0,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  })));

describe.each(flavours.map((flavour) => [flavour]))("a server of the kind %s", (flavour) =>
  modelContract(async () => {
    const server = await serveModel();
    const leaving = new AbortController();
    return {
      runtime: createOpenAiRuntime({ url: server.url, flavour }),
      send: plainSend(leaving.signal),
      model: modelName,
      open: server.open,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }),
);

function spoken(request: ChatRequest | CompleteRequest): readonly Exclude<Part, { kind: "end" }>[] {
  if ("tools" in request && request.tools !== undefined)
    return [{ kind: "tool", place: 0, id: "call_1", name: "weather", argumentsText: '{"city":"Oslo"}' }];
  const text =
    "prompt" in request
      ? request.prompt
      : request.messages
          .map(({ content }) => content.map((each) => (each.kind === "text" ? each.text : "")).join(""))
          .join("");
  return (text.replace(/^say /, "").match(/[\s\S]{1,2}/gu) ?? []).map((piece) => ({ kind: "text", text: piece }));
}
