/** `/v1/responses`, without the part that keeps state: what was said before comes along with each request. */
import type { ForeignAnswer, ForeignRequest } from "../../kernel/kernel.ts";
import { answerIn, type Ended, frame, type Item, type OpenAiDeps, streamIn } from "./answering.ts";
import { contentOf, formIn, isObject, type Json, samplingOf, textIn, textOr, toolsIn } from "./reading.ts";
import { unfit } from "./refusals.ts";
import { flatChoice, flatTools, namespaceOf, type ToolNames } from "./tool-names.ts";

interface ChatAnswer extends Ended {
  readonly text: string;
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly argumentsText: string }[];
}

export async function responses(request: ForeignRequest, deps: OpenAiDeps): Promise<ForeignAnswer> {
  const { body } = request;
  for (const name of ["previous_response_id", "conversation"])
    if (typeof body[name] === "string" || isObject(body[name]))
      throw unfit(name, `the hub keeps no responses; send what was said before as input and leave ${name} out`);
  const offered = flatTools(body["tools"]);
  const { names } = offered;
  const input = {
    model: textIn(body, "model"),
    messages: messagesOf(body, names),
    ...toolsIn({ tools: offered.tools, ...flatChoice(body["tool_choice"], offered) }),
    ...formIn(isObject(body["text"]) ? body["text"]["format"] : undefined, "text.format"),
    ...samplingOf(body),
  };
  const createdAt = Math.floor(deps.nowMs() / 1000);
  if (body["stream"] !== true) {
    const { corrId, output } = answerIn<ChatAnswer>(await request.call("models.chat", input));
    const told = { id: `resp_${corrId}`, createdAt, model: output.model, body, names };
    const items = [
      ...(output.text === "" ? [] : [messageItem(`msg_${corrId}`, output.text)]),
      ...output.toolCalls.map((call, place) => callItem(`fc_${corrId}_${place}`, ownCall(call, names))),
    ];
    return { kind: "json", body: response(told, items, output) };
  }
  const { corrId, items } = streamIn(await request.call("models.stream", input));
  return {
    kind: "stream",
    frames: events(items, { id: `resp_${corrId}`, createdAt, model: input.model, body, names }),
  };
}

function messagesOf(body: Json, names: ToolNames): readonly Json[] {
  const { input, instructions } = body;
  const first =
    typeof instructions === "string" ? [{ role: "system", content: [{ kind: "text", text: instructions }] }] : [];
  if (typeof input === "string") return [...first, { role: "user", content: [{ kind: "text", text: input }] }];
  if (!Array.isArray(input) || input.length === 0) throw unfit("input", "input must be a text or a list of items");
  return [...first, ...input.flatMap((each: unknown, place) => itemOf(each, `input[${place}]`, names))];
}

/** What a model thought before is its own; everything else of a conversation is taken. */
function itemOf(value: unknown, param: string, names: ToolNames): readonly Json[] {
  if (!isObject(value)) throw unfit(param, `${param} must be an item`);
  const { type = "message", role } = value;
  if (type === "reasoning") return [];
  if (type === "function_call")
    return [
      {
        role: "assistant",
        content: [],
        toolCalls: [
          {
            id: textOr(value["call_id"]),
            name: names.flat(textOr(value["name"]), namespaceOf(value)),
            argumentsText: textOr(value["arguments"]),
          },
        ],
      },
    ];
  if (type === "function_call_output") {
    const { output } = value;
    const content = contentOf(output, `${param}.output`);
    return [{ role: "tool", content, toolCallId: textOr(value["call_id"]) }];
  }
  if (type !== "message")
    throw unfit(`${param}.type`, `items of the kind ${textOr(type, "?").slice(0, 60)} are not taken`);
  const known = role === "developer" ? "system" : role;
  if (known !== "system" && known !== "user" && known !== "assistant")
    throw unfit(`${param}.role`, `${param}.role must be system, user or assistant`);
  return [{ role: known, content: contentOf(value["content"], `${param}.content`) }];
}

interface Told {
  readonly id: string;
  readonly createdAt: number;
  readonly model: string;
  readonly body: Json;
  readonly names: ToolNames;
}

const messageItem = (id: string, text: string, status = "completed") => ({
  id,
  type: "message",
  role: "assistant",
  status,
  content: [{ type: "output_text", text, annotations: [], logprobs: [] }],
});

interface OwnCall {
  readonly id: string;
  readonly name: string;
  readonly namespace?: string;
  argumentsText: string;
}

const ownCall = (call: ChatAnswer["toolCalls"][number], names: ToolNames): OwnCall => ({
  ...call,
  ...names.own(call.name),
});

const callItem = (id: string, call: OwnCall, status = "completed") => ({
  id,
  type: "function_call",
  call_id: call.id,
  name: call.name,
  ...(call.namespace === undefined ? {} : { namespace: call.namespace }),
  arguments: call.argumentsText,
  status,
});

