import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, test } from "vitest";
import { until } from "../../../test/story/kit/until.ts";
import type { AuditEntry } from "../../domains/audit/port.ts";
import { createStateFiles } from "../files/state-file.ts";
import { createManualClock } from "../memory/clock.ts";
import { openAuditAnchor, readAuditAnchor } from "./anchor.ts";
import { type AuditLog, openAuditLog } from "./audit-log.ts";
import { verifyFiles } from "./read-log.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "arw-audit-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const entry = (why: string): AuditEntry => ({
  timeMs: 5,
  caller: "person:admin",
  operation: "fs.write",
  outcome: "answered",
  why,
});
const opened = (sizeBytesMax = 1_000_000) => openAuditLog({ folder, sizeBytesMax, nowMs: () => 77 });
const filled = (count: number, sizeBytesMax?: number): void => {
  using log = opened(sizeBytesMax);
  for (let index = 1; index <= count; index += 1) log.append(entry(`row ${index}`));
};
const path = (name = "audit.log"): string => join(folder, name);

test("the last row is vouched for also while rows keep coming, and nothing wakes while none does", async () => {
  const files = createStateFiles({ nowMs: () => 1 });
  const clock = createManualClock(1);
  await using anchor = await openAuditAnchor({ stateDir: folder, files, clock, onFault: () => assert.fail() });
  using log = openAuditLog({ folder, sizeBytesMax: 1e6, nowMs: () => 77, onRow: anchor.moved });
  anchor.follow(log.head);
  assert.equal(clock.nextInMs(), null);
  for (let index = 1; index <= 6; index += 1) {
    log.append(entry(`row ${index}`));
    clock.advance(700);
  }
  const seq = await until("a row to be vouched for", async () => (await readAuditAnchor(folder))?.seq);
  assert.ok(seq >= 1 && seq < 6, `row ${seq}`);
  clock.advance(5000);
  assert.equal(clock.nextInMs(), null);
});

test("rows are chained over restarts, listed newest first, and for the owner alone", async () => {
  filled(3);
  filled(2);
  using log = opened();
  const verdict = await log.verify();
  assert.deepEqual(verdict, { ok: true, rows: 5, files: ["audit.log"], firstSeq: 1, lastSeq: 5, fault: null });
  assert.deepEqual(
    (await log.list({ limit: 2 })).map((row) => row.seq),
    [5, 4],
  );
  assert.deepEqual(
    (await log.list({ limit: 9, beforeSeq: 3 })).map((row) => row.seq),
    [2, 1],
  );
  assert.equal((await stat(path())).mode & 0o777, 0o600);
});

test("the log rotates, keeps three older files, and its chain runs on across them", async () => {
  filled(60, 2000);
  const names = (await readdir(folder)).toSorted();
  assert.deepEqual(names, ["audit.1.log", "audit.2.log", "audit.3.log", "audit.log"]);
  for (const name of names) assert.ok((await stat(path(name))).size <= 2000, name);
  using log = opened(2000);
  const verdict = await log.verify();
  assert.ok(verdict.ok);
  assert.deepEqual(verdict.files, ["audit.3.log", "audit.2.log", "audit.1.log", "audit.log"]);
  assert.equal(verdict.lastSeq, 60);
  assert.equal(verdict.rows, 61 - Number(verdict.firstSeq));
  assert.ok(Number(verdict.firstSeq) > 1);
  const rows = await log.list({ limit: 1000 });
  assert.deepEqual(
    rows.map((row) => row.seq),
    Array.from({ length: verdict.rows }, (_none, index) => 60 - index),
  );
});

test("any changed, missing, doubled or inserted row is named", async () => {
  filled(8);
  const whole = (await readFile(path(), "utf8")).trimEnd().split("\n");
  const kinds = ["change", "remove", "double", "swap", "insert"] as const;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...kinds), fc.integer({ min: 0, max: 6 }), async (kind, at) => {
      const lines = [...whole];
      const line = lines[at] ?? "";
      if (kind === "change") lines[at] = line.replace('"row ', '"Row ');
      if (kind === "remove") lines.splice(at, 1);
      if (kind === "double") lines.splice(at, 0, line);
      if (kind === "swap") [lines[at], lines[at + 1]] = [lines[at + 1] ?? "", line];
      if (kind === "insert") lines.splice(at, 0, "not a row");
      await writeFile(path(), `${lines.join("\n")}\n`);
      using log = opened();
      const { ok, fault } = await log.verify();
      // Without its first row a log looks like one that has rotated: what is kept must still hold together.
      if (kind === "remove" && at === 0) return assert.ok(ok);
      assert.equal(ok, false);
      // Where a row is doubled, the second of the two is the one too many.
      assert.equal(fault?.line, kind === "double" || (kind === "swap" && at === 0) ? at + 2 : at + 1);
    }),
    { numRuns: 60 },
  );
});

