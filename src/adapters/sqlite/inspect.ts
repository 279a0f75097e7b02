/** Looks at a store's file without leaving anything beside it. */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { StoredEvent } from "../../kernel/ports.ts";
import { type Columns, envelopeColumns, type EventValues, hashColumns } from "./columns.ts";

/** Every file of SQLite begins with it. */
const magic = "SQLite format 3\0";
/** Where the header holds `user_version`: four bytes, big-endian. */
const formatOffset = 60;
const headerBytes = 100;
/** No layout will ever have it: such a number is damage, which SQLite tells when it opens the file. */
const formatMax = 9999;

/** The layout's version as the file's header says it; 0 in a file that is missing or none of SQLite's. */
export function fileFormat(path: string): number {
  if (!existsSync(path)) return 0;
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(headerBytes);
    readSync(file, bytes, 0, headerBytes, 0);
    const format = bytes.readUInt32BE(formatOffset);
    return bytes.toString("latin1", 0, magic.length) === magic && format <= formatMax ? format : 0;
  } finally {
    closeSync(file);
  }
}

/** Without a WAL nobody writes and nothing waits, so SQLite needs no files beside the one that it reads. */
export function openReadOnly(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  if (!existsSync(`${path}-wal`)) url.searchParams.set("immutable", "1");
  return new DatabaseSync(url, { readOnly: true });
}

/** Whether there is a file in which nothing was ever stored. */
export const isEmptyFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.size === 0;

/** Reads whole events past the store. `clause` says which and in what order, in words of ours alone. */
export function eventReader(
  database: DatabaseSync,
  columns: Columns,
  clause: string,
): (...bound: readonly number[]) => StoredEvent[] {
  const statement = database.prepare(`SELECT ${envelopeColumns},${hashColumns} FROM event ${clause}`);
  statement.setReturnArrays(true);
  // The columns are those that were asked for; a foreign file fails the hashes.
  return (...bound) => (statement.all(...bound) as unknown as EventValues[]).map(columns.eventOf);
}