function response({ id, createdAt, model, body }: Told, output: readonly unknown[], ended: Ended | null) {
  const isCut = ended?.finish === "length" || ended?.finish === "filter";
  const reason = ended?.finish === "filter" ? "content_filter" : "max_output_tokens";
  const usage = ended?.usage;
  const counted = {
    input: usage?.inputTokens ?? 0,
    output: usage?.outputTokens ?? 0,
    cached: usage?.cachedTokens ?? 0,
  };
  return {
    id,
    object: "response",
    created_at: createdAt,
    status: ended === null ? "in_progress" : isCut ? "incomplete" : "completed",
    error: null,
    incomplete_details: isCut ? { reason } : null,
    instructions: body["instructions"] ?? null,
    metadata: body["metadata"] ?? {},
    model: ended?.model ?? model,
    output,
    parallel_tool_calls: true,
    temperature: body["temperature"] ?? null,
    top_p: body["top_p"] ?? null,
    tool_choice: body["tool_choice"] ?? "auto",
    tools: body["tools"] ?? [],
    store: false,
    usage:
      ended === null
        ? null
        : {
            input_tokens: counted.input,
            input_tokens_details: { cached_tokens: counted.cached },
            output_tokens: counted.output,
            output_tokens_details: { reasoning_tokens: 0 },
            total_tokens: counted.input + counted.output,
          },
  };
}

interface Growing {
  readonly place: number;
  readonly id: string;
  call: OwnCall | null;
  text: string;
}

/** The events of a streamed response, each with its number; the last one holds the whole. */
async function* events(items: AsyncIterable<Item>, told: Told): AsyncGenerator<string> {
  let number = 0;
  const event = (type: string, given: object): string => {
    const text = frame({ type, sequence_number: number, ...given }, type);
    number += 1;
    return text;
  };
  const output: Growing[] = [];
  const calls = new Map<number, Growing>();
  let message: Growing | null = null;
  yield event("response.created", { response: response(told, [], null) });
  yield event("response.in_progress", { response: response(told, [], null) });
  for await (const item of items) {
    if (item.kind === "text") {
      if (message === null) {
        message = grown(output, { id: `msg_${told.id}`, call: null });
        yield* opened(message, event);
      }
      message.text += item.text;
      yield event("response.output_text.delta", { ...at(message), content_index: 0, delta: item.text, logprobs: [] });
    } else if (item.kind === "tool") {
      let growing = calls.get(item.place);
      if (growing === undefined) {
        const call = { id: item.id ?? `call-${item.place}`, ...told.names.own(item.name ?? ""), argumentsText: "" };
        growing = grown(output, { id: `fc_${told.id}_${item.place}`, call });
        calls.set(item.place, growing);
        yield* opened(growing, event);
      }
      if (growing.call !== null) growing.call.argumentsText += item.argumentsText;
      if (item.argumentsText !== "")
        yield event("response.function_call_arguments.delta", { ...at(growing), delta: item.argumentsText });
    } else if (item.kind === "end") {
      for (const each of output) yield* closedItem(each, event);
      const whole = response(
        told,
        output.map((each) => shown(each, "completed")),
        item,
      );
      yield event(whole.status === "completed" ? "response.completed" : "response.incomplete", { response: whole });
    }
  }
}

type Event = (type: string, given: object) => string;

function grown(output: Growing[], { id, call }: Pick<Growing, "id" | "call">): Growing {
  const growing = { place: output.length, id, call, text: "" };
  output.push(growing);
  return growing;
}

const at = ({ id, place }: Growing) => ({ item_id: id, output_index: place });
const part = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [] });
const shown = ({ id, call, text }: Growing, status: string) =>
  call === null ? messageItem(id, text, status) : callItem(id, call, status);

function* opened(growing: Growing, event: Event): Generator<string> {
  const item = shown(growing, "in_progress");
  const empty = "content" in item ? { ...item, content: [] } : item;
  yield event("response.output_item.added", { output_index: growing.place, item: empty });
  if (growing.call === null)
    yield event("response.content_part.added", { ...at(growing), content_index: 0, part: part("") });
}

function* closedItem(growing: Growing, event: Event): Generator<string> {
  const { call, text } = growing;
  if (call === null) {
    yield event("response.output_text.done", { ...at(growing), content_index: 0, text, logprobs: [] });
    yield event("response.content_part.done", { ...at(growing), content_index: 0, part: part(text) });
  } else
    yield event("response.function_call_arguments.done", {
      ...at(growing),
      name: call.name,
      arguments: call.argumentsText,
    });
  yield event("response.output_item.done", { output_index: growing.place, item: shown(growing, "completed") });
}
