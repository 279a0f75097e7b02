/** The files of a hub, each with what it acknowledges and what it owes afterwards. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openAuditLog } from "../../src/adapters/audit/audit-log.ts";
import { createBackups } from "../../src/adapters/backup/make-backup.ts";
import { restoreBackup } from "../../src/adapters/backup/restore-backup.ts";
import { createCapsuleFiles } from "../../src/adapters/capsules/capsule-files.ts";
import { findToken, openCredentials } from "../../src/adapters/credentials/credentials.ts";
import { createFileBlobs } from "../../src/adapters/files/blobs.ts";
import { errnoOf } from "../../src/adapters/files/faults.ts";
import { isTemporaryName } from "../../src/adapters/files/file-calls.ts";
import { createStateFiles, jsonCodec, type StateFilesOptions } from "../../src/adapters/files/state-file.ts";
import { createManualClock } from "../../src/adapters/memory/clock.ts";
import type { Clock } from "../../src/kernel/ports.ts";
import { openSqliteStore, storeFormat } from "../../src/adapters/sqlite/store.ts";
import { createTeeFiles, type TeeFiles } from "../../src/adapters/tee/files.ts";
import { journalFiles } from "../../src/adapters/tee/journal-files.ts";
import { createTee } from "../../src/adapters/tee/tee.ts";
import { journalFault } from "../../src/app/state-checks.ts";
import { randomBytesOf, seededRandom } from "../kit/chance.ts";
import { admin, type Kit, makeKernel, startMs, turn } from "../kit/kernel.ts";
import type { Subject } from "./file-faults.test.ts";
import { loadDomain, Noted } from "./load.ts";

const isWell = async (work: Promise<unknown>): Promise<boolean> => {
  try {
    await work;
    return true;
  } catch {
    return false;
  }
};

/** A small value with its backup, under the lock that other processes ask for. */
export const stateFileSubject: Subject = {
  name: "state file",
  async run(disk, folder) {
    const open = (at: string, over: Pick<StateFilesOptions, "calls">) =>
      createStateFiles({ nowMs: () => startMs, ...over }).open({
        path: join(at, "count.json"),
        codec: jsonCodec((value) => (typeof value === "number" ? value : null)),
        lock: { pid: process.pid, nowMs: () => startMs, wait: () => Promise.resolve(), isAlive: () => false },
      });
    const file = open(folder, { calls: disk.calls });
    let acknowledged: number | null = null;
    const valuesMax = 2;
    for (let value = 1; value <= valuesMax; value += 1) if (await isWell(file.write(value))) acknowledged = value;
    return async (left) => {
      const again = open(left, { calls: disk.calls });
      const value = await again.read();
      assert.ok((value ?? 0) >= (acknowledged ?? 0), `${value} after ${acknowledged} was acknowledged`);
      await again.write(valuesMax + 1);
      assert.equal(await again.read(), valuesMax + 1);
      assert.deepEqual(
        (await readdir(left)).filter((name) => name.includes(".corrupt-")),
        [],
      );
    };
  },
};

export const blobSubject: Subject = {
  name: "blobs",
  async run(disk, folder) {
    const open = (at: string, over: Pick<StateFilesOptions, "calls">) =>
      createFileBlobs({ folder: join(at, "blobs"), sizeBytesMaxEach: 1000, ...over });
    const blobs = open(folder, { calls: disk.calls });
    const acknowledged = new Set<string>();
    // The second and the third are one: what is there already is acknowledged as if it were new.
    for (const text of ["one", "two", "two", "three"]) {
      const bytes = new TextEncoder().encode(text);
      await blobs.put(bytes).then(
        (ref) => acknowledged.add(ref),
        () => undefined,
      );
    }
    return async (left) => {
      const again = open(left, { calls: disk.calls });
      for (const ref of acknowledged) assert.ok((await again.get(ref)) !== null, `${ref} was acknowledged`);
      for await (const { ref } of again.list()) await again.get(ref);
      const ref = await again.put(new TextEncoder().encode("two"));
      assert.equal(new TextDecoder().decode((await again.get(ref)) ?? undefined), "two");
    };
  },
};

