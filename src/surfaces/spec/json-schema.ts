/** JSON Schemas as plain values, and a shelf where shared ones are kept once. */
import type { TSchema } from "../../contract/schema.ts";

export type JsonSchema = { readonly [keyword: string]: unknown };

/** The library keeps marks of its own beside the keywords, which JSON drops, and writes tuples in the form of an old draft. */
export const plain = (schema: TSchema): JsonSchema => withPrefixItems(JSON.parse(JSON.stringify(schema)) as JsonSchema);

function withPrefixItems(schema: JsonSchema): JsonSchema {
  const { items, additionalItems, ...rest } = schema;
  if (!Array.isArray(items)) return mapSubschemas(schema, withPrefixItems);
  const tail = additionalItems === undefined ? {} : { items: additionalItems };
  return mapSubschemas({ ...rest, prefixItems: items, ...tail }, withPrefixItems);
}

const listKeywords = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const mapKeywords = new Set(["properties", "patternProperties", "$defs"]);
const singleKeywords = new Set(["items", "additionalProperties", "not", "contains", "propertyNames"]);

/** The same schema with each direct subschema replaced; `place` says where it stands. */
export function mapSubschemas(
  schema: JsonSchema,
  replace: (inner: JsonSchema, place: string) => JsonSchema,
): JsonSchema {
  const each = (value: unknown, place: string): unknown => (isSchema(value) ? replace(value, place) : value);
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (mapKeywords.has(keyword) && isSchema(value)) {
        return [keyword, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, each(inner, name)]))];
      }
      if (listKeywords.has(keyword) && Array.isArray(value)) return [keyword, value.map((inner) => each(inner, ""))];
      return [keyword, singleKeywords.has(keyword) ? each(value, "item") : value];
    }),
  );
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export interface Shelf {
  /** A reference where the schema is kept on the shelf, else the schema with references inside. */
  use(schema: JsonSchema): JsonSchema;
  /** Everything that is kept, by name, in alphabetical order. */
  readonly kept: Readonly<Record<string, JsonSchema>>;
}

export interface ShelfOptions {
  /** What goes before the name in a reference. */
  readonly prefix: string;
  /** Names that the document gives to something else. */
  readonly reserved: readonly string[];
}

export interface Named {
  readonly name: string;
  readonly schema: JsonSchema;
}

/**
 * Keeps every named object, and every unnamed one that occurs twice, under the name of the field that holds it. Equal schemas
 * share the first name. The order of `roots` decides between names, so the result depends on nothing else.
 */
export function createShelf(roots: readonly Named[], { prefix, reserved }: ShelfOptions): Shelf {
  const nameOf = new Map<string, string>();
  const taken = new Set(reserved);
  const keep = (schema: JsonSchema, name: string): void => {
    const text = JSON.stringify(schema);
    if (nameOf.has(text)) return;
    nameOf.set(text, freeName(name, taken));
  };
  for (const { name, schema } of roots) if (isWorthAName(schema)) keep(schema, name);
  for (const { name, schema } of repeated(roots)) keep(schema, name);
  const inside = (schema: JsonSchema): JsonSchema => mapSubschemas(schema, use);
  const use = (schema: JsonSchema): JsonSchema => {
    const name = nameOf.get(JSON.stringify(schema));
    return name === undefined ? inside(schema) : { $ref: prefix + name };
  };
  const kept = [...nameOf].map(([text, name]) => [name, inside(JSON.parse(text) as JsonSchema)] as const);
  return { use, kept: Object.fromEntries(kept.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

function isWorthAName({ type, properties, anyOf }: JsonSchema): boolean {
  return (type === "object" && isSchema(properties) && Object.keys(properties).length > 0) || Array.isArray(anyOf);
}

function repeated(roots: readonly Named[]): Named[] {
  const seen = new Map<string, { count: number; name: string; schema: JsonSchema }>();
  const visit = (schema: JsonSchema, name: string): void => {
    mapSubschemas(schema, (inner, place) => {
      const innerName = place === "" ? name : place === "item" ? `${name}Item` : upperFirst(place);
      if (inner["type"] === "object" && isWorthAName(inner)) count(inner, innerName);
      visit(inner, innerName);
      return inner;
    });
  };
  const count = (schema: JsonSchema, name: string): void => {
    const text = JSON.stringify(schema);
    const known = seen.get(text);
    if (known) known.count += 1;
    else seen.set(text, { count: 1, name, schema });
  };
  for (const { name, schema } of roots) visit(schema, name);
  return [...seen.values()].filter((each) => each.count > 1);
}

function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = `${name}${number}`;
  taken.add(free);
  return free;
}

export const upperFirst = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** `fs.list` as `FsList`. */
export const pascalCase = (dotted: string): string =>
  dotted
    .split(/[.\-_]/)
    .map(upperFirst)
    .join("");
