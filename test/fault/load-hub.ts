/**
 * A hub under load, in a process of its own that somebody kills: `load-hub.ts <state> <round> load|drain`. It says each
 * thing on its output once, and only after the hub acknowledged it; a pipe is written at once, so what was said is known.
 * It loads everything first and then waits for a byte, so that whoever kills it can have the next one ready.
 */
import { readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openAuditLog } from "../../src/adapters/audit/audit-log.ts";
import { createFileBlobs } from "../../src/adapters/files/blobs.ts";
import { createStateFiles, jsonCodec } from "../../src/adapters/files/state-file.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { diskTeeFiles } from "../../src/adapters/tee/files.ts";
import { createTee } from "../../src/adapters/tee/tee.ts";
import { admin, type Kit, makeKernel } from "../kit/kernel.ts";
import { loadDomain, Noted, stateNames, Work } from "./load.ts";

/** More than any kill waits for; the parent ends the process long before. */
const batchesMax = 2000;
const batchSize = 8;
const blobBytesMax = 1_000_000;
/** Small, so that both rotate many times in one life of a journal. */
const auditBytesMax = 20_000;
const teeBytesMax = 100_000;
const yearMs = 31_536_000_000;

const [folder = "", round = "0", mode = "load"] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const { nowMs } = systemClock;
const silent = { info: () => {}, warn: () => {}, error: () => {} };

function openTee({ kernel }: Kit) {
  return createTee({
    path: join(folder, stateNames.tee),
    files: diskTeeFiles,
    clock: systemClock,
    log: silent,
    limits: { bytesMax: teeBytesMax, ageMsMax: yearMs, filesMax: 1000, filesAgeMsMax: yearMs },
    headSeq: kernel.journal.headSeq,
    journal: kernel.parts.archive.lines,
    feed: kernel.bus.subscribe({ name: "tee", prefixes: [], capacity: 100 }),
  });
}

async function run(): Promise<void> {
  // First, as in a hub: the name of every later row depends on what is already there.
  const audit = openAuditLog({ folder, sizeBytesMax: auditBytesMax, nowMs });
  const blobs = createFileBlobs({ folder: join(folder, stateNames.blobs), sizeBytesMaxEach: blobBytesMax });
  const counter = createStateFiles({ nowMs }).open({
    path: join(folder, stateNames.counter),
    codec: jsonCodec((value) => (typeof value === "number" ? value : null)),
  });
  const kit = await makeKernel({
    store: openSqliteStore(join(folder, stateNames.journal)),
    seed: Number(round) + process.pid,
    domains: () => [loadDomain],
  });
  const tee = openTee(kit);
  say("ready");
  if (mode === "drain") {
    await backlogDone(kit);
    await tee[Symbol.asyncDispose]();
    await kit[Symbol.asyncDispose]();
    audit[Symbol.dispose]();
    say("drained");
    return;
  }
  for (let batch = 0; batch < batchesMax; batch += 1) {
    const name = `${round}-${batch}`;
    await Promise.all([
      ...Array.from({ length: batchSize }, (_, index) => load(kit, `${name}-${index}`, index % 2 === 0)),
      blobs.put(new TextEncoder().encode(name)).then((ref) => say(`blob ${ref}`)),
      counter.update((before) => (before ?? 0) + 1).then((value) => say(`count ${value}`)),
    ]);
    audit.append({ timeMs: nowMs(), caller: "person:admin", operation: "load.work", outcome: "answered", why: name });
    say(`audit ${name}`);
  }
}

/** Told by events and not by turns: how long a disk takes is nobody's to count. */
function backlogDone({ kernel: { queue, bus } }: Kit): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      const { queued, running } = queue.depth();
      if (queued + running > 0) return;
      stop();
      resolve();
    };
    // The queue counts a task as done just behind its event.
    const stop = bus.listen(["task."], () => void setImmediate(check));
    setImmediate(check);
  });
}

async function load({ kernel }: Kit, name: string, isNote: boolean): Promise<void> {
  if (isNote) {
    await kernel.journal.emit(Noted, { name }, { caller: admin, corrId: name, causeId: null });
    say(`note ${name}`);
    return;
  }
  const { taskId } = await kernel.queue.enqueue({
    operation: Work,
    payload: { name },
    caller: admin,
    corrId: name,
    idemKey: name,
  });
  say(`task ${name} ${taskId}`);
}

if (readSync(0, new Uint8Array(1)) === 1) await run();