/** The token and its hash: whatever happens, the next start has a pair that fits, and the one that was told. */
export const credentialsSubject: Subject = {
  name: "credentials",
  async run(disk, folder) {
    const open = (stateDir: string, over: Pick<StateFilesOptions, "calls">) =>
      openCredentials({
        stateDir,
        randomBytes: randomBytesOf(seededRandom(disk.made.length + 1)),
        files: createStateFiles({ nowMs: () => startMs, ...over }),
        ...over,
      });
    const isTold = await isWell(open(folder, { calls: disk.calls }));
    const told = isTold ? await findToken({ environment: {}, stateDir: folder }) : null;
    return async (left) => {
      const again = await open(left, { calls: disk.calls });
      const found = await findToken({ environment: {}, stateDir: left });
      assert.equal(again.source, "file");
      assert.ok(found !== null);
      if (told !== null) assert.equal(found.token, told.token);
    };
  },
};

export const auditSubject: Subject = {
  name: "audit log",
  async run(disk, folder) {
    const open = (at: string, over: { readonly calls?: typeof disk.now }) =>
      openAuditLog({ folder: at, sizeBytesMax: 900, nowMs: () => startMs, ...over });
    const log = open(folder, { calls: disk.now });
    const rows = 9;
    // Asking for its health makes the log write what waits; whether that came to the disk is known a moment later.
    const isOwed = (): boolean => {
      const before = disk.made.length;
      const { ok } = log.health();
      return ok && !disk.made.slice(before).includes("write");
    };
    let owed = 0;
    for (let index = 1; index <= rows; index += 1) {
      log.append({ timeMs: index, caller: "person:admin", operation: "a.b", outcome: "answered", why: `row ${index}` });
      await turn();
      await turn();
      if (isOwed()) owed = index;
    }
    log[Symbol.dispose]();
    return async (left) => {
      using again = open(left, { calls: disk.now });
      again.append({ timeMs: 1, caller: "person:admin", operation: "a.b", outcome: "answered", why: "after" });
      const verdict = await again.verify();
      assert.equal(verdict.fault, null);
      const kept = (await again.list({ limit: 1000 })).map((row) => row.why).toReversed();
      assert.equal(kept.at(-1), "after");
      const wanted = Array.from({ length: owed }, (_, index) => `row ${index + 1}`);
      assert.deepEqual(kept.slice(0, owed), wanted);
      assert.equal(new Set(kept).size, kept.length);
    };
  },
};

const openTee = (kit: Kit, folder: string, { files, clock }: { readonly files: TeeFiles; readonly clock: Clock }) =>
  createTee({
    path: join(folder, "events.jsonl"),
    files,
    clock,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    limits: { bytesMax: 1500, ageMsMax: 1e12, filesMax: 100, filesAgeMsMax: 1e12 },
    headSeq: kit.kernel.journal.headSeq,
    journal: kit.kernel.parts.archive.lines,
    feed: kit.kernel.bus.subscribe({ name: "tee", prefixes: [], capacity: 4 }),
  });

async function teedSeqs(folder: string): Promise<number[]> {
  const seqs: number[] = [];
  try {
    for await (const line of journalFiles.lines(join(folder, "events.jsonl"))) {
      // What was not synced may be a hole.
      const seq = /^\{"seq":(\d+),.*\}$/u.exec(line)?.[1];
      seqs.push(seq === undefined ? Number.NaN : Number(seq));
    }
  } catch (error) {
    // Before its first event there is no file.
    assert.equal(errnoOf(error), "ENOENT");
  }
  return seqs;
}

