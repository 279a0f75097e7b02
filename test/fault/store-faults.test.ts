/** A disk that fails under the store: what was acknowledged stays, what was refused is refused in words. */
import assert from "node:assert/strict";
import { fdatasync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { watchStore } from "../../src/app/store-watch.ts";
import { isProblem } from "../../src/contract/problem.ts";
import { StoreFault } from "../../src/kernel/ports.ts";
import { verifyChain } from "../../src/kernel/verify.ts";
import { createFailingStore } from "../kit/journal.ts";
import { admin, type Kit, makeKernel } from "../kit/kernel.ts";
import { seededRandom } from "../kit/chance.ts";
import { emptyLedger, spawnHub } from "./killed-hub.ts";
import { examineJournal, loadDomain, Noted, stateNames } from "./load.ts";

const note = (kit: Kit, name: string): Promise<string> =>
  kit.kernel.journal.emit(Noted, { name }, { caller: admin, corrId: "c", causeId: null }).then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "arw-store-faults-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a sync that fails once is not asked again: nothing more is written, and health says so", () =>
  inFolder(async (folder) => {
    const path = join(folder, "journal.db");
    for (const failing of [1, 2, 4]) {
      let syncs = 0;
      const sync = (file: number, done: (error: NodeJS.ErrnoException | null) => void): void => {
        syncs += 1;
        // Every later one succeeds, as the system has it: it told of the failure once.
        if (syncs === failing) done(Object.assign(new Error("EIO: told to fail"), { code: "EIO" }));
        else fdatasync(file, done);
      };
      const watched = watchStore(openSqliteStore(path, { sync: sync as typeof fdatasync }));
      const kit = await makeKernel({ store: watched.store, domains: () => [loadDomain], seed: failing });
      const before = kit.kernel.journal.headSeq();
      const answers: string[] = [];
      const notes = 6;
      for (let index = 0; index < notes; index += 1) answers.push(await note(kit, `${failing}-${index}`));
      const passed = failing - 1;
      assert.deepEqual(answers, [
        ...Array.from({ length: passed }, () => "ok"),
        ...Array.from({ length: notes - passed }, () => "arw.store-failed"),
      ]);
      assert.equal(kit.kernel.journal.headSeq(), before + passed, "nobody reads what may not be there");
      assert.equal(watched.check().ok, false);
      assert.match(watched.check().detail, /did not sync.*start the hub again/);
      await kit[Symbol.asyncDispose]();
      const store = openSqliteStore(path);
      assert.equal(verifyChain(store).fault, null);
      const names = store.events({ limit: 1000, kinds: [Noted.kind] }).map((row) => row.data ?? "");
      assert.equal(new Set(names).size, names.length);
      for (const [index, answer] of answers.entries())
        if (answer === "ok") assert.ok(names.some((each) => each.includes(`"${failing}-${index}"`)));
      store[Symbol.dispose]();
    }
  }));

test("a file that may not grow any more costs nothing that was acknowledged", { timeout: 120_000 }, (context) =>
  inFolder(async (cache) => {
    if (process.platform === "win32") {
      context.skip("optional: the size of files is limited by a shell of POSIX");
      return;
    }
    const random = seededRandom(Number(process.env["ARW_SEED"] ?? 8090));
    const trials = process.env["ARW_SOAK"] === "1" ? 30 : 3;
    for (let trial = 0; trial < trials; trial += 1) {
      await inFolder(async (folder) => {
        const ledger = emptyLedger();
        // Less would hold no more than what a hub writes at its first start.
        const fileBlocksMax = 900 + Math.floor(random() * 1500);
        const hub = spawnHub(folder, trial, { isDrain: false, cache, fileBlocksMax });
        await hub.run("refused", ledger);
        const store = openSqliteStore(join(folder, stateNames.journal));
        examineJournal(store, ledger);
        store[Symbol.dispose]();
        assert.ok(ledger.notes.size > 0, "the hub was under load");
      });
    }
  }),
);

test("health names the refusal and its repair, and forgets it with the next commit", () => {
  const inner = createFailingStore();
  const { store, check } = watchStore(inner);
  const empty = { events: [], rows: [], views: [] };
  for (const [reason, repair] of [
    ["full", /free some space/],
    ["failed", /arw doctor/],
    ["corrupt", /arw restore/],
  ] as const) {
    inner.failWith(reason);
    assert.throws(() => store.commit(empty), StoreFault);
    assert.equal(check().ok, false);
    assert.match(check().detail, repair);
    inner.failWith(null);
    store.commit(empty);
    assert.deepEqual(check(), { name: "store", ok: true, detail: "open" });
  }
});
