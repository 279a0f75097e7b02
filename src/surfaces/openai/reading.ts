/** Reads requests of the OpenAI protocol: what we know is taken, what we cannot honour is refused, the rest is left alone. */
import { unfit } from "./refusals.ts";

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function textIn(body: Json, name: string): string {
  const value = body[name];
  if (typeof value !== "string" || value === "") throw unfit(name, `${name} must be a text`);
  return value;
}

export const textOr = (value: unknown, otherwise = ""): string => (typeof value === "string" ? value : otherwise);

type Numbers = Readonly<Record<string, readonly [fits: (value: number) => boolean, words: string]>>;
const count: Numbers[string] = [(value) => Number.isInteger(value) && value >= 1, "a whole number of at least 1"];
/** Told by their own names here; what the hub allows of them stands with its operations. */
const numbers: Numbers = {
  max_completion_tokens: count,
  max_output_tokens: count,
  max_tokens: count,
  temperature: [(value) => value >= 0 && value <= 2, "a number from 0 to 2"],
  top_p: [(value) => value >= 0 && value <= 1, "a number from 0 to 1"],
  seed: [Number.isSafeInteger, "a whole number"],
};

const orNothing = (value: unknown): unknown => (value === null ? undefined : value);

/** Limits, chance and where to stop; each only where it is given. */
export function samplingOf(body: Json): Json {
  refuseMany(body);
  for (const [name, [fits, words]] of Object.entries(numbers)) {
    const value = orNothing(body[name]);
    if (value !== undefined && !(typeof value === "number" && fits(value)))
      throw unfit(name, `${name} must be ${words}`);
  }
  const tokensMax = orNothing(body["max_completion_tokens"] ?? body["max_output_tokens"] ?? body["max_tokens"]);
  const stop = orNothing(body["stop"]);
  const given = {
    tokensMax,
    temperature: orNothing(body["temperature"]),
    topP: orNothing(body["top_p"]),
    seed: orNothing(body["seed"]),
    stop: typeof stop === "string" ? [stop] : stop,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

export function wantsUsage(body: Json): boolean {
  const options = body["stream_options"];
  return isObject(options) && options["include_usage"] === true;
}

function refuseMany(body: Json): void {
  const count = body["n"] ?? 1;
  if (count !== 1) throw unfit("n", "one answer is given to each request; n must be 1");
}

/** Messages as they stand in chats; `developer` is what `system` is called by newer clients. */
export function messagesIn(value: unknown, param: string): readonly Json[] {
  if (!Array.isArray(value) || value.length === 0)
    throw unfit(param, `${param} must be a list with at least one message`);
  return value.map((each: unknown, place) => messageOf(each, `${param}[${place}]`));
}

const roles: Readonly<Record<string, string>> = {
  system: "system",
  developer: "system",
  user: "user",
  assistant: "assistant",
  tool: "tool",
  function: "tool",
};

function messageOf(value: unknown, param: string): Json {
  if (!isObject(value)) throw unfit(param, `${param} must be a message`);
  const role = roles[String(value["role"])];
  if (role === undefined) throw unfit(`${param}.role`, `${param}.role must be system, user, assistant or tool`);
  const calls = value["tool_calls"];
  const answered = value["tool_call_id"];
  return {
    role,
    content: contentOf(value["content"], `${param}.content`),
    ...(Array.isArray(calls) && calls.length > 0 ? { toolCalls: calls.map((each) => toolCallOf(each, param)) } : {}),
    ...(typeof answered === "string" ? { toolCallId: answered } : {}),
  };
}

export function contentOf(value: unknown, param: string): readonly Json[] {
  if (value === null || value === undefined) return [];
  if (typeof value === "string") return [{ kind: "text", text: value }];
  if (!Array.isArray(value)) throw unfit(param, `${param} must be a text or a list of parts`);
  return value.map((each: unknown, place) => partOf(each, `${param}[${place}]`));
}

function partOf(value: unknown, param: string): Json {
  if (!isObject(value)) throw unfit(param, `${param} must be a part`);
  const text = value["text"] ?? value["refusal"];
  if (typeof text === "string") return { kind: "text", text };
  const image = value["image_url"];
  const url = isObject(image) ? image["url"] : image;
  if (typeof url !== "string") throw unfit(param, `${param} is neither text nor picture`);
  if (!url.startsWith("data:image/"))
    throw unfit(param, `${param}: pictures come inside the request, as data:image/…; the hub fetches none for a model`);
  return { kind: "image", url };
}

function toolCallOf(value: unknown, param: string): Json {
  const made = isObject(value) && isObject(value["function"]) ? value["function"] : {};
  if (!isObject(value) || typeof made["name"] !== "string")
    throw unfit(`${param}.tool_calls`, "a tool call has no name");
  return { id: textOr(value["id"]), name: made["name"], argumentsText: textOr(made["arguments"]) };
}

/** Of chats, where the function stands apart, and of responses, where it does not. */
export function toolsIn(body: Json): Json {
  const value = body["tools"];
  if (!Array.isArray(value) || value.length === 0) return {};
  const tools = value.map((each: unknown, place) => {
    const param = `tools[${place}]`;
    if (!isObject(each)) throw unfit(param, `${param} must be a tool`);
    const { type } = each;
    if (type !== "function")
      throw unfit(`${param}.type`, `the hub offers no tools of its own here, only functions of yours`);
    const made = isObject(each["function"]) ? each["function"] : each;
    if (typeof made["name"] !== "string") throw unfit(`${param}.name`, `${param} has no name`);
    return {
      name: made["name"],
      about: textOr(made["description"]),
      input: made["parameters"] ?? { type: "object" },
    };
  });
  return { tools, ...choiceOf(body["tool_choice"]) };
}

function choiceOf(value: unknown): Json {
  if (value === undefined || value === null) return {};
  if (value === "auto" || value === "none" || value === "required") return { toolChoice: value };
  const made = isObject(value) && isObject(value["function"]) ? value["function"] : value;
  if (isObject(made) && typeof made["name"] === "string") return { toolChoice: { name: made["name"] } };
  throw unfit("tool_choice", "tool_choice must be auto, none, required or one function");
}

/** `response_format` of chats and `text.format` of responses. */
export function formIn(value: unknown, param: string): Json {
  if (!isObject(value) || value["type"] === "text") return {};
  if (value["type"] === "json_object") return { form: { kind: "json" } };
  const made = isObject(value["json_schema"]) ? value["json_schema"] : value;
  if (value["type"] !== "json_schema" || !isObject(made["schema"]))
    throw unfit(param, `${param} must be text, json_object, or json_schema with a schema`);
  const name = typeof made["name"] === "string" ? made["name"] : "answer";
  return { form: { kind: "schema", name, schema: made["schema"] } };
}
