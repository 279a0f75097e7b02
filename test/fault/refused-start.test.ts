/** A store that cannot be used refuses the start in words, with an exit code of its own, and is left as it is. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "vitest";
import { openSqliteStore, storeFormat } from "../../src/adapters/sqlite/store.ts";

const refusedExitCode = 78;
const startMsMax = 60_000;

async function startWith(prepare: (path: string) => void, env: Readonly<Record<string, string>> = {}) {
  const stateDir = await mkdtemp(join(tmpdir(), "arw-refused-"));
  const path = join(stateDir, "journal.db");
  prepare(path);
  const before = readFileSync(path);
  const main = join(import.meta.dirname, "..", "..", "src", "app", "main.ts");
  const { status, stderr } = spawnSync(process.execPath, [main, "--port", "0", "--state-dir", stateDir], {
    encoding: "utf8",
    timeout: startMsMax,
    env: { PATH: process.env["PATH"], ...env },
  });
  const isUntouched = readFileSync(path).equals(before);
  const names = readdirSync(stateDir);
  await rm(stateDir, { recursive: true });
  return { status, stderr, isUntouched, names };
}

test("a damaged store refuses the start", async () => {
  const { status, stderr, isUntouched } = await startWith((path) =>
    writeFileSync(path, Buffer.alloc(20_000, "no database ")),
  );
  assert.deepEqual([status, isUntouched], [refusedExitCode, true]);
  assert.match(stderr, /does not start.*corrupt/);
  assert.match(stderr, /Restore a backup|--state-dir/);
  assert.doesNotMatch(stderr, /^\s+at /m);
});

test("a store of a newer hub refuses the start and names both formats", async () => {
  const { status, stderr, isUntouched, names } = await startWith((path) => {
    openSqliteStore(path)[Symbol.dispose]();
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA user_version=${storeFormat + 6}`);
    database.close();
  });
  assert.deepEqual([status, isUntouched], [refusedExitCode, true]);
  assert.deepEqual(
    names.filter((name) => name.startsWith("journal.db-")),
    [],
  );
  assert.match(stderr, /Nothing was touched\. Start the newer ARW/);
  assert.match(stderr, new RegExp(`format ${storeFormat + 6}\\).*knows ${storeFormat}\\b`));
});

test("a tee over a file of the hub refuses the start before anything is opened", async () => {
  const prepare = (path: string): void => openSqliteStore(path)[Symbol.dispose]();
  for (const tee of ["journal.db", "JOURNAL.db", "./blobs/../audit.log", "credentials"]) {
    const { status, stderr, isUntouched, names } = await startWith(prepare, { ARW_EVENTS_JOURNAL: tee });
    assert.deepEqual([status, isUntouched, names], [refusedExitCode, true, ["journal.db"]], tee);
    assert.match(stderr, /^ARW does not start: ARW_EVENTS_JOURNAL: journal\.tee .*Use "events\.jsonl"/, tee);
    assert.doesNotMatch(stderr, /SuppressedError|^\s+at /m);
  }
});

test("an emptied journal of a hub that has lived refuses the start", async () => {
  const { status, stderr, isUntouched } = await startWith((path) => {
    writeFileSync(path, "");
    writeFileSync(join(dirname(path), "hub.json"), "{}\n");
  });
  assert.deepEqual([status, isUntouched], [refusedExitCode, true]);
  assert.match(stderr, /journal\.db is empty, and a hub has lived here/);
  assert.match(stderr, /Restore a backup/);
});
