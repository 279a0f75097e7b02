import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { isSignedBy } from "../../base/ed25519.ts";
import { CapsuleFileFault } from "../../domains/capsules/port.ts";
import { fileCalls } from "../files/file-calls.ts";
import { createCapsuleFiles } from "./capsule-files.ts";
import { capsuleKeyName, createCapsuleKeys } from "./capsule-key.ts";

async function openPlace() {
  const path = await mkdtemp(join(tmpdir(), "arw-capsule-files-"));
  const stateDir = join(path, "state");
  await mkdir(stateDir);
  return {
    path,
    stateDir,
    files: createCapsuleFiles({ stateDir }),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

const refusedAs = (reason: string) => (error: unknown) => error instanceof CapsuleFileFault && error.reason === reason;
const bytes = Buffer.from("a capsule");

test("a file is written once, for its owner alone; the same bytes again are as good, and others are refused", async () => {
  await using place = await openPlace();
  const path = join(place.path, "run.capsule");
  await place.files.write(path, bytes);
  await place.files.write(path, bytes);
  assert.deepEqual(Buffer.from(await place.files.read(path, 100)), bytes);
  if (process.platform !== "win32") assert.equal((await stat(path)).mode & 0o777, 0o600);
  await assert.rejects(place.files.write(path, Buffer.from("another")), refusedAs("refused"));
  assert.deepEqual(await readFile(path), bytes);
});

test("no file is written into the hub's folder, through a link, to nowhere or at a relative path", async () => {
  await using place = await openPlace();
  await writeFile(join(place.path, "mine.txt"), "mine");
  await symlink(join(place.path, "mine.txt"), join(place.path, "link.capsule"));
  await symlink(place.stateDir, join(place.path, "aside"));
  for (const path of [
    join(place.path, "aside", "x.capsule"),
    join(place.stateDir, "journal.db"),
    join(place.stateDir, "..", "state", "x.capsule"),
    join(place.path, "missing", "x.capsule"),
    join(place.path, "link.capsule"),
    "x.capsule",
  ])
    await assert.rejects(place.files.write(path, bytes), refusedAs("refused"), path);
  assert.equal(await readFile(join(place.path, "mine.txt"), "utf8"), "mine");
});

test("a write that fails says why in words, and leaves nothing", async () => {
  await using place = await openPlace();
  for (const [code, reason, words] of [
    ["ENOSPC", "disk-full", /the disk is full/],
    ["EROFS", "refused", /the disk can only be read/],
  ] as const) {
    const open = () => Promise.reject(Object.assign(new Error(code), { code }));
    const files = createCapsuleFiles({ stateDir: place.stateDir, calls: { ...fileCalls, open } });
    await assert.rejects(files.write(join(place.path, "run.capsule"), bytes), (error) => {
      assert.ok(refusedAs(reason)(error) && words.test((error as Error).message), String(error));
      return true;
    });
  }
  // A memory stick knows no links.
  const link = () => Promise.reject(Object.assign(new Error("EPERM"), { code: "EPERM" }));
  const linkless = createCapsuleFiles({ stateDir: place.stateDir, calls: { ...fileCalls, link } });
  await linkless.write(join(place.path, "run.capsule"), bytes);
  await assert.rejects(linkless.write(join(place.path, "run.capsule"), Buffer.from("other")), refusedAs("refused"));
  assert.deepEqual((await readdir(place.path)).toSorted(), ["run.capsule", "state"]);
});

test("what is too large, no file, or not there is not read", async () => {
  await using place = await openPlace();
  await writeFile(join(place.path, "large"), Buffer.alloc(101));
  await assert.rejects(place.files.read(join(place.path, "large"), 100), refusedAs("too-large"));
  await assert.rejects(place.files.read(place.path, 100), refusedAs("refused"));
  await assert.rejects(place.files.read(join(place.path, "none"), 100), refusedAs("refused"));
  await assert.rejects(place.files.read("large", 100), refusedAs("refused"));
});

test("the hub's key is made once, on first use, and signs the same after a restart", async () => {
  await using place = await openPlace();
  const keys = createCapsuleKeys(place);
  assert.equal(await keys.known(), null);
  const [first, second] = await Promise.all([keys.own(), keys.own()]);
  assert.deepEqual(first.publicKey, second.publicKey);
  const again = await createCapsuleKeys(place).known();
  assert.deepEqual(again?.publicKey, first.publicKey);
  assert.deepEqual(again?.sign(bytes), first.sign(bytes));
  assert.ok(isSignedBy(first.publicKey, bytes, first.sign(bytes)));
  const path = join(place.stateDir, capsuleKeyName);
  if (process.platform === "win32") return;
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await chmod(path, 0o644);
  await assert.rejects(createCapsuleKeys(place).own(), /others may read/);
});
