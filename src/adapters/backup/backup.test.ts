import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, test } from "vitest";
import { BackupFault } from "../../domains/backup/port.ts";
import { openAuditLog } from "../audit/audit-log.ts";
import { createFileBlobs } from "../files/blobs.ts";
import { openSqliteStore, storeFormat } from "../sqlite/store.ts";
import { createBackups } from "./make-backup.ts";
import { restoreBackup } from "./restore-backup.ts";
import { readTar, type TarEntry, writeTar } from "./tar.ts";

let base = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "arw-backup-"));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const stateDir = (): string => join(base, "state");
const target = (): string => join(base, "restored");
const file = (): string => join(base, "arw.tar.gz");
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function makeState(): Promise<void> {
  await mkdir(stateDir());
  openSqliteStore(join(stateDir(), "journal.db"))[Symbol.dispose]();
  const blobs = createFileBlobs({ folder: join(stateDir(), "blobs"), sizeBytesMaxEach: 1000 });
  await blobs.put(bytesOf("one"));
  await blobs.put(bytesOf("two"));
  await createFileBlobs({ folder: join(stateDir(), "capsules"), sizeBytesMaxEach: 1000 }).put(bytesOf("a capsule"));
  for (const name of ["node-id", "tokens.json", "credentials", "sessions.json", "hub.log"])
    await writeFile(join(stateDir(), name), name);
  using log = openAuditLog({ folder: stateDir(), sizeBytesMax: 1_000_000, nowMs: () => 1 });
  log.append({ timeMs: 1, caller: "person:admin", operation: "a.b", outcome: "answered" });
}

const backups = () =>
  createBackups({
    stateDir: stateDir(),
    blobs: createFileBlobs({ folder: join(stateDir(), "blobs"), sizeBytesMaxEach: 1000 }),
    capsules: createFileBlobs({ folder: join(stateDir(), "capsules"), sizeBytesMaxEach: 1000 }),
    version: "1.0.0",
    node: "n",
    nowMs: () => 1000,
  });
const make = (to = file()) => backups().make(to, { signal: new AbortController().signal, onProgress: () => undefined });
const restore = (options: Partial<Parameters<typeof restoreBackup>[0]> = {}) =>
  restoreBackup({
    file: file(),
    stateDir: target(),
    isDryRun: false,
    storeFormat,
    verifyJournal: () => null,
    ...options,
  });
const refused = (work: Promise<unknown>, reason: BackupFault["reason"], words: RegExp): Promise<void> =>
  assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof BackupFault, String(error));
    assert.deepEqual([error.reason, words.test(error.message)], [reason, true], error.message);
    return true;
  });

async function unpacked(): Promise<Map<string, Uint8Array>> {
  const entries = new Map<string, Uint8Array>();
  for await (const { name, content } of readTar(Readable.from([gunzipSync(await readFile(file()))])))
    entries.set(name, await buffer(content));
  return entries;
}

/** A backup as somebody else might have made it. */
async function forge(entries: Iterable<readonly [string, Uint8Array]>): Promise<void> {
  const listed = [...entries].map(
    ([name, bytes]): TarEntry => ({
      name,
      sizeBytes: bytes.length,
      content: Readable.from([bytes]),
    }),
  );
  const chunks = await buffer(writeTar(Readable.from(listed), { modifiedMs: 0 }));
  await writeFile(file(), gzipSync(chunks));
}

test("a backup holds what cannot be made anew, leaves the rest out and says so, and is its owner's alone", async () => {
  await makeState();
  const made = await make();
  assert.equal((await stat(file())).mode & 0o777, 0o600);
  assert.deepEqual([made.files, made.journalSeq, made.sizeBytes], [7, 0, (await stat(file())).size]);
  const names = [...(await unpacked()).keys()];
  assert.equal(names.at(-1), "manifest.json");
  assert.ok(!names.some((name) => ["credentials", "sessions.json", "hub.log"].includes(name)));
  for (const name of ["credentials", "sessions.json"]) assert.ok(made.leftOut.some((text) => text.startsWith(name)));
  assert.deepEqual((await readdir(base)).toSorted(), ["arw.tar.gz", "state"]);
  assert.ok(!(await readdir(stateDir())).some((name) => name.includes(".tmp")));
});

test("what is restored is what was backed up", async () => {
  await makeState();
  await make();
  await restore({ isDryRun: true });
  assert.deepEqual((await readdir(base)).toSorted(), ["arw.tar.gz", "state"]);
  const { files } = await restore();
  assert.equal(files, 7);
  for (const name of ["node-id", "tokens.json", "audit.log"])
    assert.deepEqual(await readFile(join(target(), name)), await readFile(join(stateDir(), name)));
  const blobs = createFileBlobs({ folder: join(target(), "blobs"), sizeBytesMaxEach: 1000 });
  let count = 0;
  for await (const _blob of blobs.list()) count += 1;
  assert.equal(count, 2);
  const capsules = createFileBlobs({ folder: join(target(), "capsules"), sizeBytesMaxEach: 1000 });
  for await (const { ref } of capsules.list())
    assert.equal(String(await capsules.get(ref)), String(bytesOf("a capsule")));
  assert.ok((await readdir(target())).includes("capsules"));
  assert.equal((await stat(target())).mode & 0o777, 0o700);
  openSqliteStore(join(target(), "journal.db"))[Symbol.dispose]();
});

