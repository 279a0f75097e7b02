/** A hub that is killed at any moment loses nothing it acknowledged and does nothing twice that it recorded. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "vitest";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { verifyChain } from "../../src/kernel/verify.ts";
import { nextVersions, openJournal, storedRows } from "../kit/journal.ts";
import { seededRandom } from "../kit/chance.ts";
import { makeKernel } from "../kit/kernel.ts";
import { loadDomain, Noted } from "./load.ts";

/** Five in every run; a soak asks for as many as it has time for. */
const kills = Number(process.env["ARW_KILLS"] ?? (process.env["ARW_SOAK"] === "1" ? 25 : 5));
/** A kill comes after this many acknowledged lines at most. */
const linesMax = 300;
/** A start and its lines take a second or two; with many kills each one has this much. */
const killMsMax = 12_000;
const random = seededRandom(Number(process.env["ARW_SEED"] ?? 8090));

interface Ledger {
  readonly notes: Set<string>;
  readonly tasks: Map<string, string>;
}

/** Runs the hub until it has said so many lines, and kills it there; without a number until it ends by itself. */
async function runHub(
  path: string,
  round: number,
  options: { readonly killAfter: number | null; readonly ledger: Ledger },
): Promise<void> {
  const { killAfter, ledger } = options;
  const hub = spawn(
    process.execPath,
    [join(import.meta.dirname, "load-hub.ts"), path, String(round), killAfter === null ? "drain" : "load"],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const ended = new Promise<number | null>((resolve) => hub.on("exit", resolve));
  let errors = "";
  hub.stderr.on("data", (text) => (errors += String(text)));
  let lines = 0;
  for await (const line of createInterface({ input: hub.stdout })) {
    const [what, name = "", taskId = ""] = line.split(" ");
    if (what === "note") ledger.notes.add(name);
    if (what === "task") ledger.tasks.set(name, taskId);
    lines += 1;
    if (killAfter !== null && lines > killAfter) hub.kill("SIGKILL");
  }
  const code = await ended;
  assert.equal(code, killAfter === null ? 0 : null, errors);
}

/** Opens the file as the next start would, and holds it against what was acknowledged. */
async function examine(path: string, ledger: Ledger, views: ReturnType<typeof viewsOf>): Promise<void> {
  const store = openSqliteStore(path);
  const { fault } = verifyChain(store);
  assert.equal(fault, null);
  const counts = new Map<string, number>();
  for (const row of store.events({ limit: 1_000_000, kinds: [Noted.kind, "task.enqueued"] })) {
    const data = JSON.parse(row.data ?? "{}") as { name?: string; taskId?: string };
    const name = data.name ?? data.taskId ?? "";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const name of [...ledger.notes, ...ledger.tasks.values()])
    assert.equal(counts.get(name), 1, `${name} was acknowledged`);
  for (const [name, times] of counts) assert.equal(times, 1, `${name} is there twice`);
  const rows = storedRows(store, views);
  store[Symbol.dispose]();
  const copy = `${path}.copy`;
  await cp(path, copy);
  const rebuilt = openSqliteStore(copy);
  openJournal(nextVersions(views), rebuilt);
  assert.deepEqual(storedRows(rebuilt, views), rows);
  rebuilt[Symbol.dispose]();
  await rm(copy);
}

const viewsOf = (kit: Awaited<ReturnType<typeof makeKernel>>) => [...kit.kernel.table.views.values()];

test(`nothing acknowledged is lost or doubled by ${kills} kills, and the views are what a rebuild makes of the journal`, {
  timeout: kills * killMsMax,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "arw-kill-"));
  const path = join(folder, "journal.db");
  const ledger: Ledger = { notes: new Set(), tasks: new Map() };
  const kit = await makeKernel({ domains: () => [loadDomain], isStarted: false });
  const views = viewsOf(kit);
  try {
    for (let round = 0; round < kills; round += 1) {
      await runHub(path, round, { killAfter: Math.floor(random() * linesMax), ledger });
      await examine(path, ledger, views);
    }
    await runHub(path, kills, { killAfter: null, ledger });
    await examine(path, ledger, views);
    const store = openSqliteStore(path);
    const done = new Map(
      store
        .events({ limit: 1_000_000, kinds: ["task.finished"] })
        .map((row) => [(JSON.parse(row.data ?? "{}") as { taskId: string }).taskId, row.seq]),
    );
    for (const [name, taskId] of ledger.tasks)
      assert.ok(done.has(taskId), `task ${name} was acknowledged and never done`);
    assert.equal(store.rows({ view: "tasks", order: "asc", limit: 1 }).length, 0);
    store[Symbol.dispose]();
    assert.ok(ledger.notes.size > kills && ledger.tasks.size > kills, "the hubs were under load");
  } finally {
    await rm(folder, { recursive: true });
  }
});
