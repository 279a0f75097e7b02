import assert from "node:assert/strict";
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { test } from "vitest";
import { teePathFault } from "./own-file.ts";

const line = '{"seq":1,"id":"0199","timeMs":1}\n';

function makeRoom() {
  const folder = mkdtempSync(join(tmpdir(), "arw-tee-own-"));
  const stateDir = join(folder, "state");
  mkdirSync(join(stateDir, "blobs"), { recursive: true });
  for (const name of ["journal.db", "audit.log", "credentials"]) writeFileSync(join(stateDir, name), "");
  return {
    folder,
    stateDir,
    fault: (path: string) => teePathFault(path, stateDir),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

test("no file of the hub becomes the tee, under whatever name", async () => {
  using room = makeRoom();
  const { folder, stateDir } = room;
  symlinkSync(stateDir, join(folder, "link"));
  symlinkSync(join(stateDir, "journal.db"), join(folder, "events.jsonl"));
  symlinkSync(join(stateDir, "node-id"), join(folder, "later.jsonl"));
  linkSync(join(stateDir, "journal.db"), join(folder, "hard.jsonl"));
  linkSync(join(stateDir, "audit.log"), join(stateDir, "hard.jsonl"));
  for (const name of ["journal.db", "JOURNAL.DB", "audit.log", "audit.1.log", "tokens.json", "node-id", "lock.db", ""])
    assert.match((await room.fault(join(stateDir, name))) ?? "", /belong to the hub/u, name);
  for (const name of [
    "state/../state/journal.db",
    "link/journal.db",
    "link/new",
    "events.jsonl",
    "state/blobs/a.jsonl",
  ])
    assert.match((await room.fault(`${folder}/${name}`)) ?? "", /belong to the hub/u, name);
  assert.match((await room.fault(join(folder, "later.jsonl"))) ?? "", /leads nowhere/u);
  for (const path of [join(folder, "hard.jsonl"), join(stateDir, "hard.jsonl")])
    assert.match((await room.fault(path)) ?? "", /under another name/u);
  assert.match((await room.fault(folder)) ?? "", /not a file/u);
});

test("a file of events, an empty one and a new one may be the tee; anything else is left as it is", async () => {
  using room = makeRoom();
  const path = join(room.folder, "mine.jsonl");
  assert.equal(await room.fault(join(room.stateDir, "events.jsonl")), null);
  assert.equal(await room.fault(join(room.folder, "not", "yet", "mine.log")), null);
  for (const text of ["", line, line.slice(0, 1), line.slice(0, 20), "\0".repeat(70_000), `\0\0\0"}\n${line}`]) {
    writeFileSync(path, text);
    assert.equal(await room.fault(path), null, JSON.stringify(text.slice(0, 40)));
  }
  for (const text of ["a diary", "{}\n", '{"level":30}\n', "\0\0\u0001\u0002", "\0\0x\nno event\n", `\n${line}`]) {
    writeFileSync(path, text);
    assert.match((await room.fault(path)) ?? "", /something else than events/u, JSON.stringify(text));
    assert.equal(readFileSync(path, "utf8"), text);
  }
});

test("files that a rotation would move or remove must be archives of events", async () => {
  using room = makeRoom();
  const path = join(room.folder, "mine.jsonl");
  writeFileSync(join(room.folder, "mine.1.jsonl.gz"), gzipSync(line));
  writeFileSync(join(room.folder, "mine.2.jsonl.gz"), gzipSync(line).subarray(0, 12));
  assert.equal(await room.fault(path), null);
  writeFileSync(join(room.folder, "mine.7.jsonl"), "a diary\n");
  assert.match((await room.fault(path)) ?? "", /"mine.7.jsonl" beside it, which holds no events/u);
});
