/**
 * Writes a store anew with other columns: sealed ones, or plain ones again. The new file takes the old one's name once it is whole
 * and on the disk; until then the old one is the store.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { StoreFault } from "../../kernel/ports.ts";
import { temporaryName } from "../files/file-calls.ts";
import { syncFolderAt } from "../files/replace-file.ts";
import type { Sealer } from "../sealed-state/sealer.ts";
import { type Columns, plainColumns, sealedColumns } from "./columns.ts";
import { eventReader } from "./inspect.ts";
import { createEventWriter, createRowWriter, firstPragma, guard, layout } from "./store.ts";

/** Read and written at once; bounds memory, as one event may have a megabyte. */
const pageRows = 256;

export interface StoreConversion {
  readonly path: string;
  readonly sealer: Sealer;
  readonly to: "sealed" | "plain";
  /** Told how many of how many rows are written. */
  readonly onProgress: (done: number, total: number) => void;
}

/** Does nothing where it was done already. The caller holds the state directory, and no hub runs. */
export async function convertStore({ path, sealer, to, onProgress }: StoreConversion): Promise<void> {
  const [from, next] = to === "sealed" ? [plainColumns, sealedColumns(sealer)] : [sealedColumns(sealer), plainColumns];
  const draft = join(dirname(path), temporaryName());
  try {
    if (!guard(() => writeDraft(path, draft, { from, next, onProgress }))) return;
    for (const left of ["-wal", "-shm"]) rmSync(`${path}${left}`, { force: true });
    renameSync(draft, path);
    await syncFolderAt(dirname(path));
  } finally {
    rmSync(draft, { force: true });
  }
}

/** False where the store has these columns already. */
function writeDraft(path: string, draft: string, copying: Copying): boolean {
  const source = new DatabaseSync(path);
  try {
    // What a killed hub left beside the file belongs into it, its format among it.
    source.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const { user_version: found } = source.prepare("PRAGMA user_version").get() as { user_version: number };
    if (found === copying.next.format) return false;
    if (found !== copying.from.format)
      throw new StoreFault("newer", `${path} has store format ${found}, which is not known`);
    closeSync(openSync(draft, "wx", 0o600));
    copyAll(source, draft, copying);
    // Without it SQLite keeps the WAL for whoever opens the file next, and that would be the new one.
    source.exec("PRAGMA journal_mode=DELETE");
  } finally {
    source.close();
  }
  syncFile(draft);
  return true;
}

interface Copying {
  readonly from: Columns;
  readonly next: Columns;
  readonly onProgress: (done: number, total: number) => void;
}

function copyAll(source: DatabaseSync, draft: string, copying: Copying): void {
  const target = new DatabaseSync(draft);
  try {
    target.exec(firstPragma);
    // Nobody reads it before it is whole, and then it is synced as a file.
    target.exec("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;");
    target.exec(layout);
    const total = countOf(source, "event") + countOf(source, "viewRow");
    let done = 0;
    target.exec("BEGIN");
    const tell = (rows: number): void => copying.onProgress((done += rows), total);
    copyEvents(source, target, { ...copying, tell });
    copyRows(source, target, { ...copying, tell });
    for (const table of ["meta", "viewState"]) copyTable(source, target, table);
    target.exec("COMMIT");
    target.exec(`PRAGMA user_version=${copying.next.format}`);
  } finally {
    target.close();
  }
}

// Names of our own tables, nobody else's words.
const countOf = (database: DatabaseSync, table: string): number =>
  (database.prepare(`SELECT COUNT(*) AS count FROM ${table}`).get() as { count: number }).count;

type Pages = Copying & { readonly tell: (rows: number) => void };

function copyEvents(source: DatabaseSync, target: DatabaseSync, { from, next, tell }: Pages): void {
  const write = createEventWriter(target, next);
  const pageAfter = eventReader(source, from, `WHERE seq > ? ORDER BY seq LIMIT ${pageRows}`);
  for (let afterSeq = Number.MIN_SAFE_INTEGER; ; ) {
    const events = pageAfter(afterSeq);
    const last = events.at(-1);
    if (last === undefined) return;
    write(events);
    tell(events.length);
    afterSeq = last.seq;
  }
}

function copyRows(source: DatabaseSync, target: DatabaseSync, { from, next, tell }: Pages): void {
  const write = createRowWriter(target, next);
  const page = source.prepare(
    `SELECT view, key, json FROM viewRow WHERE (view, key) > (?, ?) ORDER BY view, key LIMIT ${pageRows}`,
  );
  for (let after: readonly [string, string] = ["", ""]; ; ) {
    const found = page.all(...after) as { view: string; key: string; json: string | Uint8Array }[];
    const last = found.at(-1);
    if (last === undefined) return;
    write(found.map(({ view, key, json }) => ({ view, key, json: from.jsonOf(view, key, json) })));
    tell(found.length);
    after = [last.view, last.key];
  }
}

/** Small tables that hold no content. */
function copyTable(source: DatabaseSync, target: DatabaseSync, table: string): void {
  const rows = source.prepare(`SELECT * FROM ${table}`);
  rows.setReturnArrays(true);
  for (const values of rows.all() as unknown as SQLInputValue[][]) {
    target.prepare(`INSERT INTO ${table} VALUES(${values.map(() => "?").join(",")})`).run(...values);
  }
}

function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
