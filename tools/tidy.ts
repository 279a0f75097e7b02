/** The house check: what compiler and linter cannot see. Prints `file:line rule message`; exits with 1 when there is a fault. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ambientFaults } from "./tidy/ambient.ts";
import { cycleFaults } from "./tidy/cycles.ts";
import { formFaults } from "./tidy/forms.ts";
import { isInTree, linkFaults, readDocuments } from "./tidy/links.ts";
import { nameFaults } from "./tidy/names.ts";
import { roomFaults } from "./tidy/rooms.ts";
import { sizeFaults } from "./tidy/sizes.ts";
import { type Fault, readSources, type Source } from "./tidy/source.ts";
import { type Waivers, withWaivers } from "./tidy/waivers.ts";

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

async function main(root: string): Promise<number> {
  const sources = readSources(root);
  const documents = readDocuments(root);
  const found = [...sourceFaults(sources), ...documents.flatMap((document) => linkFaults(document, isInTree(root)))];
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
