/**
 * Checks JSON against `.proto` files by the mapping that OTLP prescribes: names in lowerCamelCase, ids in hexadecimal, 64-bit
 * integers as text, enums as numbers, and nothing that the schema does not know.
 */
import assert from "node:assert/strict";

interface Field {
  readonly type: string;
  readonly name: string;
  readonly isRepeated: boolean;
  readonly oneof: string | null;
}
export interface ProtoSchema {
  /** By their name within the package: `Span.Event`. */
  readonly messages: ReadonlyMap<string, ReadonlyMap<string, Field>>;
  readonly enums: ReadonlyMap<string, ReadonlySet<number>>;
}

const tokens =
  /\b(message|enum|oneof|service)\s+(\w+)\s*\{|\b(repeated\s+)?([\w.]+)\s+(\w+)\s*=\s*\d+\s*;|\b(\w+)\s*=\s*(\d+)\s*;|(\})/gu;

export function parseProto(texts: readonly string[]): ProtoSchema {
  const schema = { messages: new Map<string, Map<string, Field>>(), enums: new Map<string, Set<number>>() };
  for (const text of texts) {
    const blocks: Block[] = [];
    const plain = text.replaceAll(/\/\/.*$/gmu, "").replaceAll(/^option .*$/gmu, "");
    for (const match of plain.matchAll(tokens)) readToken(match, blocks, schema);
  }
  return schema;
}

interface Block {
  readonly sort: string;
  readonly name: string;
}
interface Growing {
  readonly messages: Map<string, Map<string, Field>>;
  readonly enums: Map<string, Set<number>>;
}

function readToken(match: RegExpExecArray, blocks: Block[], { messages, enums }: Growing): void {
  const [, sort, name, repeated, type, field, , value, close] = match;
  const path = blocks.filter((each) => each.sort !== "oneof").map((each) => each.name);
  const inner = blocks.at(-1);
  if (close !== undefined) blocks.pop();
  else if (sort !== undefined && name !== undefined) {
    blocks.push({ sort, name });
    if (sort === "message") messages.set([...path, name].join("."), new Map());
    if (sort === "enum") enums.set([...path, name].join("."), new Set());
  } else if (field !== undefined && type !== undefined) {
    const oneof = inner?.sort === "oneof" ? inner.name : null;
    messages.get(path.join("."))?.set(camel(field), { type, name: field, isRepeated: repeated !== undefined, oneof });
  } else if (value !== undefined) enums.get(path.join("."))?.add(Number(value));
}

const camel = (name: string): string => name.replace(/_(\w)/gu, (_all, letter: string) => letter.toUpperCase());

const hexDigits: Readonly<Record<string, number>> = { trace_id: 32, span_id: 16, parent_span_id: 16 };
const bigRanges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  fixed64: [0n, 2n ** 64n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  fixed32: [0, 2 ** 32 - 1],
  uint32: [0, 2 ** 32 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
};

/** A value that ought to be of a type. */
interface Given {
  readonly type: string;
  readonly value: unknown;
  /** Where it stands in the whole. */
  readonly at: string;
}

/** Fails with the place of the first thing that is not as the schema has it. */
export function assertMessage(schema: ProtoSchema, { type, value, at }: Given): void {
  const fields = schema.messages.get(type);
  assert.ok(fields, `${type} is a message of the schema`);
  assert.ok(typeof value === "object" && value !== null && !Array.isArray(value), `${at} is an object`);
  const chosen = new Set<string>();
  for (const [key, given] of Object.entries(value)) {
    const field = fields.get(key);
    assert.ok(field, `${at}.${key} is no field of ${type}`);
    if (field.oneof !== null) {
      assert.ok(!chosen.has(field.oneof), `${at} has one ${field.oneof} only`);
      chosen.add(field.oneof);
    }
    if (field.isRepeated) assert.ok(Array.isArray(given), `${at}.${key} is a list`);
    const values: readonly unknown[] = field.isRepeated ? (given as unknown[]) : [given];
    const named = resolve(schema, field.type, type);
    for (const [index, each] of values.entries())
      assertValue(schema, field, { type: named, value: each, at: `${at}.${key}[${index}]` });
  }
}

function assertValue(schema: ProtoSchema, field: Field, given: Given): void {
  const { type, value, at } = given;
  const big = bigRanges[type];
  const range = ranges[type];
  if (big !== undefined) {
    assert.ok(typeof value === "string" && /^-?(?:0|[1-9]\d*)$/u.test(value), `${at} is a whole number as text`);
    assert.ok(BigInt(value) >= big[0] && BigInt(value) <= big[1], `${at} fits into ${type}`);
  } else if (range !== undefined) {
    assert.ok(Number.isInteger(value), `${at} is a whole number`);
    assert.ok(Number(value) >= range[0] && Number(value) <= range[1], `${at} fits into ${type}`);
  } else if (type === "bytes") assertBytes(field.name, value, at);
  else if (type === "string") assert.ok(typeof value === "string" && value.isWellFormed(), `${at} is text`);
  else if (type === "bool") assert.equal(typeof value, "boolean", at);
  else if (type === "double") assert.ok(typeof value === "number" && Number.isFinite(value), `${at} is a number`);
  else if (schema.enums.has(type))
    assert.ok(typeof value === "number" && schema.enums.get(type)?.has(value), `${at} is a number of ${type}`);
  else assertMessage(schema, given);
}

function assertBytes(name: string, value: unknown, at: string): void {
  const digits = hexDigits[name];
  assert.ok(typeof value === "string", `${at} is text`);
  if (digits === undefined) assert.match(value, /^[A-Za-z0-9+/]*={0,2}$/u, `${at} is base64`);
  else {
    assert.match(value, new RegExp(`^[0-9a-fA-F]{${digits}}$`, "u"), `${at} has ${digits} hexadecimal digits`);
    assert.doesNotMatch(value, /^0+$/u, `${at} is not all zero`);
  }
}

const scalars: ReadonlySet<string> = new Set([
  "bytes",
  "string",
  "bool",
  "double",
  ...Object.keys(bigRanges),
  ...Object.keys(ranges),
]);

/** Looked for inside the owner first, as the language of the schema does. */
function resolve(schema: ProtoSchema, type: string, owner: string): string {
  if (scalars.has(type)) return type;
  const last = type.slice(type.lastIndexOf(".") + 1);
  const names = [`${owner}.${last}`, type, last];
  const found = names.find((name) => schema.messages.has(name) || schema.enums.has(name));
  assert.ok(found, `${type} in ${owner} is known`);
  return found;
}
