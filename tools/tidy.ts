/** The house check: what compiler and linter cannot see. Prints `file:line rule message`; exits with 1 when there is a fault. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Table } from "../src/kernel/kernel.ts";
import { ambientFaults } from "./tidy/ambient.ts";
import { cycleFaults } from "./tidy/cycles.ts";
import { domainCycleFaults } from "./tidy/domain-graph.ts";
import { formFaults } from "./tidy/forms.ts";
import { isInTree, linkFaults, readDocuments } from "./tidy/links.ts";
import { nameFaults } from "./tidy/names.ts";
import { roomFaults } from "./tidy/rooms.ts";
import { sizeFaults } from "./tidy/sizes.ts";
import { type Fault, readSources, type Source } from "./tidy/source.ts";
import { tableFaults } from "./tidy/table-laws.ts";
import { type Waivers, withWaivers } from "./tidy/waivers.ts";

const domainList = "src/app/domains.ts";

export const sourceFaults = (sources: readonly Source[]): Fault[] => [
  ...sources.flatMap((source) => [
    ...nameFaults(source.file),
    ...roomFaults(source),
    ...sizeFaults(source),
    ...ambientFaults(source),
    ...formFaults(source),
  ]),
  ...cycleFaults(sources),
];

/** The laws of the table, over the list of domains as the hub composes it. */
async function lawFaults(root: string, sources: readonly Source[]): Promise<Fault[]> {
  const list = join(root, domainList);
  const { contractTable } = (await import(pathToFileURL(list).href)) as { contractTable: () => Table };
  return tableFaults(contractTable()).map(({ domain, row, message }) => {
    const own = sources.filter((source) => source.room === "domains" && source.part === domain && !source.isTest);
    const source = own.find(({ text }) => text.includes(`"${row}"`));
    const line = source?.lineAt(source.text.indexOf(`"${row}"`)) ?? 1;
    return { file: source?.file ?? domainList, line, rule: "table", message: `${row}: ${message}` };
  });
}

async function main(root: string): Promise<number> {
  const sources = readSources(root);
  const documents = readDocuments(root);
  const found = [
    ...sourceFaults(sources),
    ...domainCycleFaults(sources),
    ...(await lawFaults(root, sources)),
    ...documents.flatMap((document) => linkFaults(document, isInTree(root))),
  ];
  // The file is ours and its shape is tested.
  const waivers = JSON.parse(readFileSync(join(root, "tools/tidy/waivers.json"), "utf8")) as Waivers;
  const faults = withWaivers(found, waivers);
  for (const { file, line, rule, message } of faults) process.stdout.write(`${file}:${line} ${rule} ${message}\n`);
  process.stdout.write(
    faults.length > 0 ? `${faults.length} faults\n` : `tidy: ${sources.length} files, ${documents.length} documents\n`,
  );
  return faults.length > 0 ? 1 : 0;
}

if (import.meta.main)
  process.exitCode = await main(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), ".."));
