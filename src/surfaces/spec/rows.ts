/** The rows of the table in the order in which every document lists them. */
import type { EventDefinition } from "../../contract/event.ts";
import type { Bound, Operation } from "../../contract/operation.ts";
import type { ProblemDefinition } from "../../contract/problem.ts";
import type { View } from "../../contract/view.ts";
import type { Table } from "../../kernel/kernel.ts";
import { type JsonSchema, type Named, pascalCase, plain, upperFirst } from "./json-schema.ts";

export const boundsOf = (table: Table): Bound[] => sortedBy(table.operations.values(), ({ operation }) => operation.id);

export const operationsOf = (table: Table): Operation[] => boundsOf(table).map(({ operation }) => operation);

export const eventsOf = (table: Table): EventDefinition[] => sortedBy(table.events.values(), ({ kind }) => kind);

export const viewsOf = (table: Table): View[] => sortedBy(table.views.values(), ({ name }) => name);

export const problemsOf = (table: Table): ProblemDefinition[] => sortedBy(table.problems.values(), ({ code }) => code);

/** By code unit, so that the order is the same on every machine. */
function sortedBy<T>(rows: Iterable<T>, text: (row: T) => string): T[] {
  return [...rows].toSorted((a, b) => (text(a) < text(b) ? -1 : Number(text(a) > text(b))));
}

/** Where an operation is found over HTTP, and which of its fields travel in the path. */
export function routeOf({ http }: Pick<Operation, "http">): { method: string; path: string; pathFields: string[] } {
  const [method = "", path = ""] = http.split(" ");
  return { method, path, pathFields: [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "") };
}

/** GET and DELETE carry their fields in the query; the others in the body. */
export const hasBody = (method: string): boolean => method !== "GET" && method !== "DELETE";

export function splitInput(operation: Operation): { path: FieldList; rest: JsonSchema; restFields: FieldList } {
  const { pathFields } = routeOf(operation);
  const input = plain(operation.input);
  // An operation's input is an object schema by its type.
  const properties = (input["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>;
  const required = (input["required"] ?? []) as readonly string[];
  const fields = Object.entries(properties).map(([name, schema]) => ({
    name,
    schema,
    isRequired: required.includes(name),
  }));
  const restFields = fields.filter(({ name }) => !pathFields.includes(name));
  const restRequired = restFields.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  return {
    path: fields.filter(({ name }) => pathFields.includes(name)),
    restFields,
    rest: {
      type: "object",
      ...(restRequired.length > 0 ? { required: restRequired } : {}),
      properties: Object.fromEntries(restFields.map(({ name, schema }) => [name, schema])),
      additionalProperties: false,
    },
  };
}

export type FieldList = readonly { readonly name: string; readonly schema: JsonSchema; readonly isRequired: boolean }[];

/** Rows of views come first: what a view shows is what people call the thing. */
export const namedSchemas = (table: Table): Named[] => [
  ...viewsOf(table).map(({ name, row }) => ({ name: `${upperFirst(name)}Row`, schema: plain(row) })),
  ...operationsOf(table).map(({ id, output }) => ({ name: `${pascalCase(id)}Output`, schema: plain(output) })),
  ...operationsOf(table)
    .filter((operation) => hasBody(routeOf(operation).method))
    .map((operation) => ({ name: `${pascalCase(operation.id)}Input`, schema: splitInput(operation).rest })),
];
