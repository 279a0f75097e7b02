/** Reference pages for people: every operation, event and view, and who calls whom. */
import { gateKey, type Operation } from "../../src/contract/operation.ts";
import type { Table } from "../../src/kernel/kernel.ts";
import type { JsonSchema } from "../../src/surfaces/spec/json-schema.ts";
import { plain } from "../../src/surfaces/spec/json-schema.ts";
import { markdownTable } from "../../src/surfaces/spec/pages.ts";
import { eventsOf, operationsOf, viewsOf } from "../../src/surfaces/spec/rows.ts";
import type { Edge, EdgeKind } from "../tidy/domain-graph.ts";

export const operationsPage = (table: Table): string => {
  const groups = Map.groupBy(operationsOf(table), ({ id }) => id.split(".")[0] ?? id);
  const sections = [...groups].map(([domain, rows]) => `## ${domain}\n\n${rows.map(operationText).join("\n\n")}`);
  return `# Operations

Everything the hub can do. Each is an HTTP route, a command, a gate key, and where marked a tool for agents; every route also
answers below \`/admin\`. The full schemas stand in [openapi.yaml](../../spec/openapi.yaml).

${sections.join("\n\n")}
`;
};

function operationText(operation: Operation): string {
  const { id, about, http, mode, effect, isTool, isPublic } = operation;
  const marks = [
    `\`${http}\``,
    ...(operation.cli === "" ? [] : [`\`arw ${operation.cli ?? id.replaceAll(".", " ")}\``]),
    `key \`${gateKey(operation)}\``,
    effect,
    ...(mode === "one" ? [] : [mode === "job" ? "runs as a task" : "streams"]),
    ...(isTool ? ["tool"] : []),
    ...(isPublic ? ["no sign-in"] : []),
  ];
  const fields = fieldRows(plain(operation.input));
  return [
    `### ${id}`,
    about,
    marks.join(" · "),
    ...(fields.length > 0 ? [markdownTable(["Field", "Type", ""], fields)] : []),
  ].join("\n\n");
}

export const eventsPage = (table: Table): string => `# Events

What the hub tells, read at \`GET /events\`. Kept events are in the journal and can be read again; live ones only pass by. The
schemas stand in [asyncapi.yaml](../../spec/asyncapi.yaml).

${markdownTable(
  ["Kind", "Version", "", "What happened"],
  eventsOf(table).map(({ kind, version, isDurable, about }) => [
    `\`${kind}\``,
    String(version),
    isDurable ? "kept" : "live",
    about,
  ]),
)}
`;

export const viewsPage = (table: Table): string => `# Views

Tables that are folded from the events. \`GET /state/<view>\` lists, \`/state/<view>/<key>\` gets one row, \`/state/<view>/-/watch\`
follows as JSON patches, and \`?at=<seq>\` shows the view as it was.

${viewsOf(table)
  .map(({ name, about, rowsMax, filters, row }) => {
    const names = Object.keys(filters).map((filter) => `\`${filter}\``);
    const limits = `At most ${rowsMax} rows.${names.length > 0 ? ` Filters: ${names.join(", ")}.` : ""}`;
    return `## ${name}\n\n${about} ${limits}\n\n${markdownTable(["Field", "Type", ""], fieldRows(plain(row)))}`;
  })
  .join("\n\n")}
`;

const edgeWords: Readonly<Record<EdgeKind, string>> = {
  calls: "calls",
  folds: "folds events of",
  emits: "emits or names events of",
  words: "uses words of",
};

export const domainsPage = (edges: readonly Edge[]): string => `# Domains and what they know of each other

Read from the imports of the code. A domain knows of another its contract and nothing else; calls never form a ring.

${markdownTable(
  ["Domain", "", "Other", "Names"],
  edges.map(({ from, kind, to, names }) => [from, edgeWords[kind], to, names.map((name) => `\`${name}\``).join(", ")]),
)}
`;

function fieldRows({ properties, required }: JsonSchema): string[][] {
  const names = new Set((required ?? []) as readonly string[]);
  return Object.entries((properties ?? {}) as Readonly<Record<string, JsonSchema>>).map(([name, schema]) => [
    `\`${name}\``,
    typeText(schema) + (names.has(name) ? "" : ", optional"),
    [textOf(schema["description"]), defaultText(schema)].filter((text) => text !== "").join(" "),
  ]);
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const defaultText = (schema: JsonSchema): string =>
  schema["default"] === undefined ? "" : `Default \`${JSON.stringify(schema["default"])}\`.`;

function typeText(schema: JsonSchema): string {
  const { type, items, anyOf } = schema;
  if (Array.isArray(schema["enum"])) return schema["enum"].map((word) => `\`${String(word)}\``).join(" or ");
  if (Array.isArray(anyOf)) return anyOf.map((inner) => typeText(inner as JsonSchema)).join(" or ");
  if (type === "array") return `list of ${typeText((items ?? {}) as JsonSchema)}`;
  return typeof type === "string" ? type : "anything";
}
