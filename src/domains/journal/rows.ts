/** Rows of the journal as lines of an export, and back. */
import { jsonText } from "../../contract/event.ts";
import { Problem } from "../../contract/problem.ts";
import { checkerOf } from "../../contract/schema.ts";
import type { Archive } from "../../kernel/archive.ts";
import type { StoredEvent } from "../../kernel/ports.ts";
import { BadFile, ExportedRow } from "./contract.ts";

/**
 * One line of an export. It knows its JSON and hides its fields: streams take what has a kind and a position for an event
 * that is followed by others for ever, and an export ends.
 */
class ExportLine {
  readonly [jsonText]: string;

  constructor(row: StoredEvent) {
    const { data, ...columns } = ordered(row);
    this[jsonText] = `${JSON.stringify(columns).slice(0, -1)},"data":${data ?? "null"}}`;
  }

  toJSON(): unknown {
    return JSON.parse(this[jsonText]);
  }
}

/** Equal journals give equal files, whatever order their store keeps the columns in. */
const ordered = (row: StoredEvent): StoredEvent => ({
  seq: row.seq,
  id: row.id,
  timeMs: row.timeMs,
  kind: row.kind,
  version: row.version,
  corrId: row.corrId,
  causeId: row.causeId,
  node: row.node,
  caller: row.caller,
  format: row.format,
  dataHash: row.dataHash,
  prevHash: row.prevHash,
  hash: row.hash,
  data: row.data,
});

export const exportedRow = (row: StoredEvent): ExportedRow => new ExportLine(row) as unknown as ExportedRow;

export interface RowReader {
  /** The line as a row of a journal behind the one before; null when the line repeats what was read. */
  read(line: string): StoredEvent | null;
  readonly events: number;
  readonly tombstones: number;
  /** Every row so far came with its hash, and each was right. */
  readonly isProven: boolean;
}

/** Reads one journal from its beginning. Throws `BadFile` where it is not one. */
export function createRowReader(archive: Pick<Archive, "seal">): RowReader {
  const shape = checkerOf(ExportedRow);
  let before: StoredEvent | null = null;
  let tombstones = 0;
  let isProven = true;

  const rowOf = (line: string, seq: number): ExportedRow => {
    const value = parsed(line, seq);
    if (shape.check(value)) return value as ExportedRow;
    const [fault] = shape.faults(value);
    throw bad(seq, `is no event: ${fault?.at ?? ""} ${fault?.message ?? ""}`);
  };
  return {
    get events() {
      return before?.seq ?? 0;
    },
    get tombstones() {
      return tombstones;
    },
    get isProven() {
      return isProven && before !== null;
    },
    read(line) {
      const seq = before?.seq ?? 0;
      const given = rowOf(line, seq);
      // A rotation that a crash cut short may have left the same lines twice.
      if (given.seq <= seq) return null;
      if (given.seq !== seq + 1) {
        const missing = seq === 0 ? "the beginning is missing" : `event ${seq + 1} is missing`;
        throw bad(seq, `holds event ${given.seq}: ${missing}`);
      }
      before = sealed(given, before, archive);
      if (before.data === null) tombstones += 1;
      isProven &&= given.hash !== undefined;
      return before;
    },
  };
}

/** The row as the hub itself would have written it, held against the hashes that the line names. */
function sealed(given: ExportedRow, before: StoredEvent | null, { seal }: Pick<Archive, "seal">): StoredEvent {
  const { format, data: value, dropped: _told, dataHash, hash, prevHash, ...head } = given;
  const full = seal({ ...head, data: JSON.stringify(value) }, before);
  // A digest beside null tells dropped data from data that is null.
  const isDropped = value === null && dataHash !== undefined && dataHash !== full.dataHash;
  const row = isDropped ? seal({ ...head, data: null, dataHash }, before) : full;
  const isTrue = [
    [format, row.format],
    [dataHash, row.dataHash],
    [prevHash, row.prevHash],
    [hash, row.hash],
  ].every(([named, found]) => named === undefined || named === found);
  if (!isTrue) throw bad(given.seq - 1, `holds event ${given.seq}, which does not have the hash that it names`);
  return row;
}

function parsed(line: string, seq: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Problem(BadFile, `the line behind event ${seq} is no JSON`, { cause: error });
  }
}

const bad = (seq: number, what: string): Problem =>
  new Problem(BadFile, seq === 0 ? `the first line ${what}` : `the line behind event ${seq} ${what}`);
