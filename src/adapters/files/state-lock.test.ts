import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { acquireStateLock, StateLocked } from "./state-lock.ts";

const options = { pid: 7, nowMs: 5_000 };

const holderScript = join(import.meta.dirname, "../../../test/contract/folder-lock-holder.ts");

async function makeFolder() {
  const base = await mkdtemp(join(tmpdir(), "arw-lock-"));
  return { folder: join(base, "state"), [Symbol.asyncDispose]: () => rm(base, { recursive: true }) };
}

async function holderOf(folder: string): Promise<unknown> {
  try {
    await using _lock = await acquireStateLock(folder, options);
    return "free";
  } catch (error) {
    assert.ok(error instanceof StateLocked, String(error));
    return error.holder;
  }
}

test("one hub holds a directory; the next learns who and where, and gets it afterwards", async () => {
  await using made = await makeFolder();
  const first = await acquireStateLock(made.folder, options);
  assert.deepEqual(await holderOf(made.folder), { pid: 7, startedAt: 5_000, address: null });
  await first.announce("http://127.0.0.1:8090");
  const holder = { pid: 7, startedAt: 5_000, address: "http://127.0.0.1:8090" };
  assert.deepEqual(await holderOf(made.folder), holder);
  assert.deepEqual(JSON.parse(readFileSync(join(made.folder, "lock.json"), "utf8")), holder);
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  assert.equal(existsSync(join(made.folder, "lock.json")), false);
  assert.equal(await holderOf(made.folder), "free");
});

test("a refused try in the same process does not let another process in", async () => {
  await using made = await makeFolder();
  await using _lock = await acquireStateLock(made.folder, options);
  assert.notEqual(await holderOf(made.folder), "free");
  const child = fork(holderScript, [made.folder], { silent: true });
  const [code] = await once(child, "exit");
  assert.equal(code, 1);
});

test("the directory and both files are for the owner alone", async () => {
  await using made = await makeFolder();
  await using _lock = await acquireStateLock(made.folder, options);
  const modes = ["", "lock.db", "lock.json"].map((name) => stat(join(made.folder, name)));
  assert.deepEqual(
    (await Promise.all(modes)).map((info) => info.mode & 0o777),
    [0o700, 0o600, 0o600],
  );
});

test("a killed hub leaves no lock, only a note that is recognised as stale", async () => {
  await using made = await makeFolder();
  const child = fork(holderScript, [made.folder]);
  try {
    await once(child, "message");
    const holder = { pid: child.pid, startedAt: 1_000, address: "http://127.0.0.1:1" };
    assert.deepEqual(await holderOf(made.folder), holder);
  } finally {
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }
  assert.equal(existsSync(join(made.folder, "lock.json")), true);
  await using lock = await acquireStateLock(made.folder, options);
  assert.equal(JSON.parse(readFileSync(join(made.folder, "lock.json"), "utf8")).pid, 7);
  await lock.announce("here");
});

test("a note that makes no sense reads as an unknown holder", async () => {
  await using made = await makeFolder();
  await using _lock = await acquireStateLock(made.folder, options);
  for (const text of ["", "{", "null", "[]", '{"pid":"7","startedAt":1}', `{"pid":7,"x":"${"y".repeat(5_000)}"}`]) {
    await writeFile(join(made.folder, "lock.json"), text);
    assert.equal(await holderOf(made.folder), null);
  }
});
