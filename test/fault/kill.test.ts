/** A hub that is killed at any moment loses nothing it acknowledged and does nothing twice that it recorded. */
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { openAuditLog } from "../../src/adapters/audit/audit-log.ts";
import { createFileBlobs } from "../../src/adapters/files/blobs.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { journalFiles } from "../../src/adapters/tee/journal-files.ts";
import { nextVersions, openJournal, storedRows } from "../kit/journal.ts";
import { seededRandom } from "../kit/chance.ts";
import { makeKernel } from "../kit/kernel.ts";
import { emptyLedger, type KillPoint, type Ledger, spawnHub } from "./killed-hub.ts";
import { examineJournal, loadDomain, stateNames } from "./load.ts";

const killsMin = 25;
const killsSoak = 500;
/** A soak that has to end makes as many as fit; `ARW_KILLS` asks for exactly so many, whatever the time. */
const asked = process.env["ARW_KILLS"];
const killsMax = asked === undefined ? (process.env["ARW_SOAK"] === "1" ? killsSoak : killsMin) : Number(asked);
const endMs =
  asked === undefined ? Number(process.env["ARW_SOAK_UNTIL_MS"] ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
/** Then a new journal begins: the walk over all of it, after each kill, must not grow with their number. */
const killsPerJournal = 25;
/** A kill comes after this many acknowledged lines at most, or within this time of the start, while files are opened. */
const linesMax = 300;
const startMsMax = 60;
/** One kill in so many hits the start. */
const startShare = 5;
/** A kill and the look at what it left take a fifth of a second on an idle machine. */
const killMsMax = 12_000;
const blobBytesMax = 1_000_000;
const random = seededRandom(Number(process.env["ARW_SEED"] ?? 8090));

const killPoint = (): KillPoint =>
  random() < 1 / startShare ? { afterMs: random() * startMsMax } : { lines: Math.floor(random() * linesMax) };

type Views = Parameters<typeof storedRows>[1];

/** Opens the files as the next start would, and holds them against what was acknowledged. */
async function examine(folder: string, ledger: Ledger, views: Views): Promise<void> {
  const path = join(folder, stateNames.journal);
  const store = openSqliteStore(path);
  examineJournal(store, ledger);
  const rows = storedRows(store, views);
  store[Symbol.dispose]();
  const copy = `${path}.copy`;
  await cp(path, copy);
  const rebuilt = openSqliteStore(copy);
  openJournal(nextVersions(views), rebuilt);
  assert.deepEqual(storedRows(rebuilt, views), rows);
  rebuilt[Symbol.dispose]();
  await rm(copy);
  await examineAudit(folder, ledger);
  await examineFiles(folder, ledger);
}

/** Old files are let go by design; of what is kept, no acknowledged row may be missing, and none may be there twice. */
async function examineAudit(folder: string, ledger: Ledger): Promise<void> {
  using log = openAuditLog({ folder, sizeBytesMax: 1_000_000, nowMs: () => 1 });
  const verdict = await log.verify();
  assert.equal(verdict.fault, null);
  const kept = (await log.list({ limit: 100_000 })).map((row) => row.why ?? "");
  assert.equal(new Set(kept).size, kept.length);
  const names = new Set(kept);
  const firstKept = ledger.audited.findIndex((name) => names.has(name));
  const owed = verdict.firstSeq === 1 ? ledger.audited : ledger.audited.slice(firstKept);
  assert.deepEqual(
    owed.filter((name) => !names.has(name)),
    [],
  );
  assert.equal(names.has(ledger.audited.at(-1) ?? kept[0] ?? ""), kept.length > 0);
  assert.ok(firstKept < 0 || owed.length > 0);
}

async function examineFiles(folder: string, ledger: Ledger): Promise<void> {
  const blobs = createFileBlobs({ folder: join(folder, stateNames.blobs), sizeBytesMaxEach: blobBytesMax });
  for (const ref of ledger.blobs) assert.ok((await blobs.get(ref)) !== null, `${ref} was acknowledged`);
  const text = await readFile(join(folder, stateNames.counter), "utf8").catch(() => "0");
  assert.ok(Number(JSON.parse(text)) >= ledger.counted, "a counter went back");
}

/** Everything that was accepted is done, and the tee has every event once, in order. */
async function examineDrained(folder: string, ledger: Ledger): Promise<void> {
  using store = openSqliteStore(join(folder, stateNames.journal));
  const events = store.events({ limit: 1_000_000 });
  const done = new Set(
    events
      .filter((row) => row.kind === "task.finished")
      .map((row) => (JSON.parse(row.data ?? "{}") as { taskId: string }).taskId),
  );
  for (const [name, taskId] of ledger.tasks)
    assert.ok(done.has(taskId), `task ${name} was acknowledged and never done`);
  assert.equal(store.rows({ view: "tasks", order: "asc", limit: 1 }).length, 0);
  const teed: number[] = [];
  for await (const line of journalFiles.lines(join(folder, stateNames.tee)))
    teed.push((JSON.parse(line) as { seq: number }).seq);
  const seqs = events.map((row) => row.seq);
  assert.equal(
    teed.length,
    seqs.length,
    `the tee has ${teed[0]} to ${teed.at(-1)}, the journal ends at ${seqs.at(-1)}`,
  );
  assert.ok(teed.every((seq, index) => seq === seqs[index]));
}

/** One journal's life: so many kills, then a hub that does what is left. Answers how many things were acknowledged. */
async function oneLife(options: {
  readonly firstRound: number;
  readonly kills: number;
  readonly cache: string;
  readonly views: Views;
}): Promise<number> {
  const { firstRound, kills, cache, views } = options;
  const folder = await mkdtemp(join(tmpdir(), "arw-kill-"));
  const ledger = emptyLedger();
  const spawnNext = (round: number) => spawnHub(folder, firstRound + round, { isDrain: round === kills, cache });
  let next = spawnNext(0);
  try {
    for (let round = 0; round <= kills; round += 1) {
      const hub = next;
      const ran = hub.run(round === kills ? null : killPoint(), ledger);
      if (round < kills) next = spawnNext(round + 1);
      await ran;
      await examine(folder, ledger, views);
    }
    await examineDrained(folder, ledger);
    return ledger.notes.size + ledger.tasks.size;
  } finally {
    next.dismiss();
    await rm(folder, { recursive: true });
  }
}

test(`nothing acknowledged is lost or doubled by up to ${killsMax} kills, and the views are what a rebuild makes of the journal`, {
  timeout: (killsMax + 1) * killMsMax,
}, async () => {
  const cache = await mkdtemp(join(tmpdir(), "arw-kill-cache-"));
  await using kit = await makeKernel({ domains: () => [loadDomain], isStarted: false });
  const views = [...kit.kernel.table.views.values()];
  try {
    let acknowledged = 0;
    let made = 0;
    while (made < killsMax && (made < killsMin || Date.now() < endMs)) {
      const kills = Math.min(killsPerJournal, killsMax - made);
      acknowledged += await oneLife({ firstRound: made, kills, cache, views });
      made += kills;
    }
    const rest = made < killsMax ? `; the time was over, ARW_KILLS=${killsMax} makes them all` : "";
    process.stdout.write(`${made} of ${killsMax} kills made, ${acknowledged} facts and tasks acknowledged${rest}\n`);
    assert.ok(acknowledged > made, "the hubs were under load");
  } finally {
    await rm(cache, { recursive: true });
  }
});
