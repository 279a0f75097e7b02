/** The store contract on a real file, and what becomes of the file. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { fdatasync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "vitest";
import { openSqliteStore, storeFormat } from "../../src/adapters/sqlite/store.ts";
import { event } from "../../src/contract/event.ts";
import { closed, Type } from "../../src/contract/schema.ts";
import { StoreFault } from "../../src/kernel/ports.ts";
import { verifyChain } from "../../src/kernel/verify.ts";
import { openJournal } from "../kit/journal.ts";
import { turn, until } from "../kit/kernel.ts";
import { testSealer } from "../kit/sealer.ts";
import { contentOf, storeContract, storedEvent } from "./store-suite.ts";

async function temporaryFile() {
  const folder = await mkdtemp(join(tmpdir(), "arw-store-"));
  return { path: join(folder, "journal.db"), folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

for (const [name, sealer] of [
  ["sqlite", null],
  ["sqlite, encrypted", testSealer()],
] as const) {
  storeContract(name, async () => {
    const file = await temporaryFile();
    const store = openSqliteStore(file.path, { sealer });
    return {
      store,
      async [Symbol.asyncDispose]() {
        store[Symbol.dispose]();
        await file[Symbol.asyncDispose]();
      },
    };
  });
}

const digestOfFile = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

const faultOf = (run: () => unknown): StoreFault => {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof StoreFault, String(error));
    return error;
  }
  return assert.fail("it opened");
};

test("a store that was closed opens as it was, and one that was not closed too", async () => {
  await using file = await temporaryFile();
  const first = openSqliteStore(file.path);
  first.rebuild("a", { version: 2, seq: 0 }, []);
  first.commit({ events: [storedEvent(1), storedEvent(2)], rows: [{ view: "a", key: "k", json: "1" }], views: ["a"] });
  const written = contentOf(first, ["a"]);
  first[Symbol.dispose]();
  const second = openSqliteStore(file.path);
  assert.deepEqual(contentOf(second, ["a"]), written);
  second.commit({ events: [storedEvent(3)], rows: [], views: ["a"] });
  // Somebody who opens the file while it was not closed sees every commit: they are on the disk.
  const third = openSqliteStore(file.path);
  assert.deepEqual(contentOf(third, ["a"]), contentOf(second, ["a"]));
  third[Symbol.dispose]();
  second[Symbol.dispose]();
  assert.deepEqual(readdirSync(file.folder), ["journal.db"]);
});

test("a commit is one transaction and is counted", async () => {
  await using file = await temporaryFile();
  using store = openSqliteStore(file.path);
  store.commit({ events: [storedEvent(1), storedEvent(2)], rows: [], views: [] });
  assert.throws(() => store.commit({ events: [storedEvent(2)], rows: [], views: [] }), StoreFault);
  assert.equal(store.commits, 1);
});

test("a sync that fails says so, and one under way outlives the close", async () => {
  await using file = await temporaryFile();
  const ends: ((error: NodeJS.ErrnoException | null) => void)[] = [];
  const sync = ((_file: number, done: (error: NodeJS.ErrnoException | null) => void) => void ends.push(done)) as never;
  const store = openSqliteStore(file.path, { sync });
  store.commit({ events: [storedEvent(1)], rows: [], views: [], sync: "later" });
  const heard: (StoreFault | null)[] = [];
  for (let turn = 0; turn < 3; turn += 1) store.sync((fault) => heard.push(fault));
  ends.shift()?.(Object.assign(new RangeError("told to fail"), { code: "EIO" }));
  store[Symbol.dispose]();
  for (const end of ends) end(null);
  assert.deepEqual([heard[0] instanceof StoreFault, ...heard.slice(1)], [true, null, null]);
});

test("many emits share a commit, commits share a sync, and none is told before the sync that covers it", async () => {
  await using file = await temporaryFile();
  let begun = 0;
  let ended = 0;
  const sync = ((wal: number, done: (error: NodeJS.ErrnoException | null) => void) => {
    begun += 1;
    fdatasync(wal, (error) => {
      ended += 1;
      done(error);
    });
  }) as typeof fdatasync;
  const store = openSqliteStore(file.path, { sync });
  const kit = openJournal([], store);
  const Noted = event({ kind: "notes.noted", about: "x", data: closed({ count: Type.Integer() }) });
  const emits = 2000;
  const inFlight = 64;
  let next = 0;
  const emitAll = async (): Promise<void> => {
    for (; next < emits; ) {
      const begunBefore = begun;
      await kit.emit(Noted, { count: (next += 1) });
      // One that was under way already cannot cover it.
      assert.ok(ended > begunBefore);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, emitAll));
  assert.equal(store.head().seq, emits);
  assert.ok(begun <= store.commits, `${begun} syncs for ${store.commits} commits`);
  assert.ok(store.commits <= emits / 8, `${store.commits} commits for ${emits} emits`);
  assert.equal(verifyChain(store).fault, null);
  await kit.journal.close();
  store[Symbol.dispose]();
});

test("under load the WAL is folded back beside the writer, which goes on", async () => {
  await using file = await temporaryFile();
  const store = openSqliteStore(file.path);
  const data = JSON.stringify("x".repeat(4000));
  let seq = 0;
  const sizeBytes = () => statSync(file.path).size;
  const startBytes = sizeBytes();
  // The file grows only by what is folded back into it; far below the bound at which a commit does it.
  for (let commits = 0; commits < 400 && sizeBytes() === startBytes; commits += 1) {
    const events = Array.from({ length: 8 }, () => storedEvent((seq += 1), { data }));
    store.commit({ events, rows: [], views: [], sync: "later" });
    await turn();
  }
  await until(() => sizeBytes() > startBytes, "the thread beside it folds the WAL back");
  store[Symbol.dispose]();
  assert.deepEqual(readdirSync(file.folder), ["journal.db"]);
});

test("what a drop freed goes back to the disk, a few pages at a time", async () => {
  await using file = await temporaryFile();
  const store = openSqliteStore(file.path);
  const data = JSON.stringify("x".repeat(20_000));
  const events = Array.from({ length: 50 }, (_, index) => storedEvent(index + 1, { data }));
  store.commit({ events, rows: [], views: [] });
  store.drop({ seqs: events.map(({ seq }) => seq), rows: [] });
  assert.equal(store.reclaim(10), 10);
  assert.ok(store.reclaim(10_000) > 150);
  assert.equal(store.reclaim(10_000), 0);
  store[Symbol.dispose]();
  assert.ok(statSync(file.path).size < 300_000);
});

test("a file of a newer ARW is refused, named with both versions, and left untouched", async () => {
  await using file = await temporaryFile();
  openSqliteStore(file.path)[Symbol.dispose]();
  const database = new DatabaseSync(file.path);
  database.exec(`PRAGMA user_version=${storeFormat + 1}`);
  database.close();
  const before = { digest: digestOfFile(file.path), modifiedMs: statSync(file.path).mtimeMs };
  const fault = faultOf(() => openSqliteStore(file.path));
  assert.equal(fault.reason, "newer");
  assert.match(fault.message, new RegExp(`format ${storeFormat + 1}\\b.*\\b${storeFormat}\\b`));
  assert.deepEqual({ digest: digestOfFile(file.path), modifiedMs: statSync(file.path).mtimeMs }, before);
  assert.deepEqual(readdirSync(file.folder), ["journal.db"]);
});

test("what is no store, or a damaged one, is called corrupt and left untouched", async () => {
  await using file = await temporaryFile();
  writeFileSync(file.path, Buffer.alloc(8192, "not a database "));
  assert.equal(faultOf(() => openSqliteStore(file.path)).reason, "corrupt");
  assert.equal(readFileSync(file.path, "latin1").slice(0, 14), "not a database");

  await rm(file.path);
  const store = openSqliteStore(file.path);
  store.commit({ events: Array.from({ length: 400 }, (_, index) => storedEvent(index + 1)), rows: [], views: [] });
  store[Symbol.dispose]();
  const bytes = readFileSync(file.path);
  // The pages after the first: the header still says that it is a database.
  bytes.fill(0x5a, 4096 * 3, 4096 * 9);
  writeFileSync(file.path, bytes);
  const before = digestOfFile(file.path);
  assert.equal(faultOf(() => openSqliteStore(file.path)).reason, "corrupt");
  assert.equal(digestOfFile(file.path), before);
});

test("a file that cannot be opened is a fault with words, not a crash", async () => {
  await using file = await temporaryFile();
  assert.equal(faultOf(() => openSqliteStore(join(file.folder, "missing", "journal.db"))).reason, "failed");
  assert.equal(faultOf(() => openSqliteStore(file.folder)).reason, "failed");
});

const opened = (path: string, seed: number) => openSqliteStore(path, { sealer: testSealer(seed) });

test("an encrypted file opens in every later process, and holds no word, caller or hash in plain", async () => {
  await using file = await temporaryFile();
  const first = opened(file.path, 1);
  const kit = openJournal([], first);
  const Noted = event({ kind: "notes.noted", about: "x", data: closed({ text: Type.String() }) });
  await kit.emit(Noted, { text: "the heron stands" });
  await kit.journal.close();
  const head = first.head();
  // Also what is not folded back into the file yet.
  const bytes = Buffer.concat([file.path, `${file.path}-wal`].map((path) => readFileSync(path)));
  const row = first.events({ limit: 1 })[0];
  assert.ok(row);
  for (const word of ["the heron", row.caller, row.hash, row.dataHash]) assert.equal(bytes.indexOf(word), -1, word);
  for (const hash of [row.hash, row.dataHash]) assert.equal(bytes.indexOf(Buffer.from(hash, "hex")), -1);
  first[Symbol.dispose]();
  const second = opened(file.path, 2);
  assert.deepEqual(second.head(), head);
  assert.equal(verifyChain(second).fault, null);
  second[Symbol.dispose]();
});

test("an encrypted file is opened by no plain store and a plain one by no encrypted one, and both stay untouched", async () => {
  for (const sealer of [testSealer(), null]) {
    await using file = await temporaryFile();
    const store = openSqliteStore(file.path, { sealer });
    store.commit({ events: [storedEvent(1)], rows: [], views: [] });
    store[Symbol.dispose]();
    const before = digestOfFile(file.path);
    const fault = faultOf(() => openSqliteStore(file.path, { sealer: sealer === null ? testSealer() : null }));
    assert.equal(fault.reason, sealer === null ? "corrupt" : "locked");
    assert.equal(digestOfFile(file.path), before);
    assert.deepEqual(readdirSync(file.folder), ["journal.db"]);
  }
});

test("values that somebody swapped, changed or put in plain are refused", async () => {
  const swaps = [
    "UPDATE event SET caller=(SELECT caller FROM event WHERE seq=2) WHERE seq=1",
    "UPDATE event SET caller='person:admin' WHERE seq=1",
    "UPDATE event SET caller=zeroblob(200) WHERE seq=1",
    "UPDATE event SET seq=3 WHERE seq=1",
  ];
  const rowSwaps = [
    "UPDATE viewRow SET json=(SELECT json FROM viewRow WHERE key='b') WHERE key='a'",
    "UPDATE viewRow SET json='1' WHERE key='a'",
    "UPDATE viewRow SET view='other' WHERE key='a'",
    "UPDATE viewRow SET key='c' WHERE key='a'",
  ];
  await using file = await temporaryFile();
  for (const sql of [...swaps, ...rowSwaps]) {
    await rm(file.path, { force: true });
    const store = opened(file.path, 1);
    const rows = ["a", "b"].map((key) => ({ view: "notes", key, json: `"${key}"` }));
    store.commit({ events: [storedEvent(1), storedEvent(2)], rows, views: [] });
    store[Symbol.dispose]();
    const database = new DatabaseSync(file.path);
    database.exec(sql);
    database.close();
    using again = opened(file.path, 2);
    const read = () => [
      ...again.events({ limit: 10 }),
      ...["notes", "other"].flatMap((view) => again.rows({ view, limit: 10, order: "asc" })),
    ];
    assert.throws(read, (error) => error instanceof StoreFault && error.reason === "corrupt", sql);
  }
});

test("the data of an event that retention dropped is gone, and its hashes stay, encrypted or not", async () => {
  await using file = await temporaryFile();
  using store = opened(file.path, 1);
  store.commit({ events: [storedEvent(1)], rows: [], views: [] });
  store.drop({ seqs: [1], rows: [] });
  assert.deepEqual(store.events({ limit: 1 }), [storedEvent(1, { data: null })]);
});
