/** How the parts of a request become the one input of an operation. Everything is worked out per route, at start. */
import { Problem } from "../../contract/problem.ts";
import type { TObject, TSchema } from "../../contract/schema.ts";
import { InvalidInput } from "../../contract/standard-problems.ts";
import type { JsonObject } from "./json-body.ts";

/** Gives back the raw text when it is not of the declared type, so that decode refuses it and says what was expected. */
type Convert = (raw: string) => unknown;

interface Field {
  readonly convert: Convert;
  readonly isList: boolean;
}

export interface InputPlan {
  readonly fields: ReadonlyMap<string, Field>;
  readonly hasAfter: boolean;
}

export interface InputSources {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly body: JsonObject | undefined;
  readonly lastEventId: string | undefined;
}

/** The keywords of a schema that decide how text becomes a value. */
interface SchemaText {
  readonly type?: string;
  readonly items?: TSchema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly TSchema[];
}

export function planInput(schema: TObject): InputPlan {
  const fields = new Map<string, Field>();
  for (const [name, property] of Object.entries(schema.properties)) fields.set(name, planField(property));
  return { fields, hasAfter: fields.has("after") };
}

/** Path, query and body as one object. Throws `InvalidInput` when a key stands in two of them. */
export function readInput(plan: InputPlan, sources: InputSources): Record<string, unknown> {
  const { params, query, body, lastEventId } = sources;
  const input: Record<string, unknown> = body === undefined ? {} : { ...body };
  for (const name in params) place(input, name, convertField(plan.fields.get(name), params[name] ?? ""));
  for (const name in query) place(input, name, convertField(plan.fields.get(name), query[name] ?? ""));
  // A client that reconnects by itself asks for the same address again, and says in the header how far it came since.
  // Where that address said to begin no longer matters.
  if (lastEventId !== undefined && plan.hasAfter) {
    input["after"] = convertField(plan.fields.get("after"), lastEventId);
    if (typeof input["replay"] === "number") delete input["replay"];
  }
  return input;
}

function place(input: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__" || Object.hasOwn(input, name)) {
    const message = name === "__proto__" ? "is never allowed" : "is given twice: in the path, the query or the body";
    throw new Problem(InvalidInput, `"${name}" ${message}.`, { faults: [{ at: `/${name}`, message }] });
  }
  input[name] = value;
}

function convertField(field: Field | undefined, raw: string | readonly string[]): unknown {
  if (field === undefined) return raw;
  if (typeof raw === "string") return field.isList ? splitList(field, raw) : field.convert(raw);
  return field.isList ? raw.flatMap((part) => splitList(field, part)) : raw;
}

/** An empty text is a list of one empty text, which the schema refuses where it means nothing. An empty list is left out. */
function splitList(field: Field, raw: string): unknown[] {
  return raw.split(",").map((part) => field.convert(part.trim()));
}

function planField(schema: TSchema): Field {
  const { type, items } = schema as SchemaText;
  if (type === "array" && items !== undefined) return { convert: planConvert(items), isList: true };
  return { convert: planConvert(schema), isList: false };
}

function planConvert(schema: TSchema): Convert {
  const { type, anyOf, const: constant, enum: words } = schema as SchemaText;
  if (anyOf !== undefined) return firstOf(anyOf.map(planConvert));
  if (words !== undefined) return oneOfWords(words);
  if (constant !== undefined) return oneOfWords([constant]);
  if (type === "integer" || type === "number") return toNumber;
  if (type === "boolean") return toBoolean;
  return asIs;
}

const asIs: Convert = (raw) => raw;
const toBoolean: Convert = (raw) => (raw === "true" ? true : raw === "false" ? false : raw);
const decimal = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/;
const toNumber: Convert = (raw) => {
  const value = Number(raw);
  return decimal.test(raw) && Number.isFinite(value) ? value : raw;
};

/** Text that spells one of the values becomes that value; numbers and booleans among them included. */
function oneOfWords(words: readonly unknown[]): Convert {
  const values = new Map(words.map((word) => [String(word), word]));
  return (raw) => (values.has(raw) ? values.get(raw) : raw);
}

function firstOf(converts: readonly Convert[]): Convert {
  return (raw) => {
    for (const convert of converts) {
      const value = convert(raw);
      if (typeof value !== "string") return value;
    }
    return raw;
  };
}
