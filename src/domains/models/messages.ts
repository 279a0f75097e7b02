/** What is said to models and what they say, as every operation that asks one has it. */
import { closed, DurationMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { finishes } from "./port.ts";

export const Count = Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
  description: "Null where nobody counted.",
});
export const Usage = closed({ inputTokens: Count, outputTokens: Count, cachedTokens: Count });
/** What an answer took beside tokens. */
export const taken = {
  microUsd: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
    description: "Millionths of a USD by the price list; null where nobody knows the price, or nobody counted.",
  }),
  durationMs: DurationMs,
  firstMs: Type.Union([DurationMs, Type.Null()], { description: "Until the first piece of the answer." }),
};

export const Text = Type.String({ maxLength: 2_000_000 });
const Piece = Type.Union([
  closed({ kind: oneOf(["text"]), text: Text }),
  closed({
    kind: oneOf(["image"]),
    url: Type.String({
      pattern: "^data:image/",
      maxLength: 8_000_000,
      description: "The image itself, as `data:image/…`.",
    }),
  }),
]);
export const ToolName = Type.String({ pattern: "^[A-Za-z0-9_.-]{1,128}$" });
export const ToolCall = closed({
  id: Type.String({ maxLength: 200 }),
  name: Type.String({ maxLength: 200 }),
  argumentsText: Type.String({ maxLength: 1_000_000, description: "As the model wrote it, which may be no JSON." }),
});
export const ChatMessage = closed({
  role: oneOf(["system", "user", "assistant", "tool"]),
  content: Type.Array(Piece, { maxItems: 1000 }),
  toolCalls: Type.Optional(Type.Array(ToolCall, { maxItems: 128 })),
  toolCallId: Type.Optional(Type.String({ maxLength: 200 })),
});
/** What an answer may have when nobody says. */
export const tokensMaxDefault = 2048;
export const sampling = {
  tokensMax: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: tokensMaxDefault,
      description: "The most that the answer may have, tokens.",
    }),
  ),
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
  topP: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  seed: Type.Optional(Type.Integer()),
  stop: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 16 })),
};
export const answered = {
  model: Type.String({ description: "The model that answered." }),
  finish: oneOf(finishes),
  usage: Usage,
  ...taken,
  isScripted: Type.Boolean({ description: "The answer was written beforehand." }),
  label: oneOf(["tool"], "What a model says was told by somebody else."),
};
export const ChatAnswer = closed({
  text: Type.String(),
  thought: Type.String({ description: "What the model said to itself; empty where it did not." }),
  toolCalls: Type.Array(ToolCall),
  ...answered,
});
export const StreamItem = Type.Union([
  closed({ kind: oneOf(["text", "thought"]), text: Type.String() }),
  closed({
    kind: oneOf(["tool"]),
    place: Type.Integer({ minimum: 0 }),
    id: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    argumentsText: Type.String(),
  }),
  closed({ kind: oneOf(["end"]), ...answered }),
]);
export type StreamItem = Static<typeof StreamItem>;