test("a backup replaces no file and lies outside of what it copies", async () => {
  await makeState();
  await writeFile(file(), "mine");
  await refused(make(), "refused", /replaces no file/);
  await refused(make(join(stateDir(), "b")), "refused", /must not lie in/);
  await refused(make("b"), "refused", /absolute/);
  await refused(make(join(base, "no", "b")), "refused", /folder does not exist/);
  assert.equal(await readFile(file(), "utf8"), "mine");
});

test("a restore goes into nothing but an empty place", async () => {
  await makeState();
  await make();
  await refused(restore({ stateDir: stateDir() }), "refused", /not empty/);
  await mkdir(target());
  await restore();
  await refused(restore(), "refused", /not empty/);
  await refused(restore({ file: join(base, "none"), stateDir: join(base, "x") }), "refused", /no file/);
});

test("names that climb or surprise, doubled and late entries are refused, and nothing is left", async () => {
  await makeState();
  await make();
  const entries = [...(await unpacked())];
  const x = bytesOf("x");
  for (const name of [
    "../escaped",
    "/etc/x",
    "blobs/../../x",
    "blobs/ab/../x",
    "credentials",
    "a\\..\\b",
    "hub.json",
  ]) {
    await forge([[name, x], ...entries]);
    await refused(restore(), "unsound", /does not belong/);
  }
  await forge([["node-id", x], ...entries]);
  await refused(restore(), "unsound", /twice/);
  await forge([...entries, ["node-id", x]]);
  await refused(restore(), "unsound", /after the end/);
  assert.deepEqual((await readdir(base)).toSorted(), ["arw.tar.gz", "state"]);
});

test("forged digests, missing parts and newer formats are refused", async () => {
  await makeState();
  await make();
  const entries = await unpacked();
  const forged = (name: string, bytes: Uint8Array | null) =>
    forge(
      [...entries].flatMap(([key, value]) =>
        key !== name ? [[key, value] as const] : bytes === null ? [] : [[key, bytes] as const],
      ),
    );
  const blob = [...entries.keys()].find((name) => name.startsWith("blobs/")) ?? "";
  const manifest = new TextDecoder().decode(entries.get("manifest.json"));
  await forged(blob, bytesOf("six"));
  await refused(restore(), "unsound", /not what its name says/);
  await forged(blob, null);
  await refused(restore(), "unsound", /number of blobs/);
  await forged("tokens.json", bytesOf("mine"));
  await refused(restore(), "unsound", /tokens.json.* not what the manifest says/);
  await forged("manifest.json", null);
  await refused(restore(), "unsound", /cut short/);
  await forged("manifest.json", bytesOf(manifest.replace('"format": 2', '"format": 3')));
  await refused(restore(), "newer", /backup format 3/);
  await make(join(base, "again.tar.gz"));
  await refused(restore({ file: join(base, "again.tar.gz"), storeFormat: 0 }), "newer", /store format/);
  await refused(
    restore({ file: join(base, "again.tar.gz"), verifyJournal: () => "row 3 is not what was written" }),
    "unsound",
    /does not hold together/,
  );
});

test("a file that is cut short anywhere is refused", async () => {
  await makeState();
  await make();
  const whole = await readFile(file());
  for (const part of [0, 5, 0.3, 0.6, 0.99]) {
    await writeFile(file(), whole.subarray(0, part < 1 ? Math.floor(whole.length * part) : part));
    await assert.rejects(restore(), BackupFault);
  }
  await writeFile(file(), "no backup at all");
  await refused(restore(), "unsound", /no backup/);
});

test("what is written as tar is read again, however it is cut into chunks", async () => {
  const entry = fc.record({ name: fc.stringMatching(/^[a-z]{1,90}$/), bytes: fc.uint8Array({ maxLength: 1500 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 5 }), fc.integer({ min: 1, max: 700 }), async (given, step) => {
      const listed = given.map(
        ({ name, bytes }): TarEntry => ({
          name,
          sizeBytes: bytes.length,
          content: (async function* () {
            yield bytes;
          })(),
        }),
      );
      const packed = await buffer(writeTar(Readable.from(listed), { modifiedMs: 0 }));
      const chunks = Array.from({ length: Math.ceil(packed.length / step) }, (_none, index) =>
        packed.subarray(index * step, (index + 1) * step),
      );
      const found: { name: string; bytes: Uint8Array }[] = [];
      for await (const { name, content } of readTar(Readable.from(chunks)))
        found.push({ name, bytes: new Uint8Array(await buffer(content)) });
      assert.deepEqual(
        found,
        given.map((each) => ({ ...each })),
      );
    }),
    { numRuns: 50 },
  );
});
