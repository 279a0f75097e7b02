/**
 * Folds the WAL back into the file beside the hub's thread: copying its pages and syncing both files takes milliseconds, for
 * which no emit should wait. A thread of its own begins with the first work under load and ends when there is none.
 */
import type { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";

/** Written since the last time, by estimate; about 4 MB. A longer WAL makes the copying rarer and recovery longer. */
const checkpointPages = 1000;
const pageBytes = 4096;
/** A stored event and a stored row beside their JSON: ids, hashes, index entries. */
const eventBytes = 500;
const rowBytes = 120;
/** What one commit touches however small it is: the ends of journal and index, and the states of the views. */
const commitPages = 4;
/** A thread that had nothing to do for so long ends; it would hold some megabytes for nothing. */
const idleMs = 5000;

export interface Checkpointer extends Disposable {
  /** Told of each commit; begins when enough was written. */
  committed(
    events: readonly { readonly data: string | null }[],
    rows: readonly { readonly json: string | null }[],
  ): void;
}

/** How long a close waits for a copying that is under way; it takes milliseconds, on a bad disk a second. */
const closeMsMax = 5000;

/**
 * The thread's program, as text: a bundle has no second file. The writer goes on while pages are copied, so it goes after
 * what came meanwhile until that is little. It keeps no connection, so that whoever closes the store is the last.
 */
const program = `
const { DatabaseSync } = require("node:sqlite");
const { parentPort, workerData: { path, state } } = require("node:worker_threads");
parentPort.on("message", () => {
  try {
    const database = new DatabaseSync(path);
    try {
      database.exec("PRAGMA synchronous=NORMAL");
      const checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
      for (let pass = 0, before = 0; pass < 3; pass += 1) {
        const { log } = checkpoint.get();
        if (log - before < 64) break;
        before = log;
      }
    } finally {
      database.close();
    }
  } finally {
    Atomics.store(state, 0, 0);
    Atomics.notify(state, 0);
  }
  parentPort.postMessage(null);
});
`;

/** `database` is the writer's: only when it has copied the very last pages does the WAL begin anew. */
export function createCheckpointer(path: string, database: DatabaseSync): Checkpointer {
  /** 1 while the thread may have the file open. */
  const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let pages = 0;
  let worker: Worker | null = null;
  let isBusy = false;
  let idleTimer: NodeJS.Timeout | null = null;

  const end = (): void => {
    if (idleTimer !== null) clearTimeout(idleTimer);
    void worker?.terminate();
    worker = null;
    isBusy = false;
  };
  const finish = (): void => {
    if (worker === null) return;
    isBusy = false;
    if (!database.isTransaction) database.exec("PRAGMA wal_checkpoint(PASSIVE)");
    idleTimer = setTimeout(end, idleMs);
    idleTimer.unref();
  };
  const start = (): Worker => {
    const made = new Worker(program, { eval: true, workerData: { path, state }, name: "checkpoint", execArgv: [] });
    made.unref();
    made.on("message", finish);
    // Without the thread the WAL grows to its bound and is folded back by a commit.
    made.on("error", end);
    return made;
  };
  return {
    committed(events, rows) {
      pages += commitPages + writtenBytes(events, rows) / pageBytes;
      if (pages < checkpointPages || isBusy) return;
      pages = 0;
      isBusy = true;
      if (idleTimer !== null) clearTimeout(idleTimer);
      worker ??= start();
      Atomics.store(state, 0, 1);
      worker.postMessage(null, []);
    },
    [Symbol.dispose]() {
      if (isBusy) Atomics.wait(state, 0, 1, closeMsMax);
      end();
    },
  };
}

function writtenBytes(
  events: readonly { readonly data: string | null }[],
  rows: readonly { readonly json: string | null }[],
): number {
  let bytes = events.length * eventBytes + rows.length * rowBytes;
  for (const { data } of events) bytes += data?.length ?? 0;
  for (const { json } of rows) bytes += json?.length ?? 0;
  return bytes;
}
