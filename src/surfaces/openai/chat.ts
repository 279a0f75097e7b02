/** `/v1/chat/completions`. */
import type { ForeignAnswer, ForeignRequest } from "../../kernel/kernel.ts";
import {
  answerIn,
  type Ended,
  finishWords,
  frame,
  type Item,
  type OpenAiDeps,
  streamIn,
  usageOf,
} from "./answering.ts";
import { formIn, type Json, messagesIn, samplingOf, textIn, toolsIn, wantsUsage } from "./reading.ts";

interface ChatAnswer extends Ended {
  readonly text: string;
  readonly thought: string;
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly argumentsText: string }[];
}

export async function chatCompletions(request: ForeignRequest, deps: OpenAiDeps): Promise<ForeignAnswer> {
  const { body } = request;
  const input = {
    model: textIn(body, "model"),
    messages: messagesIn(body["messages"], "messages"),
    ...toolsIn(body),
    ...formIn(body["response_format"], "response_format"),
    ...samplingOf(body),
  };
  if (body["stream"] !== true) {
    const { corrId, output } = answerIn<ChatAnswer>(await request.call("models.chat", input));
    return { kind: "json", body: completion(output, head(deps, corrId, output.model)) };
  }
  const { corrId, items } = streamIn(await request.call("models.stream", input));
  const withUsage = wantsUsage(body);
  return { kind: "stream", frames: chunks(items, { ...head(deps, corrId, input.model), withUsage }) };
}

interface Head {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

const head = ({ nowMs }: OpenAiDeps, corrId: string, model: string): Head => ({
  id: `chatcmpl-${corrId}`,
  created: Math.floor(nowMs() / 1000),
  model,
});

function completion({ text, thought, toolCalls, finish, usage, isScripted }: ChatAnswer, { id, created, model }: Head) {
  const calls = toolCalls.map(({ id: callId, name, argumentsText }) => ({
    id: callId,
    type: "function",
    function: { name, arguments: argumentsText },
  }));
  const message = {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    refusal: null,
    ...(thought === "" ? {} : { reasoning_content: thought }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return {
    id,
    object: "chat.completion",
    created,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishWords[finish] }],
    usage: usageOf(usage),
    ...(isScripted ? { system_fingerprint: "scripted" } : {}),
  };
}

async function* chunks(
  items: AsyncIterable<Item>,
  { withUsage, ...given }: Head & { readonly withUsage: boolean },
): AsyncGenerator<string> {
  // All but the delta is the same in every chunk, and there is one for every token.
  const head = `data: ${JSON.stringify({ ...given, object: "chat.completion.chunk" }).slice(0, -1)},"choices":[{"index":0,"delta":`;
  const tail = `}]${withUsage ? ',"usage":null' : ""}}\n\n`;
  const chunk = (delta: Json, finish: string | null = null): string =>
    `${head}${JSON.stringify(delta)},"logprobs":null,"finish_reason":${JSON.stringify(finish)}${tail}`;
  let isBegun = false;
  for await (const item of items) {
    if (!isBegun) yield chunk({ role: "assistant", content: "" });
    isBegun = true;
    if (item.kind !== "end") yield chunk(deltaOf(item));
    else {
      yield chunk({}, finishWords[item.finish]);
      if (withUsage)
        yield frame({ ...given, object: "chat.completion.chunk", choices: [], usage: usageOf(item.usage) });
    }
  }
  yield "data: [DONE]\n\n";
}

function deltaOf(item: Exclude<Item, { kind: "end" }>): Json {
  if (item.kind === "text") return { content: item.text };
  if (item.kind === "thought") return { reasoning_content: item.text };
  const { place, id, name, argumentsText } = item;
  const call = {
    index: place,
    ...(id === undefined ? {} : { id, type: "function" }),
    function: { ...(name === undefined ? {} : { name }), arguments: argumentsText },
  };
  return { tool_calls: [call] };
}
