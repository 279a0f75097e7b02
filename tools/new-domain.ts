/**
 * `npm run new-domain NAME`: the five files of a domain that works, and its lines in `src/app/domains.ts`. What it writes keeps
 * the house rules and passes its own tests; rename and replace from there.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { domainFiles, upperFirst } from "./new-domain/templates.ts";

const domainList = "src/app/domains.ts";
/** One lower-case word: it begins operation ids, event kinds, routes and commands. */
const domainName = /^[a-z][a-z0-9]{1,30}$/;

export class NewDomainRefused extends Error {}

/** Writes the files and gives back their paths, the changed list last. Throws `NewDomainRefused` and writes nothing. */
export function newDomain(root: string, name: string): string[] {
  if (!domainName.test(name))
    throw new NewDomainRefused(`"${name}" is no domain name: one lower-case word, e.g. "notes".`);
  const folder = join("src", "domains", name);
  if (existsSync(join(root, folder))) throw new NewDomainRefused(`${folder} is there already.`);
  const list = withDomain(readFileSync(join(root, domainList), "utf8"), name);
  const files = [...domainFiles(name)].map(([file, text]) => ({ path: join(folder, file), text }));
  mkdirSync(join(root, folder), { recursive: true });
  for (const { path, text } of [...files, { path: domainList, text: list }]) writeFileSync(join(root, path), text);
  return [...files.map(({ path }) => path), domainList];
}

/** The list with the domain at its end: one import and one line. */
export function withDomain(list: string, name: string): string {
  const factory = `create${upperFirst(name)}`;
  const imports = [...list.matchAll(/^import .* from "\.\.\/domains\/.*";$/gm)];
  const lastImport = imports.at(-1);
  const end = /^( *)domains: \[\n(?:.*\n)*?(\1\],)$/m.exec(list);
  if (lastImport === undefined || end === null) {
    throw new NewDomainRefused(`${domainList} has no list of domains any more; this tool must learn its new form.`);
  }
  const listEnd = end.index + end[0].length - (end[2]?.length ?? 0);
  const importEnd = lastImport.index + lastImport[0].length;
  const importLine = `\nimport { ${factory} } from "../domains/${name}/service.ts";`;
  return `${list.slice(0, importEnd)}${importLine}${list.slice(importEnd, listEnd)}${end[1]}  ${factory}(),\n${list.slice(listEnd)}`;
}

function main(root: string, name: string): number {
  try {
    const written = newDomain(root, name);
    process.stdout.write(
      `${written.join("\n")}\n\nNow run \`npm run gen\`, then \`npm run check\`. docs/guides/adding-a-domain.md goes on.\n`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof NewDomainRefused)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

if (import.meta.main) {
  process.exitCode = main(join(dirname(fileURLToPath(import.meta.url)), ".."), process.argv[2] ?? "");
}
