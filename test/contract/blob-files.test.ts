/** The blob contract on a real disk, and what a disk can do to blobs. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { lstat, mkdtemp, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { createFileBlobs } from "../../src/adapters/files/blobs.ts";
import { blobContract, refOf } from "./blob-suite.ts";

async function make() {
  const base = await mkdtemp(join(tmpdir(), "arw-blobs-"));
  const folder = join(base, "state", "blobs");
  const pathOf = (ref: string) => join(folder, ref.slice(7, 9), ref.slice(7));
  return {
    folder,
    pathOf,
    blobs: createFileBlobs({ folder, sizeBytesMaxEach: 1_000 }),
    [Symbol.asyncDispose]: () => rm(base, { recursive: true }),
  };
}

blobContract("files", make);

test("blobs and their folders are for the owner alone", async () => {
  await using fixture = await make();
  const ref = await fixture.blobs.put(Buffer.from("x"));
  const modes = [fixture.pathOf(ref), join(fixture.pathOf(ref), ".."), fixture.folder].map((path) => lstat(path));
  assert.deepEqual(
    (await Promise.all(modes)).map((info) => info.mode & 0o777),
    [0o600, 0o700, 0o700],
  );
});

test("a damaged blob is set aside, never returned, and healed by the next put", async () => {
  await using fixture = await make();
  const { blobs, pathOf } = fixture;
  const ref = await blobs.put(Buffer.from("right"));
  await writeFile(pathOf(ref), "wrong");
  assert.equal(await blobs.get(ref), null);
  assert.equal(await blobs.has(ref), false);
  assert.match(readdirSync(join(pathOf(ref), ".."))[0] ?? "", /^[0-9a-f]{64}\.corrupt-\d+$/);
  await blobs.put(Buffer.from("right"));
  assert.equal(Buffer.from((await blobs.get(ref)) ?? []).toString(), "right");
  await truncate(pathOf(ref), 2);
  await blobs.put(Buffer.from("right"));
  assert.equal(Buffer.from((await blobs.get(ref)) ?? []).toString(), "right");
});

test("what a write left that was cut off goes a day later", async () => {
  await using fixture = await make();
  const ref = await fixture.blobs.put(Buffer.from("x"));
  const folder = join(fixture.pathOf(ref), "..");
  const [old, young] = ["a", "b"].map((letter) => `.arw-${letter.repeat(24)}.tmp`);
  for (const name of [old, young]) await writeFile(join(folder, name ?? ""), "half");
  await utimes(join(folder, old ?? ""), 1, 1);
  const listed: string[] = [];
  for await (const each of fixture.blobs.list()) listed.push(each.ref);
  assert.deepEqual(listed, [ref]);
  assert.deepEqual(readdirSync(folder).toSorted(), [young, ref.slice(7)]);
});

test("a blob put again is not written again but counts as used now", async () => {
  await using fixture = await make();
  const ref = await fixture.blobs.put(Buffer.from("x"));
  await utimes(fixture.pathOf(ref), 1, 1);
  const before = await lstat(fixture.pathOf(ref));
  await fixture.blobs.put(Buffer.from("x"));
  const after = await lstat(fixture.pathOf(ref));
  assert.equal(after.ino, before.ino);
  assert.ok(after.mtimeMs > before.mtimeMs);
});

test("a link in the place of a blob is not followed, and strange names are not listed", async () => {
  await using fixture = await make();
  const { blobs, pathOf, folder } = fixture;
  const ref = await blobs.put(Buffer.from("x"));
  await rm(pathOf(ref));
  await writeFile(join(folder, "elsewhere"), "x");
  await symlink(join(folder, "elsewhere"), pathOf(ref));
  await writeFile(join(pathOf(ref), "..", `${ref.slice(7)}.corrupt`), "x");
  assert.equal(await blobs.has(ref), false);
  await assert.rejects(blobs.get(ref), { name: "FolderFault", code: "link-refused" });
  for await (const blob of blobs.list()) assert.fail(blob.ref);
  assert.equal(await blobs.put(Buffer.from("x")), ref);
  assert.equal(Buffer.from((await blobs.get(ref)) ?? []).toString(), "x");
});

test("a blob above a limit that was lowered is too large, and kept", async () => {
  await using fixture = await make();
  const ref = await fixture.blobs.put(new Uint8Array(900));
  const smaller = createFileBlobs({ folder: fixture.folder, sizeBytesMaxEach: 100 });
  await assert.rejects(smaller.get(ref), { name: "FolderFault", code: "too-large" });
  assert.equal((await fixture.blobs.get(ref))?.byteLength, 900);
  assert.equal(ref, refOf(new Uint8Array(900)));
});
