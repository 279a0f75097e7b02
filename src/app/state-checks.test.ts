import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, test } from "vitest";
import { makeKernel } from "../../test/kit/kernel.ts";
import { openSqliteStore } from "../adapters/sqlite/store.ts";
import { journalCheck, journalTailFault } from "./state-checks.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "arw-checks-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a journal that was cut is named at rest, and from the next start on by the health check, too", async () => {
  const path = join(folder, "journal.db");
  {
    await using kit = await makeKernel({ store: openSqliteStore(path) });
    assert.deepEqual([journalCheck(kit.store).ok, journalTailFault(path)], [true, null]);
    for (const role of ["edge", "regional", "edge"]) await kit.call("hierarchy.role", { role });
  }
  assert.equal(journalTailFault(path), null);
  const database = new DatabaseSync(path);
  const { head } = database.prepare("SELECT MAX(seq) AS head FROM event").get() as { head: number };
  database.exec("DELETE FROM event WHERE seq > 1");
  database.close();
  const cut = head === 2 ? /^event 2 was cut off/u : new RegExp(`^events 2 to ${head} were cut off`, "u");
  assert.match(journalTailFault(path) ?? "", cut);
  for (const _start of [1, 2]) {
    await using kit = await makeKernel({ store: openSqliteStore(path) });
    await kit.call("hierarchy.role", { role: "root" });
    const { ok, detail } = journalCheck(kit.store);
    assert.equal(ok, false);
    assert.match(detail, cut);
    assert.match(journalTailFault(path) ?? "", cut);
  }
});
