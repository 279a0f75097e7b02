/** The schema as a flat list of dotted keys. */
import type { TSchema } from "../../contract/schema.ts";
import { Config } from "./schema.ts";

/** What is read of a schema here: its JSON form. */
interface Shape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
  readonly "x-environment"?: string;
  readonly "x-environment-standard"?: string;
  readonly "x-environment-factor"?: number;
  readonly "x-environment-unit"?: string;
  readonly "x-flag"?: string;
  readonly "x-backend"?: boolean;
}

export interface ConfigKey {
  /** `server.port`. */
  readonly key: string;
  readonly schema: TSchema & Shape;
  readonly environment: string | undefined;
  /** Asked when the one above is not set. */
  readonly standardEnvironment: string | undefined;
  readonly flag: string | undefined;
}

export interface ConfigTable {
  readonly name: string;
  readonly description: string;
  readonly keys: readonly ConfigKey[];
}

const root = Config as Shape;

export const configTables: readonly ConfigTable[] = Object.entries(root.properties ?? {}).map(([name, table]) => ({
  name,
  description: table.description ?? "",
  keys: Object.entries(table.properties ?? {}).map(([leaf, schema]) => ({
    key: `${name}.${leaf}`,
    schema: schema as TSchema & Shape,
    environment: schema["x-environment"],
    standardEnvironment: schema["x-environment-standard"],
    flag: schema["x-flag"],
  })),
}));

export const configKeys: readonly ConfigKey[] = configTables.flatMap((table) => table.keys);

/** The values a key may have, in words for a person. */
export function allowedText(schema: Shape): string {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.type === "array" && schema.items?.type === "object")
    return 'a list of tables such as { prefix = "observations.", ageMsMax = 2592000000 }, where the prefix begins with observations., beliefs., consumers.acked or consumers.returned: what decides, asks, grants or changes keeps its data';
  if (schema.type === "array") return 'a list of strings such as "io:egress:*"';
  if (schema.type === "boolean") return "true, false";
  if (schema.type === "integer") return `whole number from ${schema.minimum} to ${schema.maximum}`;
  if (schema.pattern !== undefined) return `text such as ${JSON.stringify(schema.examples?.[0] ?? schema.default)}`;
  return "text";
}
