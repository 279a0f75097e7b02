/** The package as it is installed: what is in it, what it weighs, and that it starts the same hub. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";

const repository = join(import.meta.dirname, "../..");
/** What a person waits for and keeps; heavy engines are fetched on first use. */
const installedBytesMax = 60 * 1024 * 1024;
const startMsMax = 60_000;

let home = "";
let installed = "";

beforeAll(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "arw-installed-")));
  const made = execFileSync(process.execPath, [join(repository, "tools/package.ts"), "--out", home], {
    encoding: "utf8",
  });
  mkdirSync(join(home, "node_modules"));
  execFileSync("tar", ["-xzf", basename(made.trim())], { cwd: home });
  installed = join(home, "node_modules/arw");
  // It has no dependencies, so unpacking it is all that an install does.
  cpSync(join(home, "package"), installed, { recursive: true });
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

test("the package holds what runs and its licences, and nothing that builds or tests", () => {
  assert.deepEqual(readdirSync(installed).toSorted(), [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "THIRD-PARTY-NOTICES.md",
    "bin",
    "dist",
    "examples",
    "package.json",
    "spec",
    "web",
  ]);
  const names = filesOf(installed);
  assert.deepEqual(
    names.filter((name) => /\.(ts|tsx|map)$|\.test\.[a-z]*[jt]sx?$/.test(name)),
    [],
  );
  const manifest: unknown = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  for (const key of ["scripts", "devDependencies", "workspaces"])
    assert.equal(Object.hasOwn(manifest as object, key), false);
});

test("an install stays under its weight, needs no other package, and runs no script", () => {
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Record<string, unknown>;
  for (const key of ["dependencies", "optionalDependencies", "peerDependencies", "scripts"])
    assert.equal(Object.hasOwn(manifest, key), false, key);
  const bytes = filesOf(join(home, "node_modules")).reduce((sum, path) => sum + readFileSync(path).length, 0);
  assert.ok(bytes <= installedBytesMax, `${bytes} bytes`);
});

test("the installed command starts the hub with its web interface, and a signal ends it well", async () => {
  const given = ["--port", "0", "--state-dir", join(home, "state"), "--yes"];
  const child = spawn(process.execPath, [join(installed, "bin/arw.mjs"), ...given], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let printed = "";
      const timer = setTimeout(() => reject(new Error(`The hub did not start: ${printed}`)), startMsMax);
      const read = (text: string) => {
        printed += text;
        const found = /running on \S*?(http:\/\/[\w.:[\]-]+)/.exec(printed)?.[1];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      };
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", read);
      void ended.then((code) => reject(new Error(`The hub ended with ${code}: ${printed}`)));
    });
    const page = await fetch(url);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<script type="module"/);
  } finally {
    child.kill("SIGTERM");
  }
  assert.equal(await ended, 0);
});

function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
