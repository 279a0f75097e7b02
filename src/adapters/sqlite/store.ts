/**
 * The durable store on `node:sqlite`: journal and view rows in one file with a WAL. Transactions run on the calling thread;
 * the sync that makes them durable runs beside it (`sync: "later"`), and so does folding the WAL back into the file.
 */
import { closeSync, fdatasync, openSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import {
  type Columns,
  envelopeColumns,
  type EventValues,
  hashColumns,
  plainColumns,
  plainFormat,
  sealedColumns,
  sealedFormat,
  storeFormat,
} from "./columns.ts";
import { fileFormat } from "./inspect.ts";
import { type Checkpointer, createCheckpointer } from "./checkpointer.ts";
import {
  type EventQuery,
  type RowQuery,
  type RowWrite,
  type Store,
  type StoredEvent,
  StoreFault,
  type ViewState,
} from "../../kernel/ports.ts";
import type { Sealer } from "../sealed-state/sealer.ts";

export { storeFormat } from "./columns.ts";

const firstHash = "0".repeat(64);
/**
 * The commit that finds so many pages in the WAL folds them back itself, on the calling thread. The checkpointer comes long
 * before it; this bounds the WAL where there is none.
 */
const walPagesMax = 8000;

/** Files up to this are looked through at the start, in milliseconds; of a larger one SQLite finds damage when it reads it. */
const checkedPagesMax = 4000;

export const layout = `
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event(
  seq INTEGER PRIMARY KEY, format INTEGER NOT NULL, id TEXT NOT NULL, timeMs INTEGER NOT NULL, kind TEXT NOT NULL,
  version INTEGER NOT NULL, corrId TEXT NOT NULL, causeId TEXT, node TEXT NOT NULL, caller TEXT NOT NULL, data TEXT,
  dataHash TEXT NOT NULL, prevHash TEXT NOT NULL, hash TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS eventCorr ON event(corrId, seq);
CREATE TABLE IF NOT EXISTS viewRow(view TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY(view, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS viewState(view TEXT PRIMARY KEY, version INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
`;

type Row = Record<string, unknown>;

export interface SqliteStore extends Store {
  /** Commits so far; tests hold it against the number of group commits. */
  readonly commits: number;
}

/** Opens or makes the file; throws `StoreFault` (`corrupt`, `failed`), and leaves a file as it is that is newer, or locked. */
export function openSqliteStore(path: string, options: SqliteOptions = {}): SqliteStore {
  const columns = options.sealer ? sealedColumns(options.sealer) : plainColumns;
  guard(() => refuseOther(path, path === ":memory:" ? 0 : fileFormat(path), columns));
  // Made before SQLite makes it: its WAL takes over the mode, and nobody else shall read what agents read.
  if (path !== ":memory:") guard(() => closeSync(openSync(path, "a", 0o600)));
  const database = guard(() => new DatabaseSync(path));
  guard(() => prepareFile(database, path, columns));
  if (path === ":memory:") return createStore(database, columns, { sync: (done) => done(null), checkpointer: null });
  const wal = guard(() => createWalSync(`${path}-wal`, options.sync ?? fdatasync));
  return createStore(database, columns, { ...wal, checkpointer: createCheckpointer(path, database) });
}

export interface SqliteOptions {
  /** Brings a file's data to the disk; tests fail it and count it. */
  readonly sync?: typeof fdatasync;
  /** Set where the state is encrypted. */
  readonly sealer?: Sealer | null;
}

/** The parts beside the connection: what syncs its WAL, and what folds it back. */
interface Beside {
  readonly sync: Store["sync"];
  readonly close?: () => void;
  readonly checkpointer: Checkpointer | null;
}

/** Syncs the WAL through the thread pool. SQLite's locks are on the other two files, so a descriptor of ours harms none. */
function createWalSync(path: string, sync: typeof fdatasync): Pick<Beside, "sync"> & { close(): void } {
  const file = openSync(path, "r+");
  let underWay = 0;
  let isClosed = false;
  const end = (): void => {
    if (isClosed && underWay === 0) closeSync(file);
  };
  return {
    sync(done) {
      underWay += 1;
      sync(file, (error) => {
        underWay -= 1;
        end();
        done(
          error === null ? null : new StoreFault("failed", `the disk did not sync: ${error.message}`, { cause: error }),
        );
      });
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      end();
    },
  };
}

function prepareFile(database: DatabaseSync, path: string, columns: Columns): void {
  const found = Number((database.prepare("PRAGMA user_version").get() as Row)["user_version"]);
  try {
    refuseOther(path, found, columns);
  } catch (error) {
    database.close();
    throw error;
  }
  const verdict = checkedVerdict(database);
  if (verdict !== "ok") {
    database.close();
    throw new StoreFault("corrupt", `${path} is damaged: ${verdict}`);
  }
  database.exec(firstPragma);
  database.exec(
    `PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=${walPagesMax}; PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;`,
  );
  const format = found < columns.format ? `PRAGMA user_version=${columns.format};` : "";
  // One transaction, for each takes a sync; none where nothing is missing.
  database.exec(`BEGIN; ${layout} ${format} COMMIT`);
}

/** First, since it only takes in a file that holds nothing yet: pages that retention frees can go back to the disk. */
export const firstPragma = "PRAGMA auto_vacuum=INCREMENTAL";

/** Asked of the file's own header: to open it would leave files beside it. A new file has no format yet. */
function refuseOther(path: string, found: number, columns: Columns): void {
  if (found > storeFormat) {
    const detail = `${path} was written by a newer ARW (store format ${found}); this one knows ${storeFormat}`;
    throw new StoreFault("newer", detail);
  }
  if (found === sealedFormat && columns.format !== sealedFormat)
    throw new StoreFault("locked", `${path} is encrypted, and no key for it was given`);
  // Else whoever can put a file there could have the hub go on from a past of their own making.
  if (found === plainFormat && columns.format !== plainFormat)
    throw new StoreFault("corrupt", `${path} is not encrypted, and the keys beside it say that it is`);
}

/** A start must not take longer the longer a hub has lived, so a large file is not read through. */
function checkedVerdict(database: DatabaseSync): string {
  const pages = Number((database.prepare("PRAGMA page_count").get() as Row)["page_count"]);
  if (pages > checkedPagesMax) return "ok";
  return String((database.prepare("PRAGMA quick_check(1)").get() as Row)["quick_check"]);
}

function createStore(database: DatabaseSync, columns: Columns, beside: Beside): SqliteStore {
  const insertEvents = createEventWriter(database, columns);
  const putRow = database.prepare(putSql(1));
  const writeRows = createRowWriter(database, columns);
  const headSql = `SELECT seq, ${columns.hashColumn} AS hash FROM event ORDER BY seq DESC LIMIT 1`;
  const getRow = database.prepare("SELECT json FROM viewRow WHERE view=? AND key=?");
  const queries = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    const known = queries.get(sql) ?? database.prepare(sql);
    queries.set(sql, known);
    return known;
  };
  const markViews = createViewMarker(prepared);
  const transaction = createTransaction(database);
  let commits = 0;

  return {
    abilities: { isDurable: true },
    get commits() {
      return commits;
    },
    head() {
      const row = prepared(headSql).get() as { seq: number; hash: string | Uint8Array } | undefined;
      return row ? { seq: row.seq, hash: columns.hashOf(row.seq, row.hash) } : { seq: 0, hash: firstHash };
    },
    commit({ events, rows, views, sync, foldedSeq }) {
      const write = sync === "later" ? transaction.later : transaction.now;
      write(() => {
        insertEvents(events);
        writeRows(rows);
        const seq = foldedSeq ?? events.at(-1)?.seq;
        if (seq !== undefined) markViews(views, seq);
      });
      commits += 1;
      beside.checkpointer?.committed(events, rows);
    },
    sync: beside.sync,
    events: (query) => guard(() => selectEvents(query, prepared).map(columns.eventOf)),
    row: (view, key) =>
      guard(() => {
        const found = getRow.get(view, key) as { json: string | Uint8Array } | undefined;
        return found === undefined ? undefined : columns.jsonOf(view, key, found.json);
      }),
    rows: (query) => guard(() => selectRows(query, { prepared, columns })),
    viewStates: () => guard(() => readViewStates(prepared)),
    rebuild(view, state, rows) {
      transaction.now(() => {
        prepared("DELETE FROM viewRow WHERE view=?").run(view);
        for (const row of rows) putRow.run(view, row.key, columns.rowValue(view, row.key, row.json));
        prepared("INSERT OR REPLACE INTO viewState VALUES(?,?,?)").run(view, state.version, state.seq);
      });
    },
    together: transaction.now,
    drop({ seqs, rows }) {
      transaction.now(() => {
        for (const seq of seqs) dropData(seq, { prepared, columns });
        writeRows(rows);
      });
    },
    reclaim: (pages) => guard(() => reclaimPages(database, pages)),
    [Symbol.dispose]() {
      if (!database.isOpen) return;
      beside.checkpointer?.[Symbol.dispose]();
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      database.close();
      beside.close?.();
    },
  };
}

