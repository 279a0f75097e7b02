/** The blob contract on a real disk, and what a disk can do to blobs. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { copyFile, lstat, mkdtemp, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { type BlobPacking, paddedBytes, plainPacking, sealedPacking } from "../../src/adapters/files/blob-packing.ts";
import { createFileBlobs } from "../../src/adapters/files/blobs.ts";
import { testSealer } from "../kit/sealer.ts";
import { blobContract, refOf } from "./blob-suite.ts";

async function make(packing: BlobPacking = plainPacking) {
  const base = await mkdtemp(join(tmpdir(), "arw-blobs-"));
  const folder = join(base, "state", "blobs");
  const pathOf = (ref: string) => join(folder, ref.slice(7, 9), ref.slice(7));
  return {
    folder,
    pathOf,
    blobs: createFileBlobs({ folder, sizeBytesMaxEach: 1_000, packing }),
    [Symbol.asyncDispose]: () => rm(base, { recursive: true }),
  };
}

blobContract("files", () => make());
blobContract("files, encrypted", () => make(sealedPacking(testSealer())));

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

test("an encrypted blob tells neither its content nor its digest, and little of its size", async () => {
  await using fixture = await make(sealedPacking(testSealer()));
  const texts = ["the heron", "the heron stands in the reeds"];
  for (const text of texts) await fixture.blobs.put(Buffer.from(text));
  const paths = readdirSync(fixture.folder, { recursive: true, encoding: "utf8" }).filter((name) => name.length > 60);
  const files = paths.map((name) => readFileSync(join(fixture.folder, name)));
  assert.equal(files[0]?.length, files[1]?.length);
  for (const [index, file] of files.entries()) {
    assert.equal(file.includes("heron"), false);
    for (const text of texts) {
      const hex = refOf(text).slice(7);
      assert.equal(paths[index]?.includes(hex), false);
      assert.equal(file.includes(Buffer.from(hex, "hex")), false);
    }
  }
});

test("an encrypted blob that lies under another one's name is set aside", async () => {
  await using fixture = await make(sealedPacking(testSealer()));
  const refs = [await fixture.blobs.put(Buffer.from("a")), await fixture.blobs.put(Buffer.from("b"))];
  const [first = "", second = ""] = readdirSync(fixture.folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.length > 60,
  );
  await copyFile(join(fixture.folder, first), join(fixture.folder, second));
  const found = [];
  for (const ref of refs) found.push(await fixture.blobs.get(ref));
  assert.deepEqual(found.filter((bytes) => bytes === null).length, 1);
});

test("a padded size is never smaller, at most an eighth larger, and one of few", () => {
  const sizes = new Set<number>();
  for (let size = 0; size <= 70_000; size += 7) {
    const padded = paddedBytes(size);
    assert.ok(padded >= size && padded <= Math.max(1024, size * 1.125), `${size} became ${padded}`);
    sizes.add(padded);
  }
  assert.ok(sizes.size < 150, `${sizes.size} sizes`);
});
