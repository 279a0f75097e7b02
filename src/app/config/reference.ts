/** The configuration for readers: its JSON schema, and a file that shows every key. */
import { allowedText, configTables, type ConfigKey } from "./keys.ts";
import { Config } from "./schema.ts";

/** JSON Schema 2020-12 of the file; editors that know the format complete and check with it. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "ARW configuration",
    ...(JSON.parse(JSON.stringify(Config)) as Record<string, unknown>),
  };
}

/** Every key, commented out, with what it means, what it may be and what it is when left out. */
export function configExampleToml(): string {
  const tables = configTables.map((table) =>
    [`# ${table.description}`, `[${table.name}]`, ...table.keys.flatMap((key) => ["", ...keyLines(key)])].join("\n"),
  );
  const head = [
    "# Configuration of ARW. Every key is optional; remove the `#` before one to set it.",
    "# Flags override the environment, which overrides this file. Secrets do not belong here.",
  ];
  return `${[head.join("\n"), ...tables].join("\n\n")}\n`;
}

function keyLines(key: ConfigKey): readonly string[] {
  const leaf = key.key.split(".")[1] ?? "";
  const doors = [key.environment, key.standardEnvironment, key.flag].filter((door) => door !== undefined);
  return [
    `# ${key.schema.description ?? ""}`,
    `# Allowed: ${allowedText(key.schema)}.${doors.length === 0 ? "" : ` Also: ${doors.join(", ")}.`}`,
    `#${leaf} = ${JSON.stringify(key.schema.default ?? "~/arw-state")}`,
  ];
}
