/** JSON-RPC messages as they pass a wrapper. What is read here is also what is sent on: no second reader finds another message. */
import type { ProblemDocument } from "../../contract/problem.ts";
import type { Params } from "./port.ts";

export type Id = string | number;
export type Message =
  | {
      readonly kind: "request";
      readonly id: Id;
      readonly method: string;
      readonly params: Params;
      readonly all: Params;
    }
  | { readonly kind: "notification"; readonly method: string; readonly params: Params; readonly all: Params }
  | { readonly kind: "response"; readonly id: Id; readonly all: Params }
  | { readonly kind: "fault"; readonly code: number; readonly message: string; readonly id: Id | null };

export const codes = {
  parse: -32_700,
  invalid: -32_600,
  params: -32_602,
  method: -32_601,
  refused: -32_000,
  unreachable: -32_001,
} as const;

const envelopeKeys = ["jsonrpc", "id", "method", "params", "result", "error"];
const callKeys = ["name", "arguments", "_meta", "task"];

export function readMessage(line: string): Message {
  let all: unknown;
  try {
    all = JSON.parse(line);
  } catch {
    return fault(codes.parse, "this is no JSON");
  }
  return messageOf(all);
}

/** The same for what somebody else has parsed. */
export function messageOf(all: unknown): Message {
  if (!isRecord(all)) return fault(codes.invalid, "one message per line; batches are not part of the protocol");
  const id = isId(all["id"]) ? all["id"] : null;
  if (hasLookalike(all, envelopeKeys)) return fault(codes.invalid, "a field is named almost like one of JSON-RPC", id);
  const { method } = all;
  if (typeof method !== "string")
    return id === null ? fault(codes.invalid, "neither method nor id") : { kind: "response", id, all };
  const params = all["params"] ?? {};
  if (!isRecord(params)) return fault(codes.invalid, "`params` is an object", id);
  if (method === "tools/call" && hasLookalike(params, callKeys))
    return fault(codes.params, "a field is named almost like one of `tools/call`", id);
  if (all["id"] === undefined) return { kind: "notification", method, params, all };
  return id === null
    ? fault(codes.invalid, "`id` is a text or a number")
    : { kind: "request", id, method, params, all };
}

/**
 * Some readers, such as Go's, take `Method` for `method`, and letters that fold to it, too. A message that they would read
 * otherwise than this one does is refused.
 */
const hasLookalike = (value: Params, known: readonly string[]): boolean =>
  Object.keys(value).some((key) => !known.includes(key) && known.includes(key.normalize("NFKC").toLowerCase()));

const fault = (code: number, message: string, id: Id | null = null): Message => ({ kind: "fault", code, message, id });
const isId = (value: unknown): value is Id =>
  typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
export const isRecord = (value: unknown): value is Params =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const text = (message: object): string => JSON.stringify({ jsonrpc: "2.0", ...message });
export const requestText = (id: Id, method: string, params: Params): string => text({ id, method, params });
export const notificationText = (method: string, params: Params): string => text({ method, params });
export const resultText = (id: Id, result: unknown): string => text({ id, result });
export const errorText = (id: Id | null, error: unknown): string => text({ id, error });

/** The hub's no as a result that models read: clients show errors of the protocol to nobody. */
export function refusalText(id: Id, document: ProblemDocument): string {
  const { code, title, detail, rule, source, next } = document;
  const why = [
    `${title}: ${detail}`,
    typeof rule === "string" ? `Rule: ${rule}${typeof source === "string" ? ` (${source})` : ""}` : "",
    typeof next === "string" ? `Next step, for the person: ${next}` : "",
    "Nothing was done.",
  ];
  return resultText(id, {
    resultType: "complete",
    isError: true,
    content: [{ type: "text", text: why.filter((line) => line !== "").join("\n") }],
    _meta: { "arw/problem": { code, title, detail, rule, source, next } },
  });
}
