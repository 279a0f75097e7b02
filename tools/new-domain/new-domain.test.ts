import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, test } from "vitest";
import { NewDomainRefused, newDomain, withDomain } from "../new-domain.ts";

const root = join(import.meta.dirname, "..", "..");
const childMsMax = 120_000;

const list = `import { createFs } from "../domains/fs/service.ts";
import { createTable } from "../kernel/table.ts";

export const compose = () => ({
    domains: [
      createFs({ a: [1] }),
    ],
  });
`;

test("the list of domains gets one import and one line", () => {
  const text = withDomain(list, "pets");
  const added = text.split("\n").filter((line) => !list.split("\n").includes(line));
  assert.deepEqual(added, ['import { createPets } from "../domains/pets/service.ts";', "      createPets(),"]);
  assert.ok(text.indexOf("createFs({") < text.indexOf("createPets(),"));
});

test("names that cannot begin an id, names that are taken and unknown lists are refused", () => {
  for (const name of ["", "Pets", "my-pets", "1pet", "a/b", "fs"]) {
    assert.throws(() => newDomain(root, name), NewDomainRefused, name);
  }
  assert.throws(() => withDomain("export const a = 1;\n", "pets"), NewDomainRefused);
});

test("a new domain compiles, is tidy, is formatted, and passes its tests", { timeout: 3 * childMsMax }, () => {
  const copy = copyOfTheTree();
  const written = newDomain(copy, "pets");
  assert.equal(written.length, 6);
  assert.match(readFileSync(join(copy, "src/app/domains.ts"), "utf8"), /createPets\(\),/);
  // Only what concerns the new files: the copy may be of a tree that somebody is working on.
  const about = (output: string) => output.split("\n").filter((line) => line.includes("pets"));
  const types = run(copy, ["node_modules/typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json"]);
  assert.deepEqual(about(types.output), []);
  const tidy = run(copy, ["tools/tidy.ts"]);
  assert.match(tidy.output, /^(tidy: \d+ files|\d+ faults)/m);
  assert.deepEqual(about(tidy.output), []);
  const format = run(copy, ["node_modules/@biomejs/biome/bin/biome", "format", "--colors=off", "src/domains/pets"]);
  assert.equal(format.status, 0, format.output);
  const tests = run(copy, ["node_modules/vitest/vitest.mjs", "run", "--project", "unit", "src/domains/pets"]);
  assert.equal(tests.status, 0, tests.output);
});

function copyOfTheTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "arw-new-domain-"));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  for (const name of [
    "src",
    "tools",
    "client",
    "test",
    "package.json",
    "tsconfig.json",
    "biome.json",
    "vitest.config.ts",
  ]) {
    cpSync(join(root, name), join(copy, name), {
      recursive: true,
      filter: (path) => !/node_modules|tools[/\\]node$/.test(path),
    });
  }
  // A project of the test runner has its root there.
  mkdirSync(join(copy, "web"));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
  return copy;
}

function run(cwd: string, line: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, line, { cwd, encoding: "utf8", timeout: childMsMax });
  assert.notEqual(status, null, `took longer than ${childMsMax} ms: ${line.join(" ")}`);
  return { status, output: stdout + stderr };
}
