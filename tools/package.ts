/**
 * Makes the installable package: `npm run package [-- --out FOLDER]`. `--bundle` only makes `dist/`, for `npm pack`, whose
 * tarball also works but names the bundled libraries as dependencies. The package's folders lie to each other as in the clone
 * (`dist` stands where `src` stood), so code finds the web interface and the examples in the same way in both.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { rolldown } from "rolldown";

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

/** Of the clone's manifest, what an installed package needs: no scripts, workspaces or packages, which are in the bundle. */
function publishedManifest(source: Manifest): Manifest {
  const kept = ["name", "version", "description", "license", "type", "engines", "bin"];
  return Object.fromEntries(kept.map((key) => [key, source[key]]));
}

/** Makes the package in `out` and answers the path of its file. */
async function packInto(out: string): Promise<string> {
  const staging = await mkdtemp(join(tmpdir(), "arw-package-"));
  try {
    // npm expects everything of a package in a folder of this name.
    const home = join(staging, "package");
    await mkdir(home);
    await bundleInto(join(home, "dist"));
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

/** Lines by which a library loads a part of Node for an option that the hub never uses, and the functions it takes from it. */
const lateLines = [
  { file: "prom-client/lib/pushgateway.js", line: "const https = require('https');", taken: ["request"] },
];

/** Makes them load it when they call it: TLS alone would be some percent of a start. */
const lateBuiltins = {
  name: "late-builtins",
  transform(code: string, id: string): string {
    return lateLines
      .filter(({ file }) => id.replaceAll("\\", "/").endsWith(file))
      .reduce((text, { file, line, taken }) => {
        assert(text.includes(line), `${file} loads it in another way now: ${line}`);
        const [, name = "", source = ""] = /const (\w+) = (require\(.*?\))/.exec(line) ?? [];
        const calls = taken.map((each) => `${each}: (...given) => ${source}.${each}(...given)`);
        return text.replace(line, `const ${name} = { ${calls.join(", ")} };`);
      }, code);
  },
};

/** One letter beyond Latin-1 makes V8 keep the whole text of a file with two bytes a letter, for as long as the hub lives. */
const asciiOf = (code: string): string =>
  code.replaceAll(/[^\0-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** An import makes a facade of each part of Node and runs all of its getters, some of which load what nobody asked for. */
const builtinImport = /^import (\{[^}]*\}|[\w$]+) from "(node:[\w/]+)";$/gm;
const takenBuiltins = (code: string): string =>
  code.replaceAll(
    builtinImport,
    (_all, names: string, source: string) =>
      `const ${names.replaceAll(" as ", ": ")} = process.getBuiltinModule("${source}");`,
  );

/**
 * The program in a few files, its libraries among them: loading hundreds of modules would be most of a start. Code that only
 * some starts need stays in files of its own. The licences of what goes in stand in THIRD-PARTY-NOTICES.md.
 */
async function bundleInto(folder: string): Promise<void> {
  await rm(join(folder, "app"), { recursive: true, force: true });
  const bundle = await rolldown({
    input: { main: join(root, "src/app/main.ts"), cli: join(root, "src/app/cli.ts") },
    platform: "node",
    plugins: [lateBuiltins],
  });
  const { output } = await bundle.write({ dir: join(folder, "app"), format: "esm" });
  for (const each of output)
    if (each.type === "chunk") await writeFile(join(folder, "app", each.fileName), asciiOf(takenBuiltins(each.code)));
  await bundle.close();
  // Read at run time, so the bundler does not see it.
  await cp(
    join(root, "node_modules/@cedar-policy/cedar-wasm/web/cedar_wasm_bg.wasm"),
    join(folder, "app/cedar_wasm_bg.wasm"),
  );
}

const { values } = parseArgs({
  options: { out: { type: "string", default: join(root, "dist") }, bundle: { type: "boolean", default: false } },
});
if (values.bundle) await bundleInto(join(root, "dist"));
else process.stdout.write(`${await packInto(resolve(values.out))}\n`);
