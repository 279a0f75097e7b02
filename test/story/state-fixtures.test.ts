/** Every state that a released version left behind: opened, brought up to date and verified by the program as it is now. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, test } from "vitest";
import { restoreBackup } from "../../src/adapters/backup/restore-backup.ts";
import { storeFormat } from "../../src/adapters/sqlite/store.ts";
import { loadConfig } from "../../src/app/config/load.ts";
import { openHub } from "../../src/app/hub.ts";
import { journalFault } from "../../src/app/state-checks.ts";
import { unlockState } from "../../src/app/unlock.ts";
import { StoreFault } from "../../src/kernel/ports.ts";
import { fixturePassphrase } from "../../tools/make-state-fixture.ts";

const fixtures = join(import.meta.dirname, "..", "fixtures");
const caller = { kind: "person", id: "admin" } as const;

let base = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "arw-fixture-"));
});
afterEach(() => rm(base, { recursive: true, force: true }));

/** Some are encrypted. */
const unlocking = { env: {}, ask: () => Promise.resolve(fixturePassphrase) };
const sealerOf = async (folder: string) => (await unlockState(folder, unlocking))?.sealer ?? null;

const restored = async (name: string): Promise<string> => {
  const stateDir = join(base, name);
  const options = { stateDir, isDryRun: false, storeFormat, verifyJournal: journalFault, unlock: sealerOf };
  await restoreBackup({ ...options, file: join(fixtures, name) });
  return stateDir;
};

const opened = (stateDir: string) =>
  openHub({
    config: loadConfig({
      flags: { stateDir },
      env: {},
      platform: "linux",
      home: base,
      workDir: base,
      programDir: base,
      readFile: () => null,
    }),
    givenToken: "of this test",
    pid: process.pid,
    unlocking,
  });

test("every kept state opens, holds together, and shows what was done in it", async () => {
  const names = (await readdir(fixtures)).filter((name) => /^state-\d+\.tar\.gz$/.test(name));
  assert.ok(names.includes(`state-${storeFormat}.tar.gz`), "the store format of today has its fixture");
  for (const name of names) {
    const stateDir = await restored(name);
    {
      await using hub = await opened(stateDir);
      const answer = async (operationId: string, input: unknown = {}): Promise<unknown> => {
        const { outcome } = await hub.kernel.dispatch({
          operationId,
          input,
          credentials: { kind: "caller", caller },
        });
        return outcome.kind === "answer" ? outcome.output : assert.fail(outcome.kind);
      };
      const { items } = (await answer("state.episodes")) as { items: readonly { status: string; title: string }[] };
      assert.ok(
        items.some(({ status }) => status === "finished"),
        JSON.stringify(items),
      );
      assert.ok(((await answer("audit.verify")) as { ok: boolean }).ok);
      const { findings } = (await answer("doctor.examine")) as { findings: { name: string; level: string }[] };
      assert.deepEqual(
        findings.filter(({ level, name: about }) => level === "fault" && about !== "disk"),
        [],
      );
    }
    assert.equal(journalFault(join(stateDir, "journal.db"), await sealerOf(stateDir)), null);
  }
});

test("a state that a newer version wrote is refused, both versions named, and nothing is touched", async () => {
  const stateDir = await restored(`state-${storeFormat}.tar.gz`);
  const path = join(stateDir, "journal.db");
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode=DELETE; PRAGMA user_version=${storeFormat + 1}`);
  database.close();
  const before = await readFile(path);
  await assert.rejects(opened(stateDir), (error: unknown) => {
    assert.ok(error instanceof StoreFault, String(error));
    assert.match(error.message, new RegExp(`store format ${storeFormat + 1}.*knows ${storeFormat}`));
    return true;
  });
  assert.deepEqual(await readFile(path), before);
});

test("a running hub is backed up by a person and by nobody else, and the copy opens", async () => {
  const stateDir = await restored(`state-${storeFormat}.tar.gz`);
  const file = join(base, "again.tar.gz");
  {
    await using hub = await opened(stateDir);
    const { dispatch, bus } = hub.kernel;
    await assert.rejects(
      dispatch({
        operationId: "backup.create",
        input: { file },
        credentials: { kind: "caller", caller: { kind: "plugin", id: "p" } },
      }),
      /Only a person/,
    );
    const ended = Promise.withResolvers<string>();
    bus.listen(["task.finished", "task.failed"], ({ kind }) => ended.resolve(kind));
    await dispatch({ operationId: "backup.create", input: { file }, credentials: { kind: "caller", caller } });
    assert.equal(await ended.promise, "task.finished");
  }
  const again = join(base, "again");
  const options = {
    file,
    stateDir: again,
    isDryRun: false,
    storeFormat,
    verifyJournal: journalFault,
    unlock: sealerOf,
  };
  const { manifest } = await restoreBackup(options);
  assert.ok(manifest.journal.seq > 0);
  await (await opened(again))[Symbol.asyncDispose]();
});
