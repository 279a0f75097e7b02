/** Every schema of the table as a file of its own, for validators that want one. */
import type { TSchema } from "../../contract/schema.ts";
import type { Table } from "../../kernel/kernel.ts";
import { type JsonSchema, plain } from "./json-schema.ts";
import { eventsOf, operationsOf, viewsOf } from "./rows.ts";

const dialect = "https://json-schema.org/draft/2020-12/schema";

/** By path below the folder of schemas. */
export const schemas = (table: Table): Map<string, JsonSchema> =>
  new Map([
    ...eventsOf(table).map(({ kind, version, about, data }) => file(`events/${kind}.${version}`, about, data)),
    ...operationsOf(table).flatMap(({ id, about, input, output }) => [
      file(`operations/${id}.input`, about, input),
      file(`operations/${id}.output`, about, output),
    ]),
    ...viewsOf(table).map(({ name, about, row }) => file(`views/${name}`, about, row)),
  ]);

const file = (name: string, about: string, schema: TSchema): [string, JsonSchema] => [
  `${name}.json`,
  { $schema: dialect, $id: `urn:arw:${name.replaceAll("/", ":")}`, title: about, ...plain(schema) },
];
