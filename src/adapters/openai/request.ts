/** Writes requests as these servers read them. */
import type { ChatRequest, CompleteRequest, Content, Message } from "../../domains/models/port.ts";

export function requestBodyOf(
  request: ChatRequest | CompleteRequest,
  tokensField: "max_tokens" | "max_completion_tokens",
): Record<string, unknown> {
  const { model, tokensMax, temperature, topP, seed, stop } = request;
  return {
    model,
    ...("messages" in request ? chatPart(request) : { prompt: request.prompt }),
    [tokensField]: tokensMax,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop }),
    stream: true,
    stream_options: { include_usage: true },
  };
}

function chatPart({ messages, tools, toolChoice, form }: ChatRequest): Record<string, unknown> {
  const choice = typeof toolChoice === "object" ? { type: "function", function: toolChoice } : toolChoice;
  return {
    messages: messages.map(messageOf),
    ...(tools === undefined || tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, about, input }) => ({
            type: "function",
            function: { name, description: about, parameters: input },
          })),
          ...(choice === undefined ? {} : { tool_choice: choice }),
        }),
    ...(form === undefined || form.kind === "text" ? {} : { response_format: formatOf(form) }),
  };
}

const formatOf = (form: Exclude<NonNullable<ChatRequest["form"]>, { kind: "text" }>): unknown =>
  form.kind === "json"
    ? { type: "json_object" }
    : { type: "json_schema", json_schema: { name: form.name, schema: form.schema, strict: true } };

function messageOf({ role, content, toolCalls, toolCallId }: Message): Record<string, unknown> {
  const calls = (toolCalls ?? []).map(({ id, name, argumentsText }) => ({
    id,
    type: "function",
    function: { name, arguments: argumentsText },
  }));
  return {
    role,
    content: contentOf(content, calls.length > 0),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
  };
}

/** Plain text where there is nothing else: many servers read no lists. */
function contentOf(content: readonly Content[], hasCalls: boolean): unknown {
  if (content.every((each) => each.kind === "text")) {
    const text = content.map((each) => each.text).join("");
    return text === "" && hasCalls ? null : text;
  }
  return content.map((each) =>
    each.kind === "text" ? { type: "text", text: each.text } : { type: "image_url", image_url: { url: each.url } },
  );
}
