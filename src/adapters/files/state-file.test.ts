import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "vitest";
import { FileLocked, type FileLockOptions, withFileLock } from "./file-lock.ts";
import { createStateFiles, jsonCodec } from "./state-file.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "arw-state-file-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Count {
  readonly count: number;
}
const codec = jsonCodec<Count>((value) =>
  typeof value === "object" && value !== null && "count" in value && Number.isInteger(value.count)
    ? (value as Count)
    : null,
);
const lock: FileLockOptions = { pid: process.pid, nowMs: () => 1000, wait: () => Promise.resolve() };
const opened = (options: { readonly lock?: FileLockOptions } = {}) => {
  const files = createStateFiles({ nowMs: () => 1234 });
  return { files, path: join(folder, "a.json"), file: files.open({ path: join(folder, "a.json"), codec, ...options }) };
};

test("what was written is read, for the owner alone, and the value before is kept", async () => {
  const { file, path } = opened();
  assert.equal(await file.read(), null);
  await file.write({ count: 1 });
  await file.write({ count: 2 });
  assert.deepEqual(await file.read(), { count: 2 });
  assert.equal(await readFile(`${path}.bak`, "utf8"), '{"count":1}\n');
  assert.deepEqual([(await stat(path)).mode & 0o777, (await stat(`${path}.bak`)).mode & 0o777], [0o600, 0o600]);
});

test("a damaged file is kept aside, reported, and replaced by the last good one", async () => {
  const { file, path, files } = opened();
  await file.write({ count: 1 });
  await file.write({ count: 2 });
  await writeFile(path, '{"cou');
  assert.deepEqual(await file.read(), { count: 1 });
  assert.equal(await readFile(`${path}.corrupt-1234`, "utf8"), '{"cou');
  assert.deepEqual(files.damages, [{ path, keptAs: `${path}.corrupt-1234`, instead: "backup" }]);
  assert.deepEqual(await file.read(), { count: 1 });
});

test("damage never reaches the backup, and a file without one counts as none", async () => {
  const { file, path, files } = opened();
  await file.write({ count: 1 });
  await file.write({ count: 2 });
  await writeFile(path, "\u0000\u0000");
  await file.write({ count: 3 });
  assert.equal(await readFile(`${path}.bak`, "utf8"), '{"count":1}\n');
  await rm(`${path}.bak`);
  await writeFile(path, "[]");
  assert.equal(await file.read(), null);
  assert.equal(files.damages.at(-1)?.instead, "nothing");
});

test("updates of one path take turns, with and without a lock between processes, and leave nothing behind", async () => {
  for (const options of [{}, { lock }]) {
    const { file, files } = opened(options);
    await file.write({ count: 0 });
    await Promise.all(Array.from({ length: 20 }, () => file.update((before) => ({ count: (before?.count ?? 0) + 1 }))));
    assert.deepEqual(await file.read(), { count: 20 });
    assert.equal(files.busy, 0);
    assert.deepEqual((await readdir(folder)).toSorted(), ["a.json", "a.json.bak"]);
  }
});

test("a lock names its holder, and is waited for no longer than its bound", async () => {
  const path = join(folder, "b");
  await withFileLock(path, lock, async () => {
    await assert.rejects(
      withFileLock(path, { ...lock, pid: 2 }, () => Promise.resolve()),
      (error: unknown) => error instanceof FileLocked && error.holder?.pid === process.pid,
    );
  });
  assert.deepEqual(await readdir(folder), []);
});

test("the lock of a process that is gone, one of long ago, and one that is no lock are taken over", async () => {
  const path = join(folder, "c");
  const gone = { ...lock, isAlive: () => false };
  const stale: readonly (readonly [string, FileLockOptions])[] = [
    [JSON.stringify({ pid: 4, sinceMs: 1000, mark: "x" }), gone],
    [JSON.stringify({ pid: process.pid, sinceMs: -100_000, mark: "x" }), lock],
    ["nonsense", lock],
  ];
  for (const [text, options] of stale) {
    await writeFile(`${path}.lock`, text);
    assert.equal(await withFileLock(path, options, () => Promise.resolve(7)), 7);
    assert.deepEqual(await readdir(folder), []);
  }
});

test("who lost a lock as stale does not remove that of the next", async () => {
  const path = join(folder, "d");
  await withFileLock(path, lock, () =>
    writeFile(`${path}.lock`, JSON.stringify({ pid: process.pid, sinceMs: 1000, mark: "other" })),
  );
  assert.deepEqual(await readdir(folder), ["d.lock"]);
});