/** `now` is on the disk when it returns; `later` leaves the sync of the WAL to `Store.sync`. */
function createTransaction(database: DatabaseSync) {
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const rollback = database.prepare("ROLLBACK");
  let level = "FULL";
  const transact = (nextLevel: "FULL" | "NORMAL", work: () => void): void =>
    guard(() => {
      if (database.isTransaction) return work();
      if (level !== nextLevel) database.exec(`PRAGMA synchronous=${nextLevel}`);
      level = nextLevel;
      begin.run();
      try {
        work();
        commit.run();
      } catch (error) {
        // A failed COMMIT may have rolled back by itself, and then ROLLBACK has nothing left to do.
        if (database.isTransaction) rollback.run();
        throw error;
      }
    });
  return {
    now: (work: () => void) => transact("FULL", work),
    later: (work: () => void) => transact("NORMAL", work),
  };
}

function dropData(seq: number, { prepared, columns: { dropped } }: Means): void {
  if (dropped === null) return void prepared("UPDATE event SET data=NULL WHERE seq=?").run(seq);
  const found = prepared("SELECT caller FROM event WHERE seq=?").get(seq) as { caller: Uint8Array } | undefined;
  if (found !== undefined) prepared("UPDATE event SET caller=? WHERE seq=?").run(dropped(seq, found.caller), seq);
}