test("a torn end is cut off, kept beside, told, and the chain goes on", async () => {
  filled(3);
  await appendFile(path(), '{"seq":4,"tim');
  {
    using log = opened();
    assert.deepEqual(log.health(), {
      ok: false,
      detail: "the end of audit.log was damaged and cut off; the damaged file is audit.log.corrupt-77",
    });
    log.append(entry("row 4"));
    assert.deepEqual(await log.verify().then(({ ok, lastSeq }) => [ok, lastSeq]), [true, 4]);
  }
  assert.ok((await readFile(path("audit.log.corrupt-77"), "utf8")).endsWith('{"seq":4,"tim'));
});

test("a newest file without any row goes on from the older one", async () => {
  filled(20, 2000);
  await writeFile(path(), "\0\0\0");
  filled(1, 2000);
  using log = opened(2000);
  assert.ok((await log.verify()).ok);
});

test("a disk that takes nothing loses no row silently", async () => {
  const log = opened();
  log.append(entry("one"));
  log[Symbol.dispose]();
  // The file is closed, so every write fails as it would on a broken disk.
  for (let index = 0; index < 1003; index += 1) log.append(entry("two"));
  assert.equal(log.health().ok, false);
  assert.match(log.health().detail, /1000 wait, 3 are lost/);
});

test("a log that is moved, removed or cut under a running hub is noticed, told and named for ever after", async () => {
  for (const take of [
    () => rename(path(), path("away")),
    () => rm(path()),
    async () => truncate(path(), (await stat(path())).size - 10),
    () => truncate(path(), 0),
  ]) {
    await rm(path(), { force: true });
    {
      using log = opened();
      for (let index = 0; index < 3; index += 1) log.append(entry("before"));
      await take();
      assert.match(log.health().detail, /up to row 3, is not here/u);
      assert.equal(log.health().ok, false);
      log.append(entry("after"));
      assert.deepEqual(
        (await log.list({ limit: 2 })).map(({ seq, outcome }) => [seq, outcome]),
        [
          [5, "answered"],
          [4, "lost"],
        ],
      );
      assert.match((await log.verify()).fault?.reason ?? "", /missing/u);
    }
    using later = opened();
    assert.equal(later.head()?.seq, 5);
    assert.equal((await verifyFiles([path("audit.3.log"), path()], later.head())).ok, false);
  }
});

test("a log that was cut, removed or made anew at rest is held against its last known row", async () => {
  const files = createStateFiles({ nowMs: () => 1 });
  const run = async (use: (log: AuditLog) => void | Promise<void>): Promise<void> => {
    const clock = createManualClock(1);
    await using anchor = await openAuditAnchor({ stateDir: folder, files, clock, onFault: () => assert.fail() });
    using log = openAuditLog({ folder, sizeBytesMax: 1e6, nowMs: () => 77, known: anchor.known });
    anchor.follow(log.head);
    await use(log);
  };
  const lines = async (): Promise<string[]> => (await readFile(path(), "utf8")).split("\n").slice(0, -1);
  for (const harm of [
    async () => writeFile(path(), `${(await lines()).slice(0, 3).join("\n")}\n`),
    () => rm(path()),
    async () => {
      await rm(path());
      filled(6);
    },
  ]) {
    for (const name of await readdir(folder)) await rm(path(name));
    await run((log) => {
      for (let index = 0; index < 6; index += 1) log.append(entry("before"));
    });
    assert.deepEqual((await readAuditAnchor(folder))?.seq, 6);
    await run((log) => assert.equal(log.health().ok, true));
    await harm();
    const known = await readAuditAnchor(folder);
    assert.equal((await verifyFiles([path("audit.3.log"), path()], known)).ok, false);
    await run(async (log) => {
      assert.match(log.health().detail, /up to row 6, is not here/u);
      assert.equal(log.head()?.seq, 7);
      assert.equal((await log.verify()).ok, false);
    });
  }
});
