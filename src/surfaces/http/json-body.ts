/** A request body as a JSON object, or the problem that says why it is none. */
import { isUtf8 } from "node:buffer";
import { Problem } from "../../contract/problem.ts";
import { InvalidInput, UnsupportedMedia } from "../../contract/standard-problems.ts";
import { jsonFaultAt } from "./json-fault.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

const byteOrderMark = "\ufeff";
/** Smaller bodies are parsed before their depth is looked at: that takes milliseconds, however they are made. */
const scannedBytesMin = 16_384;
/** Where larger texts break is not looked for: that would keep everybody waiting for longer than a tenth of a second. */
const faultSearchMax = 1_048_576;

/** An empty body counts as no body. Throws `InvalidInput`. */
export function parseBody(bytes: Buffer, depthMax: number): JsonObject | undefined {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw refuse("The body is not valid UTF-8.");
  if (bytes.length >= scannedBytesMin && isDeeperThan(depthMax, bytes)) throw tooDeep();
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
  const [media = "", ...parameters] = contentType.toLowerCase().split(";");
  if (media.trim() !== "application/json") throw new Problem(UnsupportedMedia, "Send the body as application/json.");
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="));
  if (charset !== undefined && !["utf-8", "utf8"].includes(charset.slice(8).replaceAll('"', "")))
    throw new Problem(UnsupportedMedia, `The body must be UTF-8, not ${charset.slice(8, 48)}.`);
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (text.length > faultSearchMax) throw refuse("The body is not JSON.", {}, error);
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

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Counts brackets outside of strings. Of millions inside each other `JSON.parse` makes seconds in which nothing else runs. */
function isDeeperThan(depthMax: number, bytes: Buffer): boolean {
  let depth = 0;
  let isString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) isString = !isString;
    else if (isString) at += byte === backslash ? 1 : 0;
    else if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) depth -= 1;
    if (depth > depthMax) return true;
  }
  return false;
}

const tooDeep = (): Problem => refuse("The body is nested too deeply.");

/** Plain data has no `__proto__` key, and recursion over what came from outside is bounded here, once. */
function inspect(value: object, depthLeft: number): void {
  if (depthLeft === 0) throw tooDeep();
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