/** Works on files that were made for it; in an older one the freed pages are used again by what is written next. */
function reclaimPages(database: DatabaseSync, pages: number): number {
  const free = (): number => Number((database.prepare("PRAGMA freelist_count").get() as Row)["freelist_count"]);
  const before = free();
  if (before > 0) database.exec(`PRAGMA incremental_vacuum(${Math.trunc(pages)})`);
  return before - free();
}

/** Rows per statement: a statement for each costs half as much again, and more in one save next to nothing. */
const statementRows = 16;
const eventPlaces = "(?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
const putSql = (count: number): string =>
  `INSERT INTO viewRow VALUES${places("(?,?,?)", count)} ON CONFLICT(view, key) DO UPDATE SET json=excluded.json`;
const places = (place: string, count: number): string => Array.from({ length: count }, () => place).join(",");

/** Writes most rows by many in one statement, the rest one by one. */
function createInserter<T>(
  database: DatabaseSync,
  sql: (rows: number) => string,
  addValues: (values: SQLInputValue[], row: T) => void,
): (rows: readonly T[]) => void {
  const one = database.prepare(sql(1));
  const many = database.prepare(sql(statementRows));
  return (rows) => {
    const singlesFrom = rows.length - (rows.length % statementRows);
    let values: SQLInputValue[] = [];
    for (const [index, row] of rows.entries()) {
      addValues(values, row);
      if (index < singlesFrom && (index + 1) % statementRows !== 0) continue;
      (index < singlesFrom ? many : one).run(...values);
      values = [];
    }
  };
}

export const createEventWriter = (
  database: DatabaseSync,
  columns: Columns,
): ((events: readonly StoredEvent[]) => void) =>
  createInserter(database, (count) => `INSERT INTO event VALUES${places(eventPlaces, count)}`, columns.addEvent);

