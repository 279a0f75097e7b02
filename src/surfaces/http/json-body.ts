/** A request body as a JSON object, or the problem that says why it is none. */
import { isUtf8 } from "node:buffer";
import { Problem } from "../../contract/problem.ts";
import { InvalidInput, UnsupportedMedia } from "../../contract/standard-problems.ts";
import { jsonFaultAt } from "./json-fault.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

const byteOrderMark = "\ufeff";

/** An empty body counts as no body. Throws `InvalidInput`. */
export function parseBody(bytes: Buffer, depthMax: number): JsonObject | undefined {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw refuse("The body is not valid UTF-8.");
  const text = bytes.toString("utf8");
  const value = parseText(text.startsWith(byteOrderMark) ? text.slice(1) : text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refuse("The body must be a JSON object.");
  inspect(value, depthMax);
  return value as JsonObject;
}

/** Throws `UnsupportedMedia` unless the body is JSON in UTF-8. The exact spelling that programs send costs one comparison. */
export function checkMedia(contentType: string): void {
  if (contentType === "application/json") return;
  const [, ...parameters] = contentType.toLowerCase().split(";");
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="));
  if (charset !== undefined && !["utf-8", "utf8"].includes(charset.slice(8).replaceAll('"', "")))
    throw new Problem(UnsupportedMedia, `The body must be UTF-8, not ${charset.slice(8, 48)}.`);
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const at = jsonFaultAt(text);
    const before = text.slice(0, at);
    const line = before.split("\n").length;
    const column = at - before.lastIndexOf("\n");
    const found = at >= text.length ? "it ends too early" : `unexpected ${JSON.stringify(text[at])}`;
    throw refuse(
      `The body is not JSON: ${found} at line ${line}, column ${column}.`,
      { position: at, line, column },
      error,
    );
  }
}

/** Plain data has no `__proto__` key, and recursion over what came from outside is bounded here, once. */
function inspect(value: object, depthLeft: number): void {
  if (depthLeft === 0) throw refuse("The body is nested too deeply.");
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === "object" && item !== null) inspect(item, depthLeft - 1);
    return;
  }
  if (Object.hasOwn(value, "__proto__")) throw refuse('The body has a key "__proto__", which is never allowed.');
  for (const key in value) {
    const item: unknown = (value as JsonObject)[key];
    if (typeof item === "object" && item !== null) inspect(item, depthLeft - 1);
  }
}

function refuse(detail: string, extra: JsonObject = {}, cause?: unknown): Problem {
  return new Problem(InvalidInput, detail, { faults: [{ at: "", message: detail }], ...extra, cause });
}
