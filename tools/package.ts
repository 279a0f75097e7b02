/**
 * Makes the installable package: `npm run package [-- --out FOLDER]`. Its folders lie to each other as in the clone
 * (`dist` stands where `src` stood), so code finds the web interface and the examples in the same way in both.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");

/** Copied as they are. The compiled sources and the manifest are made. */
const copied = [
  "bin",
  "examples",
  "spec",
  "web/dist",
  "README.md",
  "LICENSE-MIT",
  "LICENSE-APACHE",
  "THIRD-PARTY-NOTICES.md",
];

type Manifest = Readonly<Record<string, unknown>>;

/** Of the clone's manifest, what an installed package needs: no scripts, workspaces or development packages. */
function publishedManifest(source: Manifest): Manifest {
  const kept = ["name", "version", "description", "license", "type", "engines", "bin", "dependencies"];
  return Object.fromEntries(kept.map((key) => [key, source[key]]));
}

/** Makes the package in `out` and answers the path of its file. */
async function packInto(out: string): Promise<string> {
  const staging = await mkdtemp(join(tmpdir(), "arw-package-"));
  try {
    // npm expects everything of a package in a folder of this name.
    const home = join(staging, "package");
    await mkdir(home);
    await compileInto(join(home, "dist"));
    for (const path of copied) await cp(join(root, path), join(home, path), { recursive: true });
    const manifest = publishedManifest(JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Manifest);
    await writeFile(join(home, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
    const name = `${String(manifest["name"])}-${String(manifest["version"])}.tgz`;
    // Relative names, because some builds of tar take the colon of a Windows path for a host.
    await run("tar", ["-czf", name, "package"], { cwd: staging });
    await mkdir(out, { recursive: true });
    await cp(join(staging, name), join(out, name));
    return join(out, name);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** One file per source file, so that paths seen from a file stay what they are in the clone. */
async function compileInto(folder: string): Promise<void> {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [compiler, "-p", join(root, "tsconfig.build.json"), "--outDir", folder]);
}

const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "dist") } } });
process.stdout.write(`${await packInto(resolve(values.out))}\n`);
