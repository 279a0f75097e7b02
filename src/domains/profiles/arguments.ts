/**
 * Arguments as a model wrote them. What is certain is mended: a fence around it, quotes of the other kind, a comma too many,
 * an end that is missing. Nothing is guessed about values; what is left unclear is asked again. Pure.
 */

export type ArgumentsRead =
  | { readonly kind: "object"; readonly value: Readonly<Record<string, unknown>>; readonly mended: readonly string[] }
  | { readonly kind: "fault"; readonly message: string };

/** Longer arguments are no call of a tool but a document. */
const charsMax = 1_000_000;
/** Deeper than any input of a tool. */
const depthMax = 64;

/** What was cut off at the length of the answer may have had more to say, so its end is not mended. */
export function readArguments(text: string, isCutOff = false): ArgumentsRead {
  const read = readWhole(text);
  if (!isCutOff || read.kind === "fault" || !read.mended.includes(missingEnd)) return read;
  return { kind: "fault", message: "the answer was cut off at its length; say less at once" };
}

const missingEnd = "a missing end";

function readWhole(text: string): ArgumentsRead {
  if (text.length > charsMax) return { kind: "fault", message: `the arguments have more than ${charsMax} characters` };
  const plain = parsed(text.trim() === "" ? "{}" : text);
  if (plain !== undefined) return asObject(plain, []);
  const mended: string[] = [];
  const inner = unfenced(text.trim());
  if (inner !== text.trim()) mended.push("a fence around the JSON");
  const rewritten = rewrite(inner);
  if (rewritten === null) return { kind: "fault", message: "the arguments are no JSON" };
  const value = parsed(rewritten.text);
  if (value === undefined) return { kind: "fault", message: "the arguments are no JSON" };
  return asObject(value, [...mended, ...rewritten.mended]);
}

/** Some models write the object as a text once more. */
function asObject(value: unknown, mended: readonly string[]): ArgumentsRead {
  if (typeof value === "string") {
    const inner = parsed(value);
    if (isObject(inner)) return { kind: "object", value: inner, mended: [...mended, "JSON within a text"] };
  }
  if (!isObject(value)) return { kind: "fault", message: "the arguments are no object" };
  return { kind: "object", value, mended };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const unfenced = (text: string): string => /^```[a-z]*\s*\n?([\s\S]*?)\n?\s*```$/u.exec(text)?.[1]?.trim() ?? text;

interface Rewriting {
  readonly text: string;
  readonly mended: readonly string[];
}

const closers: Readonly<Record<string, string>> = { "{": "}", "[": "]" };

/** One walk over the text: strings are copied, what stands between them is mended. Null where it is beyond that. */
function rewrite(text: string): Rewriting | null {
  const mended = new Set<string>();
  const open: string[] = [];
  let out = "";
  let at = 0;
  while (at < text.length) {
    const letter = text[at] as string;
    if (letter === '"' || letter === "'") {
      const found = readString(text, at);
      if (found === null) return null;
      if (letter === "'") mended.add("single quotes");
      out += JSON.stringify(found.value);
      at = found.end;
      continue;
    }
    if (letter === "{" || letter === "[") {
      if (open.length >= depthMax) return null;
      open.push(closers[letter] as string);
    }
    if (letter === "}" || letter === "]") {
      if (open.pop() !== letter) return null;
      out = withoutComma(out, mended);
    }
    out += letter;
    at += 1;
  }
  if (open.length > 0) {
    // More digits may have followed.
    if (/[0-9.eE+-]\s*$/u.test(out)) return null;
    out = withoutComma(out, mended);
    mended.add(missingEnd);
  }
  return { text: out + open.toReversed().join(""), mended: [...mended] };
}

function withoutComma(out: string, mended: Set<string>): string {
  const trimmed = out.trimEnd();
  if (!trimmed.endsWith(",")) return out;
  mended.add("a comma too many");
  return trimmed.slice(0, -1);
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

/** A text that does not end is not mended: nobody knows what was to follow. */
function readString(text: string, start: number): { readonly value: string; readonly end: number } | null {
  const quote = text[start];
  let value = "";
  for (let at = start + 1; at < text.length; at += 1) {
    const letter = text[at] as string;
    if (letter === quote) return { value, end: at + 1 };
    if (letter !== "\\") {
      value += letter;
      continue;
    }
    at += 1;
    const next = text[at] ?? "";
    const code = next === "u" ? /^[0-9a-fA-F]{4}/u.exec(text.slice(at + 1))?.[0] : undefined;
    if (next === "u") {
      if (code === undefined) return null;
      value += String.fromCharCode(Number.parseInt(code, 16));
      at += code.length;
    } else value += escapes[next] ?? next;
  }
  return null;
}
