/** Whose work is inside what a user gets: the packages that the hub loads and those bundled into the web interface. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageName } from "../tidy/rooms.ts";
import type { Source } from "../tidy/source.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Package {
  readonly manifest: Manifest;
  readonly licence: string;
}

export function notices(root: string, sources: readonly Source[]): string {
  const own = readManifest(root);
  const bundled = sources
    .filter(({ file, isTest }) => file.startsWith("web/src/") && !isTest)
    .flatMap(({ imports }) => imports.filter(({ target, isTypeOnly }) => target === null && !isTypeOnly))
    .map(({ specifier }) => packageName(specifier))
    .filter((name) => !name.startsWith("node:") && !name.startsWith("@arw/"));
  const packages = closure(root, [...Object.keys(own.dependencies ?? {}), ...bundled]);
  return `# Third-party notices

ARW itself is licensed under MIT or Apache-2.0, at your choice. It contains or loads these packages, under the licences below.

${packages.map(({ manifest: { name, version, license } }) => `- ${name} ${version}, ${typeof license === "string" ? license : "see below"}`).join("\n")}

${licenceTexts(packages)}
`;
}

/** Everything that the named packages need at run time, wherever it is installed. */
function closure(root: string, names: readonly string[]): Package[] {
  const found = new Map<string, Package>();
  const open = names.map((name) => ({ name, from: root }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const folder = installed(root, next);
    if (folder === null || found.has(folder)) continue;
    const manifest = readManifest(folder);
    found.set(folder, { manifest, licence: licenceOf(folder) });
    for (const name of Object.keys(manifest.dependencies ?? {})) open.push({ name, from: folder });
  }
  const key = ({ manifest: { name, version } }: Package): string => `${name} ${version}`;
  const unique = new Map([...found.values()].map((each) => [key(each), each]));
  return [...unique].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** Looks where Node looks: beside the package, then upwards. A package that is not installed here is not shipped either. */
function installed(root: string, { name, from }: { readonly name: string; readonly from: string }): string | null {
  for (let folder = from; folder.length >= root.length; folder = join(folder, "..")) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
  }
  return null;
}

const readManifest = (folder: string): Manifest =>
  // Package managers only install manifests with a name and a version.
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

function licenceOf(folder: string): string {
  const [file] = globSync("{LICENSE,LICENCE,license,licence}*", { cwd: folder }).toSorted();
  return file === undefined ? "" : readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim();
}

/** Equal texts are printed once. */
function licenceTexts(packages: readonly Package[]): string {
  const byText = Map.groupBy(packages, ({ licence }) => licence);
  byText.delete("");
  return [...byText]
    .map(([text, group]) => `## ${group.map(({ manifest }) => manifest.name).join(", ")}\n\n${indented(text)}`)
    .join("\n\n");
}

const indented = (text: string): string =>
  text
    .split("\n")
    .map((line) => (line.trim() === "" ? "" : `    ${line.trimEnd()}`))
    .join("\n");