/** No key comes twice in one commit, so deletes may go before. */
export function createRowWriter(database: DatabaseSync, columns: Columns): (rows: readonly RowWrite[]) => void {
  const remove = database.prepare("DELETE FROM viewRow WHERE view=? AND key=?");
  const put = createInserter<RowWrite>(database, putSql, (values, { view, key, json }) =>
    values.push(view, key, json === null ? null : columns.rowValue(view, key, json)),
  );
  return (rows) => {
    for (const row of rows) if (row.json === null) remove.run(row.view, row.key);
    put(rows.filter((row) => row.json !== null));
  };
}

/** Every active view is folded up to the last event of each commit, so one statement moves them all. */
function createViewMarker(prepared: (sql: string) => StatementSync): (views: readonly string[], seq: number) => void {
  return (views, seq) => {
    if (views.length === 0) return;
    prepared(`UPDATE viewState SET seq=? WHERE view IN (${views.map(() => "?").join(",")})`).run(seq, ...views);
  };
}

function selectEvents(query: EventQuery, prepared: (sql: string) => StatementSync): EventValues[] {
  const where: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (text: string, ...bound: SQLInputValue[]): void => {
    where.push(text);
    values.push(...bound);
  };
  if (query.afterSeq !== undefined) add("seq > ?", query.afterSeq);
  if (query.toSeq !== undefined) add("seq <= ?", query.toSeq);
  if (query.corrId !== undefined) add("corrId = ?", query.corrId);
  if (query.kinds) add(`kind IN (${query.kinds.map(() => "?").join(",") || "NULL"})`, ...query.kinds);
  const clause = where.length > 0 ? `WHERE ${where.join(" AND ")}` : "";
  const wanted = query.parts === "envelope" ? envelopeColumns : `${envelopeColumns},${hashColumns}`;
  const sql = `SELECT ${wanted} FROM event ${clause} ORDER BY seq ${query.order === "desc" ? "DESC" : "ASC"} LIMIT ?`;
  const statement = prepared(sql);
  // Arrays, and objects made here: those that SQLite's binding makes take twice as long to make and to read.
  statement.setReturnArrays(true);
  return statement.all(...values, query.limit) as unknown as EventValues[];
}

function selectRows(query: RowQuery, { prepared, columns }: Means): { key: string; json: string }[] {
  const isDescending = query.order === "desc";
  const after = query.afterKey === undefined ? "" : `AND key ${isDescending ? "<" : ">"} ?`;
  const sql = `SELECT key, json FROM viewRow WHERE view=? ${after} ORDER BY key ${isDescending ? "DESC" : "ASC"} LIMIT ?`;
  const values: SQLInputValue[] = query.afterKey === undefined ? [query.view] : [query.view, query.afterKey];
  const statement = prepared(sql);
  statement.setReturnArrays(true);
  const found = statement.all(...values, query.limit) as unknown as (readonly [string, string | Uint8Array])[];
  return found.map(([key, value]) => ({ key, json: columns.jsonOf(query.view, key, value) }));
}

interface Means {
  readonly prepared: (sql: string) => StatementSync;
  readonly columns: Columns;
}

function readViewStates(prepared: (sql: string) => StatementSync): Map<string, ViewState> {
  const rows = prepared("SELECT view, version, seq FROM viewState").all() as {
    view: string;
    version: number;
    seq: number;
  }[];
  return new Map(rows.map(({ view, version, seq }) => [view, { version, seq }]));
}

/** SQLite's failures in the port's words. The codes are SQLite's primary result codes. */
export function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StoreFault) throw error;
    const code = Number((error as { errcode?: unknown }).errcode ?? 0) & 0xff;
    const detail = error instanceof Error ? error.message : String(error);
    if (code === 13) throw new StoreFault("full", "the disk is full", { cause: error });
    if (code === 11 || code === 26) throw new StoreFault("corrupt", detail, { cause: error });
    throw new StoreFault("failed", detail, { cause: error });
  }
}
