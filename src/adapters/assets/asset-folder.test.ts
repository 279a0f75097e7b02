import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, test } from "vitest";
import { openAssetFolder } from "./asset-folder.ts";

let base = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "arw-assets-"));
  await mkdir(join(base, "web", "assets"), { recursive: true });
  await writeFile(join(base, "web", "index.html"), "<p>");
  await writeFile(join(base, "web", "assets", "a.js"), "1");
  await writeFile(join(base, "web", ".env"), "secret");
  await writeFile(join(base, "secret.txt"), "secret");
  await symlink(join(base, "secret.txt"), join(base, "web", "link.txt"));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const textOf = async (path: string): Promise<string | null> => {
  const file = await (await openAssetFolder(join(base, "web")))?.read(path);
  return file ? Buffer.from(file.bytes).toString() : null;
};

test("plain files are read; folders, hidden files and links that lead out are not there", async () => {
  assert.equal(await textOf("index.html"), "<p>");
  assert.equal(await textOf("assets/a.js"), "1");
  for (const path of [
    "assets",
    "",
    ".",
    "..",
    ".env",
    "link.txt",
    "../secret.txt",
    "assets/../../secret.txt",
    "none.js",
    "/etc/passwd",
  ])
    assert.equal(await textOf(path), null, path);
});

test("no path reads what lies outside", async () => {
  const part = fc.constantFrom("..", ".", "assets", "secret.txt", "%2e%2e", "..\\..", "\0", "link.txt", "");
  const run = async (parts: string[]): Promise<void> => assert.notEqual(await textOf(parts.join("/")), "secret");
  await fc.assert(fc.asyncProperty(fc.array(part, { maxLength: 6 }), run), { numRuns: 50 });
});

test("a folder that is not there is null", async () => {
  assert.equal(await openAssetFolder(join(base, "nowhere")), null);
  assert.equal(await openAssetFolder(join(base, "secret.txt")), null);
});
