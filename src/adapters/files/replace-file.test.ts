import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { lstat, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { diskFree } from "./disk.ts";
import { replaceFile } from "./replace-file.ts";

async function makeFolder() {
  const base = await mkdtemp(join(tmpdir(), "arw-replace-"));
  return { base, [Symbol.asyncDispose]: () => rm(base, { recursive: true }) };
}

test("replaces the name, so that a link is replaced and not written through", async () => {
  await using made = await makeFolder();
  const [target, alias] = [join(made.base, "target"), join(made.base, "alias")];
  await writeFile(target, "old");
  await symlink(target, alias);
  await replaceFile(alias, Buffer.from("new"), { mode: 0o640 });
  assert.deepEqual([readFileSync(target, "utf8"), readFileSync(alias, "utf8")], ["old", "new"]);
  assert.equal((await lstat(alias)).mode & 0o7777, 0o640);
  assert.deepEqual(readdirSync(made.base).toSorted(), ["alias", "target"]);
});

test("a failed replacement leaves nothing behind and says what happened", async () => {
  await using made = await makeFolder();
  await mkdir(join(made.base, "taken"));
  const onFolder = replaceFile(join(made.base, "taken"), Buffer.from("x"));
  await assert.rejects(onFolder, { name: "FolderFault", code: "not-a-file" });
  const nowhere = replaceFile(join(made.base, "none", "x"), Buffer.from("x"));
  await assert.rejects(nowhere, { name: "FolderFault", code: "not-found" });
  assert.deepEqual(readdirSync(made.base), ["taken"]);
});

test("many replacements of one file at once leave one of them, whole", async () => {
  await using made = await makeFolder();
  const path = join(made.base, "file");
  const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000));
  await Promise.all(texts.map((text) => replaceFile(path, Buffer.from(text))));
  assert.ok(texts.includes(readFileSync(path, "utf8")));
  assert.deepEqual(readdirSync(made.base), ["file"]);
});

test("the space of a disk is known, and that of a missing path is a fault", async () => {
  await using made = await makeFolder();
  const space = await diskFree(made.base);
  assert.ok(space.freeBytes >= 0 && space.freeBytes <= space.totalBytes && space.totalBytes > 0);
  assert.ok((await stat(made.base)).isDirectory());
  await assert.rejects(diskFree(join(made.base, "none")), { name: "FolderFault", code: "not-found" });
});
