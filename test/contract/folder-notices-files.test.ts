import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "vitest";
import { folderNotices, recipeFiles } from "../../src/adapters/files/folder-notices.ts";
import { noticesContract, type NoticesFixture } from "./folder-notices-suite.ts";

/** The operating system tells when it likes; a notice is waited for in pieces of this. */
const pieceMs = 10;

async function make(): Promise<NoticesFixture> {
  const folder = await mkdtemp(join(tmpdir(), "arw-notices-"));
  let changes = 0;
  return {
    notices: folderNotices,
    folder,
    async change(path) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), `change ${(changes += 1)}`);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
    wait: () => pause(pieceMs),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
noticesContract("files", make);

test("a folder that is not there is over, and that is told once, behind the call that asked", async () => {
  const told: boolean[] = [];
  using _watching = folderNotices.watch("/no/such/folder/of/arw", ({ isOver }) => told.push(isOver));
  assert.deepEqual(told, []);
  await pause(0);
  assert.deepEqual(told, [true]);
});

test("a folder that comes while one watches is watched, too, and so is what it brings", async () => {
  await using fixture = await make();
  let notices = 0;
  using _watching = folderNotices.watch(fixture.folder, () => {
    notices += 1;
  });
  await fixture.change("new/deep/deeper/a.md");
  await settled(() => notices);
  const before = notices;
  await fixture.change("new/deep/deeper/a.md");
  await settled(() => notices, before);
  assert.ok(notices > before);
  await rm(join(fixture.folder, "new"), { recursive: true });
  await fixture.change("new/deep/b.md");
  await settled(() => notices);
  const again = notices;
  await fixture.change("new/deep/b.md");
  await settled(() => notices, again);
  assert.ok(notices > again, "another folder of the same name");
});

/** Waits until there are more notices than before, and no further ones come. */
async function settled(count: () => number, before = 0): Promise<void> {
  let last = -1;
  for (let each = 0; each < 2000 && (count() === before || count() !== last); each += 1) {
    last = count();
    await pause(pieceMs);
  }
}

test("a recipe is read whole or not at all", async () => {
  await using fixture = await make();
  await fixture.change("r.toml");
  const path = join(fixture.folder, "r.toml");
  assert.equal(await recipeFiles.read(path, 100), "change 1");
  assert.equal(await recipeFiles.read(path, 4), null);
  assert.equal(await recipeFiles.read(fixture.folder, 100), null);
  assert.equal(await recipeFiles.read(join(fixture.folder, "none"), 100), null);
});
