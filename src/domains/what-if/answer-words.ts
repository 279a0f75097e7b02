/** Says in plain words what the answer of a tool has to be, and what is wrong with one that it could not give. */
import type { SchemaFault, TSchema } from "../../contract/schema.ts";

/** As much of a schema as words are made of. */
interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
}

/** More fields, or longer words, are read by nobody in one sentence. */
const fieldsMax = 12;
const placeCharsMax = 80;
const messageCharsMax = 120;

const typeWords: Readonly<Record<string, string>> = {
  string: "a text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  null: "null",
  array: "a list",
  object: "an object",
};

/** `an object of entries (a list) and nextAfterPath (a text or null)`. */
export function answerWords(schema: TSchema): string {
  const shape = schema as Shape;
  const names = Object.keys(shape.properties ?? {});
  if (names.length === 0) return shortWords(shape);
  const fields = names.slice(0, fieldsMax).map((name) => fieldWords(name, shape));
  return `an object of ${listed([...fields, ...(names.length > fieldsMax ? ["more"] : [])])}`;
}

function fieldWords(name: string, { properties = {}, required = [] }: Shape): string {
  const words = shortWords(properties[name] ?? {});
  return `${name} (${words}${required.includes(name) ? "" : ", may be left out"})`;
}

function shortWords(shape: Shape): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum !== undefined) return shape.enum.slice(0, fieldsMax).map(String).join(" or ");
  if (shape.anyOf !== undefined) return [...new Set(shape.anyOf.map(shortWords))].slice(0, fieldsMax).join(" or ");
  return typeWords[shape.type ?? ""] ?? "any value";
}

/** What is wrong at the place of a fault: `entries/0/sizeBytes has to be a whole number`. */
export function faultWords(schema: TSchema, answer: unknown, { at, message }: SchemaFault): string {
  const names = at
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  const shape = names.reduce(shapeOf, schema as Shape);
  const value = names.reduce(valueOf, answer);
  const place = at.slice(1, placeCharsMax);
  const missing = kindOf(value) === "object" ? (shape.required ?? []).filter((name) => !(name in Object(value))) : [];
  if (missing.length > 0)
    return `${listed(missing)} ${missing.length === 1 ? "is" : "are"} missing${place === "" ? "" : ` in ${place}`}`;
  if (!isOfType(shape, value)) return `${place === "" ? "it" : place} has to be ${shortWords(shape)}`;
  return `${place === "" ? "" : `${place}: `}${message.slice(0, messageCharsMax)}`;
}

function shapeOf(shape: Shape, name: string): Shape {
  const among = [shape, ...(shape.anyOf ?? [])];
  const found = among.find(({ properties }) => properties !== undefined && Object.hasOwn(properties, name));
  return found?.properties?.[name] ?? among.find(({ items }) => items !== undefined)?.items ?? {};
}

const valueOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

/** Where the kind is right, a finer rule was broken, and the fault has the words for it. */
function isOfType({ type, anyOf }: Shape, value: unknown): boolean {
  if (anyOf !== undefined) return anyOf.some((each) => isOfType(each, value));
  if (type === undefined) return true;
  return type === kindOf(value) || (type === "integer" && Number.isInteger(value));
}

const kindOf = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
