import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { FolderFault } from "../../domains/fs/port.ts";
import { fileCalls } from "./file-calls.ts";
import { makeFolder } from "./make-folder.ts";

async function createRoom() {
  const path = await mkdtemp(join(tmpdir(), "arw-make-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
const refused = (code: string): Error => Object.assign(new Error(code), { code, syscall: "mkdir" });

test("what is missing is made for the owner alone, by many at once, and what is there stays", async () => {
  await using room = await createRoom();
  const folder = join(room.path, "a", "b", "c");
  await Promise.all([1, 2, 3].map(() => makeFolder(folder, { mode: 0o700 })));
  await writeFile(join(folder, "kept"), "");
  await makeFolder(folder, { mode: 0o700 });
  assert.deepEqual(await readdir(folder), ["kept"]);
  if (process.platform !== "win32") assert.equal((await stat(join(room.path, "a"))).mode & 0o777, 0o700);
});

test("a folder that takes none inside is asked once, and named", async () => {
  await using room = await createRoom();
  let asked = 0;
  const mkdir = async (): Promise<never> => {
    asked += 1;
    throw refused("ENOENT");
  };
  const folder = join(room.path, "a", "b");
  await assert.rejects(makeFolder(folder, { calls: { mkdir } }), (error) => {
    assert.ok(error instanceof FolderFault);
    assert.equal(
      error.message,
      `${JSON.stringify(folder)}: ${JSON.stringify(room.path)} takes no new folders (ENOENT)`,
    );
    return true;
  });
  assert.equal(asked, 1);
});

test("files, links to nothing and refusals of the system stop it in the system's words", async () => {
  await using room = await createRoom();
  const file = join(room.path, "file");
  const link = join(room.path, "link");
  await writeFile(file, "");
  await symlink(join(room.path, "nothing"), link);
  await assert.rejects(makeFolder(file), { code: "EEXIST" });
  await assert.rejects(makeFolder(join(file, "below")), { code: "ENOTDIR" });
  await assert.rejects(makeFolder(link), { code: "EEXIST" });
  const calls = { ...fileCalls, mkdir: () => Promise.reject(refused("EROFS")) };
  await assert.rejects(makeFolder(join(room.path, "new"), { calls }), { code: "EROFS" });
  assert.deepEqual((await readdir(room.path)).toSorted(), ["file", "link"]);
});
