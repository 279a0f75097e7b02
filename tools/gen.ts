/**
 * Writes everything that follows from the table, the configuration schema and the installed packages: `spec/`, the typed
 * client, the reference and the notices. With `--check` it writes nothing and fails when a file is stale.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { clientFile, generateClient } from "../client/generate.ts";
import { cedarSchemaOf } from "../src/adapters/cedar/schema.ts";
import { configExampleToml, configJsonSchema } from "../src/app/config/reference.ts";
import { contractTable } from "../src/app/domains.ts";
import type { Table } from "../src/kernel/kernel.ts";
import { asyncapi } from "../src/surfaces/spec/asyncapi.ts";
import { mcpTools } from "../src/surfaces/spec/mcp-tools.ts";
import { openapi } from "../src/surfaces/spec/openapi.ts";
import { gateKeys, problemPages } from "../src/surfaces/spec/pages.ts";
import { schemas } from "../src/surfaces/spec/schemas.ts";
import { type Files, hashFile, jsonFile, markdownFile, staleFiles, writeFiles } from "./gen/files.ts";
import { notices } from "./gen/notices.ts";
import { operationsOf, parsedPolicies, parsedPoliciesFile, policiesText } from "./gen/policies.ts";
import { domainsPage, eventsPage, operationsPage, viewsPage } from "./gen/reference.ts";
import { domainEdges } from "./tidy/domain-graph.ts";
import { readSources, type Source } from "./tidy/source.ts";

export function generatedFiles(
  table: Table,
  { root, sources }: { readonly root: string; readonly sources: readonly Source[] },
): Files {
  // npm keeps the manifest; its version is the hub's.
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  return new Map([
    ["spec/openapi.yaml", yamlFile(openapi(table, { version }))],
    ["spec/asyncapi.yaml", yamlFile(asyncapi(table, { version }))],
    ["spec/mcp-tools.json", jsonFile({ tools: mcpTools(table) })],
    ["spec/cedar.schema.json", jsonFile(cedarSchemaOf(operationsOf(table)))],
    ["spec/default.cedar", policiesText()],
    [parsedPoliciesFile, parsedPolicies(table)],
    ["spec/gate-keys.md", markdownFile(gateKeys(table))],
    ["spec/config.schema.json", jsonFile(configJsonSchema())],
    ["spec/config.example.toml", hashFile(configExampleToml())],
    ...[...schemas(table)].map(([file, schema]) => [`spec/schemas/${file}`, jsonFile(schema)] as const),
    ...[...problemPages(table)].map(([code, page]) => [`spec/problems/${code}.md`, markdownFile(page)] as const),
    ["docs/reference/operations.md", markdownFile(operationsPage(table))],
    ["docs/reference/events.md", markdownFile(eventsPage(table))],
    ["docs/reference/views.md", markdownFile(viewsPage(table))],
    ["docs/reference/domains.md", markdownFile(domainsPage(domainEdges(sources)))],
    [clientFile, generateClient(table)],
    ["THIRD-PARTY-NOTICES.md", markdownFile(notices(root, sources))],
  ]);
}

const yamlFile = (value: unknown): string => hashFile(stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }));

function main(root: string, isCheck: boolean): number {
  const files = generatedFiles(contractTable(), { root, sources: readSources(root) });
  if (!isCheck) {
    const written = writeFiles(root, files);
    process.stdout.write(
      `${written.map((file) => `${file}\n`).join("")}gen: ${files.size} files, ${written.length} changed\n`,
    );
    return 0;
  }
  const stale = staleFiles(root, files);
  for (const file of stale) process.stdout.write(`${file} is stale\n`);
  process.stdout.write(
    stale.length > 0 ? "Run `npm run gen` and commit what it writes.\n" : `gen: ${files.size} files are fresh\n`,
  );
  return stale.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  process.exitCode = main(join(dirname(fileURLToPath(import.meta.url)), ".."), process.argv.includes("--check"));
}