/** Its debts are in the journal, so what it owes is every event once, in order, and a frontier that is true. */
export const teeSubject: Subject = {
  name: "tee",
  async run(disk, folder) {
    const kit = await makeKernel({ domains: () => [loadDomain] });
    const emit = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) {
        const name = `${kit.kernel.journal.headSeq()}`;
        await kit.kernel.journal.emit(Noted, { name }, { caller: admin, corrId: "c", causeId: null });
      }
    };
    const files = createTeeFiles(disk.calls);
    const clock = createManualClock(startMs);
    const tee = openTee(kit, folder, { files, clock });
    // A file lives for three rounds, so that a sync that failed is followed by one that does not before the file is put away.
    const rounds = 5;
    for (let round = 0; round < rounds; round += 1) {
      await emit(2);
      await tee.flush();
      // Long enough for a sync, and for a new try after a failure.
      clock.advance(10_000);
      await tee.flush();
    }
    const { syncedSeq } = tee.status();
    await tee[Symbol.asyncDispose]();
    return async (left) => {
      const there = await teedSeqs(left);
      for (let seq = 1; seq <= syncedSeq; seq += 1) assert.ok(there.includes(seq), `${seq} of ${syncedSeq} was synced`);
      const again = openTee(kit, left, { files, clock });
      for (let round = 0; round < rounds && again.status().lagEvents > 0; round += 1) await again.flush();
      assert.deepEqual([again.status().isWell, again.status().lagEvents], [true, 0], again.status().detail);
      await again[Symbol.asyncDispose]();
      const seqs = await teedSeqs(left);
      const wanted = Array.from({ length: kit.kernel.journal.headSeq() }, (_, index) => index + 1);
      assert.ok(syncedSeq <= wanted.length);
      assert.deepEqual(seqs, wanted);
      await kit[Symbol.asyncDispose]();
    };
  },
};

/** A capsule where a person wants it: whole under its name, or the name is free. */
export const capsuleSubject: Subject = {
  name: "capsule file",
  async run(disk, folder) {
    const capsule = randomBytesOf(seededRandom(1))(3_000);
    const files = createCapsuleFiles({ stateDir: `${folder}.state`, calls: disk.calls });
    const isMade = await isWell(files.write(join(folder, "run.capsule"), capsule));
    return async (left) => {
      const path = join(left, "run.capsule");
      const found = await readFile(path).catch(() => null);
      assert.ok(found !== null || !isMade, "a capsule that was acknowledged is gone");
      if (found !== null) assert.deepEqual(new Uint8Array(found), capsule);
      await files.write(path, capsule);
      assert.deepEqual(new Uint8Array(await readFile(path)), capsule);
    };
  },
};

export const backupSubject: Subject = {
  name: "backup",
  async run(disk, folder) {
    const stateDir = `${folder}.state`;
    await makeState(stateDir);
    const backups = createBackups({
      stateDir,
      blobs: createFileBlobs({ folder: join(stateDir, "blobs"), sizeBytesMaxEach: 1000 }),
      version: "1.0.0",
      node: "n",
      nowMs: () => startMs,
      calls: disk.calls,
    });
    const make = (file: string) =>
      backups.make(file, { signal: new AbortController().signal, onProgress: () => undefined });
    const isMade = await isWell(make(join(folder, "arw.tar.gz")));
    return async (left) => {
      const names = await readdir(left);
      await rm(stateDir, { recursive: true });
      if (isMade || names.includes("arw.tar.gz"))
        await restoreBackup({
          file: join(left, "arw.tar.gz"),
          stateDir: `${left}.restored`,
          isDryRun: true,
          storeFormat,
          verifyJournal: journalFault,
        });
      assert.deepEqual(
        names.filter((name) => isTemporaryName(name)),
        [],
      );
    };
  },
};

async function makeState(stateDir: string): Promise<void> {
  await mkdir(stateDir);
  openSqliteStore(join(stateDir, "journal.db"))[Symbol.dispose]();
  const bytes = new Uint8Array([1]);
  const hex = createHash("sha256").update(bytes).digest("hex");
  await mkdir(join(stateDir, "blobs", hex.slice(0, 2)), { recursive: true });
  await writeFile(join(stateDir, "blobs", hex.slice(0, 2), hex), bytes);
}
