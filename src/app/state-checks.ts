/** Whether a journal holds together, asked of its file: by a restore of the whole, by the doctor of its end. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Sealer } from "../adapters/sealed-state/sealer.ts";
import { type Columns, plainColumns, sealedColumns } from "../adapters/sqlite/columns.ts";
import { eventReader, isEmptyFile, openReadOnly } from "../adapters/sqlite/inspect.ts";
import { openSqliteStore } from "../adapters/sqlite/store.ts";
import { chainHash, textHash } from "../kernel/envelope.ts";
import { type Store, StoreFault } from "../kernel/ports.ts";
import { type Seam, seamBetween, seamsOf, seamText } from "../kernel/seams.ts";
import { verifyChain } from "../kernel/verify.ts";

/** What `package.json` asks for; the floor of the program. */
export const nodeMin = "24.16.0";
/** Enough to show what the last writes did, and done in milliseconds. */
const tailEvents = 500;

/** The first thing that is wrong, or null. Opens the store as a hub would, and so brings its layout up to date. */
export function journalFault(path: string, sealer: Sealer | null = null): string | null {
  try {
    using store = openSqliteStore(path, { sealer });
    const { fault } = verifyChain(store);
    return fault === null ? null : `event ${fault.seq} ${fault.reason}`;
  } catch (error) {
    if (error instanceof StoreFault) return error.message;
    throw error;
  }
}

/** A hub that has answered once had a journal. Without it this would begin a new life under the old name, and say nothing. */
export function refuseLostJournal(stateDir: string): void {
  const path = join(stateDir, "journal.db");
  const isLost = !existsSync(path) || isEmptyFile(path);
  if (!isLost || !existsSync(join(stateDir, "hub.json"))) return;
  const state = existsSync(path) ? "is empty" : "is missing";
  throw new StoreFault("corrupt", `${path} ${state}, and a hub has lived here: its events are gone`);
}

/** What the starts so far found. It stays: the events that are gone do not come back, and neither does a proof of them. */
export function journalCheck(store: Pick<Store, "rows">): { name: string; ok: boolean; detail: string } {
  const seams = seamsOf(store);
  const [first] = seams;
  if (first === undefined) return { name: "journal", ok: true, detail: "goes on from what it was" };
  const more = seams.length > 1 ? `, and ${seams.length - 1} more` : "";
  return { name: "journal", ok: false, detail: `${seamText(first)} while no hub ran${more}; ${seamRepair}` };
}

const seamRepair = "look with `arw journal verify`, and restore the last backup from before: `arw restore FILE`";

/** Looks at the newest events and at how far the views have folded, and changes nothing. */
export function journalTailFault(path: string, sealer: Sealer | null = null): string | null {
  const columns = sealer === null ? plainColumns : sealedColumns(sealer);
  const database = openReadOnly(path);
  try {
    // One moment for all that is read: a hub may be writing.
    database.exec("BEGIN");
    const newest = eventReader(database, columns, "ORDER BY seq DESC LIMIT ?");
    const rows = newest(tailEvents).toReversed();
    const seam = seamOf(database, columns, rows.at(-1)?.seq ?? 0);
    if (seam !== undefined) return `${seamText(seam)} while no hub ran`;
    for (const [index, row] of rows.entries()) {
      const before = rows[index - 1];
      if (before !== undefined && (row.seq !== before.seq + 1 || row.prevHash !== before.hash))
        return `event ${row.seq} does not follow the one before it`;
      const isData = row.data === null || textHash(row.data) === row.dataHash;
      if (!isData || chainHash(row) !== row.hash) return `event ${row.seq} is not what was written`;
    }
    return null;
  } finally {
    database.close();
  }
}

/** The first one that a start noted, or the one that the next start will. */
function seamOf(database: DatabaseSync, columns: Columns, headSeq: number): Seam | undefined {
  const rows: Store["rows"] = ({ view, limit }) => {
    const found = database.prepare("SELECT key, json FROM viewRow WHERE view=? ORDER BY key LIMIT ?").all(view, limit);
    return (found as { key: string; json: string }[]).map(({ key, json }) => ({
      key,
      json: columns.jsonOf(view, key, json),
    }));
  };
  const { folded } = database.prepare("SELECT MAX(seq) AS folded FROM viewState").get() as { folded: number | null };
  return seamsOf({ rows })[0] ?? seamBetween(headSeq, folded) ?? undefined;
}
