/** Turns the pieces of a streamed answer into parts, and says when it broke off. */
import { Problem } from "../../contract/problem.ts";
import { type Finish, type Part, unknownUsage, type Usage } from "../../domains/models/port.ts";
import { BadAnswer } from "../../domains/models/port.ts";
import { isObject, listIn, numberIn, problemInStream, textIn, usageOf } from "./answer.ts";

export interface PartReader {
  /** Takes the data of one frame. The last part of an answer is its `end`. */
  take(data: string): readonly Part[];
  /** Nothing comes any more: what is left to say. Throws when the answer was not whole. */
  rest(): readonly Part[];
}

const finishOf: Readonly<Record<string, Finish>> = {
  stop: "stop",
  eos: "stop",
  length: "length",
  tool_calls: "tools",
  function_call: "tools",
  content_filter: "filter",
};

/** A model that asks for more tools at once than that asks for nothing in particular. */
const placesMax = 128;

export function createPartReader(): PartReader {
  let finish: Finish | null = null;
  let usage: Usage = unknownUsage;
  const end = (): Part => ({ kind: "end", finish: finish ?? "stop", usage });
  return {
    take(data) {
      if (data.trim() === "[DONE]") return [end()];
      const chunk = parsed(data);
      if (!isObject(chunk)) throw broken("a piece of the answer is no JSON object");
      const read = readFrame(chunk);
      usage = read.usage ?? usage;
      if (read.reason !== null) finish = finishOf[read.reason] ?? "stop";
      return read.parts;
    },
    rest() {
      // Some servers leave the last line out; the reason of the end says as much.
      if (finish === null) throw broken("the answer broke off before its end");
      return [end()];
    },
  };
}

export interface Frame {
  readonly parts: readonly Part[];
  readonly reason: string | null;
  readonly usage: Usage | null;
}

export function readFrame(chunk: Record<string, unknown>): Frame {
  if (chunk["error"] !== undefined && chunk["error"] !== null) throw problemInStream(chunk["error"]);
  const usage = isObject(chunk["usage"]) ? usageOf(chunk["usage"]) : null;
  const [choice] = listIn(chunk, "choices");
  if (!isObject(choice)) return { parts: [], reason: null, usage };
  return { parts: partsOf(choice), reason: textIn(choice, "finish_reason"), usage };
}

export type Words = Extract<Part, { kind: "text" | "thought" }>;
export const isWords = (part: Part): part is Words => part.kind === "text" || part.kind === "thought";

/** Text that came together goes on together: whatever is done for each piece is done once for all of it. */
export function join(parts: Part[], part: Part): void {
  const last = parts.at(-1);
  if (last !== undefined && isWords(last) && isWords(part) && last.kind === part.kind)
    parts[parts.length - 1] = { kind: last.kind, text: last.text + part.text };
  else parts.push(part);
}

/** Of a streamed piece, of a whole message, or of a plain completion. */
function partsOf(choice: Record<string, unknown>): readonly Part[] {
  const plain = textIn(choice, "text");
  if (plain !== null) return textPart("text", plain);
  const delta = isObject(choice["delta"]) ? choice["delta"] : choice["message"];
  if (!isObject(delta)) return [];
  return [
    ...textPart("thought", textIn(delta, "reasoning_content") ?? textIn(delta, "reasoning")),
    ...textPart("text", textIn(delta, "content")),
    ...listIn(delta, "tool_calls").filter(isObject).map(toolPart),
  ];
}

const textPart = (kind: "text" | "thought", text: string | null): readonly Part[] =>
  text === null || text === "" ? [] : [{ kind, text }];

function toolPart(call: Record<string, unknown>, order: number): Part {
  const place = numberIn(call, "index") ?? order;
  if (!Number.isInteger(place) || place < 0 || place >= placesMax) throw broken("a tool call has no proper place");
  const made = isObject(call["function"]) ? call["function"] : {};
  const id = textIn(call, "id");
  const name = textIn(made, "name");
  const given = made["arguments"];
  return {
    kind: "tool",
    place,
    ...(id === null || id === "" ? {} : { id }),
    ...(name === null || name === "" ? {} : { name }),
    // Some servers write an object where the protocol has text.
    argumentsText:
      typeof given === "string" ? given : given === undefined || given === null ? "" : JSON.stringify(given),
  };
}

const broken = (reason: string): Problem => new Problem(BadAnswer, reason, { reason });

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
