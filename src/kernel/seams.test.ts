import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, test } from "vitest";
import { type Kit, makeKernel } from "../../test/kit/kernel.ts";
import { openSqliteStore } from "../adapters/sqlite/store.ts";
import { isProblem } from "../contract/problem.ts";
import { Broken } from "../domains/journal/contract.ts";
import { createJournalKeeper } from "../domains/journal/service.ts";
import { BeliefHeld } from "../domains/episodes/contract.ts";
import { chainHash, textHash } from "./envelope.ts";
import type { StoredEvent } from "./ports.ts";
import { seamsOf } from "./seams.ts";
import { verifyChain, walkChain } from "./verify.ts";

let folder = "";
const path = () => join(folder, "journal.db");
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "arw-seams-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const files = { async *lines() {} };
const open = (): Promise<Kit> =>
  makeKernel({
    store: openSqliteStore(path()),
    domains: (parts) => [
      createJournalKeeper({
        parts,
        files,
        rules: [],
        frontier: () => 0,
        clock: { soon: (run) => void setImmediate(run) },
      }),
    ],
  });

async function live(kit: Kit, count: number): Promise<void> {
  const context = kit.kernel.parts.act({ caller: { kind: "agent", id: "scout" }, corrId: "run" });
  for (let index = 0; index < count; index += 1)
    await context.emit(BeliefHeld, { agent: "scout", statement: `belief ${index}`, sources: [], topic: "t" });
}

function change(run: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(path());
  run(database);
  database.close();
}

async function lived(count: number): Promise<void> {
  await using kit = await open();
  await live(kit, count);
}

/** What verify names, or nothing when it is content. */
async function named(kit: Kit): Promise<readonly string[]> {
  const { outcome } = await kit.call("journal.verify", {});
  assert.ok(outcome.kind === "stream");
  try {
    for await (const item of outcome.items) if ((item as { isDone: boolean }).isDone) return [];
  } catch (error) {
    assert.ok(isProblem(error, Broken));
    return (error.extra["faults"] as { seq: number; what: string }[]).map(({ seq, what }) => `${seq} ${what}`);
  }
  return ["no end"];
}

test("rows cut off at rest are told of, their positions stay theirs, and verify names them ever after", async () => {
  await lived(10);
  change((database) => database.exec("DELETE FROM event WHERE seq > 4"));
  for (let start = 0; start < 3; start += 1) {
    await using kit = await open();
    assert.deepEqual(seamsOf(kit.store), [{ what: "cut", fromSeq: 5, toSeq: 10 }]);
    const altered = kit.events().filter(({ kind }) => kind === "journal.altered");
    assert.deepEqual(
      altered.map(({ seq, data }) => [seq > 10, data]),
      [[true, { what: "cut", fromSeq: 5, toSeq: 10 }]],
    );
    assert.equal(kit.errors.length, start === 0 ? 1 : 0);
    await live(kit, 1);
    assert.deepEqual(await named(kit), ["5 missing"]);
    // What the views knew of the rows is kept.
    assert.equal(kit.store.rows({ view: "beliefs", limit: 100, order: "asc" }).length, 11 + start);
    // A backup of it can be restored: the journal itself tells of the cut.
    assert.equal(verifyChain(kit.store).fault, null);
  }
});

test("a journal that was emptied goes on behind its past", async () => {
  await lived(6);
  change((database) => database.exec("DELETE FROM event"));
  await using kit = await open();
  assert.equal(kit.events()[0]?.seq, 7);
  assert.deepEqual(await named(kit), ["1 missing"]);
});

test("rows that go while the hub runs are missing from what it knows, before and after its next event", async () => {
  await using kit = await open();
  await live(kit, 10);
  change((database) => database.exec("DELETE FROM event WHERE seq > 6"));
  assert.deepEqual(await named(kit), ["7 missing"]);
  await live(kit, 1);
  assert.deepEqual(await named(kit), ["7 missing"]);
});

function insert(database: DatabaseSync, row: StoredEvent): void {
  const names = Object.keys(row);
  const places = names.map(() => "?").join(",");
  database.prepare(`INSERT INTO event(${names.join(",")}) VALUES(${places})`).run(...Object.values(row));
}
const rowAt = (database: DatabaseSync, seq: number): StoredEvent =>
  database.prepare("SELECT * FROM event WHERE seq=?").get(seq) as unknown as StoredEvent;
const push = "UPDATE event SET seq = -seq - 1 WHERE seq >= 5; UPDATE event SET seq = -seq WHERE seq < 0";
const faults = () => {
  using store = openSqliteStore(path());
  return [...walkChain(store)].flatMap((page) => page.faults).map(({ seq, what }) => `${seq} ${what}`);
};

test("rows that were put in are called inserted, and those they pushed along are not blamed", async () => {
  for (const disguise of ["copy", "new", "two"]) {
    await rm(path(), { force: true });
    await lived(12);
    change((database) => {
      for (let count = disguise === "two" ? 2 : 1; count > 0; count -= 1) {
        database.exec(push);
        insert(database, disguise === "copy" ? { ...rowAt(database, 4), seq: 5 } : sealed(database));
      }
    });
    assert.deepEqual(faults(), disguise === "two" ? ["5 inserted", "6 inserted"] : ["5 inserted"], disguise);
  }
});

/** A row that holds together behind row 4. */
function sealed(database: DatabaseSync): StoredEvent {
  const before = rowAt(database, 4);
  const data = JSON.stringify({ agent: "scout", statement: "put in", sources: [], topic: "t" });
  const row = { ...before, seq: 5, data, dataHash: textHash(data), prevHash: before.hash };
  return { ...row, hash: chainHash(row) };
}

test("a row put on at the end is inserted, at rest and after the start that folds it", async () => {
  for (const isSealed of [true, false]) {
    await rm(path(), { force: true });
    await lived(4);
    change((database) => insert(database, { ...sealed(database), ...(isSealed ? {} : { hash: "0".repeat(64) }) }));
    assert.deepEqual(faults(), ["5 inserted"]);
    await using kit = await open();
    await live(kit, 1);
    assert.deepEqual(await named(kit), ["5 inserted"]);
  }
});

test("a row that is taken out, with the rest moved up, is missing once", async () => {
  await lived(9);
  change((database) => database.exec("DELETE FROM event WHERE seq = 5; UPDATE event SET seq = seq - 1 WHERE seq > 5"));
  assert.deepEqual(faults().slice(0, 1), ["5 missing"]);
  assert.ok(faults().every((text) => text.endsWith("missing")));
});
