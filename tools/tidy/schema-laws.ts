/** Laws of single schemas: objects are closed, and a field whose name carries a unit says what it measures. */

export interface JsonSchema {
  readonly type?: unknown;
  readonly description?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly patternProperties?: unknown;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

const unitEnding = /(Ms|Bytes)(Max|Min)?$/;

export const fieldNamesOf = (schema: JsonSchema): string[] => Object.keys(schema.properties ?? {});
export const requiredNamesOf = (schema: JsonSchema): readonly string[] => schema.required ?? [];

/** Paths of objects that accept keys they do not name. */
export const closedFaults = (schema: JsonSchema): string[] =>
  visited(schema)
    .filter(
      ({ schema: { type, additionalProperties, patternProperties } }) =>
        type === "object" && additionalProperties !== false && patternProperties === undefined,
    )
    .map(({ path }) => path);

/** Paths of fields with a unit in the name and no word on what they measure. */
export const unitFaults = (schema: JsonSchema): string[] =>
  visited(schema)
    .filter(
      ({ path, schema: { description, anyOf } }) =>
        unitEnding.test(path) &&
        !hasDescription(description) &&
        !anyOf?.some((each) => hasDescription(each.description)),
    )
    .map(({ path }) => path);

const hasDescription = (description: unknown): boolean => typeof description === "string" && description.length > 0;

function visited(schema: JsonSchema, path = ""): { path: string; schema: JsonSchema }[] {
  return [
    { path, schema },
    ...Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => visited(inner, `${path}.${name}`)),
    ...(schema.items ? visited(schema.items, `${path}[]`) : []),
    ...[...(schema.anyOf ?? []), ...(schema.allOf ?? []), ...(schema.oneOf ?? [])].flatMap((inner) =>
      visited(inner, `${path}|`),
    ),
  ];
}
