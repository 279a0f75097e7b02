/** A state directory with something in each of its files, made unreadable and readable again, with kills in between. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { contentOf, storedEvent } from "../../../test/contract/store-suite.ts";
import { testSealer } from "../../../test/kit/sealer.ts";
import { findInFiles } from "../../../test/story/kit/state-search.ts";
import { openAuditLog } from "../audit/audit-log.ts";
import { plainLines, sealedLines } from "../audit/chain.ts";
import { plainPacking, sealedPacking } from "../files/blob-packing.ts";
import { createFileBlobs } from "../files/blobs.ts";
import { openSqliteStore } from "../sqlite/store.ts";
import { convertState } from "./convert.ts";

const words = "the heron stands in the reeds";
const sealer = testSealer();
const contents = ["", words, words.repeat(400)];
/** More than one page of events, and of rows. */
const events = 300;

async function makeState() {
  const stateDir = await mkdtemp(join(tmpdir(), "arw-convert-"));
  const store = openSqliteStore(join(stateDir, "journal.db"));
  store.rebuild("notes", { version: 3, seq: 0 }, []);
  for (let seq = 1; seq <= events; seq += 1) {
    const event = storedEvent(seq, {
      caller: `agent:${words}`,
      data: seq % 9 === 0 ? null : JSON.stringify({ words, seq }),
    });
    store.commit({
      events: [event],
      rows: [{ view: "notes", key: `k${seq}`, json: JSON.stringify(words) }],
      views: ["notes"],
    });
  }
  store.commit({ events: [], rows: [{ view: "arw.seam", key: "1", json: `"${words}"` }], views: [] });
  store[Symbol.dispose]();
  const blobs = createFileBlobs({ folder: join(stateDir, "blobs"), sizeBytesMaxEach: 100_000 });
  for (const text of contents) await blobs.put(Buffer.from(text));
  const damaged = await blobs.put(Buffer.from("whole"));
  await writeFile(join(stateDir, "blobs", damaged.slice(7, 9), damaged.slice(7)), words);
  await writeFile(join(stateDir, "blobs", damaged.slice(7, 9), `.arw-${"a".repeat(24)}.tmp`), words);
  const shelf = createFileBlobs({ folder: join(stateDir, "capsules"), sizeBytesMaxEach: 100_000 });
  const capsule = await shelf.put(Buffer.from(`a capsule: ${words}`));
  await utimes(join(stateDir, "capsules", capsule.slice(7, 9), capsule.slice(7)), 1_700_000_000, 1_700_000_000);
  const audit = openAuditLog({ folder: stateDir, sizeBytesMax: 800, nowMs: () => 1 });
  for (let row = 0; row < 8; row += 1)
    audit.append({ timeMs: row, caller: "person:admin", operation: "a.b", outcome: "answered", why: words });
  audit[Symbol.dispose]();
  await mkdir(join(stateDir, "secrets"));
  const small = ["secrets/secret-KEY.json", "audit-head.json", "capsule-key.pem"];
  for (const name of small) await writeFile(join(stateDir, name), JSON.stringify({ words }));
  await writeFile(join(stateDir, "hub.log"), `{"msg":"${words}"}\ntorn ${words}`);
  return { stateDir, [Symbol.asyncDispose]: () => rm(stateDir, { recursive: true }) };
}

/** Everything that the hub would find in there. */
async function found(stateDir: string, isEncrypted: boolean) {
  const store = openSqliteStore(join(stateDir, "journal.db"), { sealer: isEncrypted ? sealer : null });
  const journal = contentOf(store, ["notes", "arw.seam"]);
  store[Symbol.dispose]();
  const packing = isEncrypted ? sealedPacking(sealer) : plainPacking;
  const kept: string[] = [];
  for (const folder of ["blobs", "capsules"]) {
    const blobs = createFileBlobs({ folder: join(stateDir, folder), sizeBytesMaxEach: 100_000, packing });
    for await (const { ref, sizeBytes, modifiedMs } of blobs.list()) {
      const text = Buffer.from((await blobs.get(ref)) ?? "none").toString();
      kept.push(`${folder} ${ref} ${sizeBytes} ${folder === "capsules" ? modifiedMs : ""} ${text}`);
    }
  }
  const lines = isEncrypted ? sealedLines(sealer) : plainLines;
  const log = openAuditLog({ folder: stateDir, sizeBytesMax: 100_000, nowMs: () => 1, lines });
  const audit = { verdict: await log.verify(), rows: await log.list({ limit: 100 }) };
  log[Symbol.dispose]();
  return { journal, kept: kept.toSorted(), audit };
}

const smallOf = (stateDir: string) =>
  Promise.all(
    ["secrets/secret-KEY.json", "audit-head.json", "capsule-key.pem", "hub.log"].map((name) =>
      readFile(join(stateDir, name), "utf8"),
    ),
  );

class Killed extends Error {}

/** Ends like a kill before the step with this number; false when there are fewer. */
async function convertUntil(stateDir: string, to: "sealed" | "plain", step: number): Promise<boolean> {
  let steps = 0;
  try {
    await convertState({
      stateDir,
      sealer,
      to,
      onStep: () => {
        steps += 1;
        if (steps === step) throw new Killed();
      },
    });
    return false;
  } catch (error) {
    if (error instanceof Killed || (error as Error).cause instanceof Killed) return true;
    throw error;
  }
}

test("an encrypted state holds what the plain one held, and no words of it, and comes back as it was", async () => {
  await using state = await makeState();
  const { stateDir } = state;
  const small = await smallOf(stateDir);
  // The damaged content has no place under its name any more, in neither state.
  await convertState({ stateDir, sealer, to: "plain", onStep: () => {} });
  const before = await found(stateDir, false);
  await convertState({ stateDir, sealer, to: "sealed", onStep: () => {} });
  assert.deepEqual(await findInFiles(stateDir, [words, words.toUpperCase()]), []);
  const names = await readdir(stateDir, { recursive: true });
  for (const line of before.kept)
    assert.ok(!names.join(" ").includes(line.split(" ")[1]?.slice(7) ?? ""), "a name tells a digest");
  assert.deepEqual(await found(stateDir, true), before);
  await convertState({ stateDir, sealer, to: "plain", onStep: () => {} });
  assert.deepEqual(await found(stateDir, false), before);
  assert.deepEqual(await smallOf(stateDir), small);
  assert.equal((await stat(join(stateDir, "journal.db"))).mode & 0o777, 0o600);
});

test("a conversion that is killed at any step goes on to the same end, in both directions", async () => {
  await using state = await makeState();
  const { stateDir } = state;
  await convertState({ stateDir, sealer, to: "plain", onStep: () => {} });
  const before = await found(stateDir, false);
  // Each kill lets one step more happen, over what the kills before left behind.
  for (let step = 1; await convertUntil(stateDir, "sealed", step); step += 1) assert.ok(step < 100);
  assert.deepEqual(await found(stateDir, true), before);
  assert.deepEqual(await findInFiles(stateDir, [words]), []);
  for (let step = 1; await convertUntil(stateDir, "plain", step); step += 1) assert.ok(step < 100);
  assert.deepEqual(await found(stateDir, false), before);
});
