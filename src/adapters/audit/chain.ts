/** Audit rows as lines: each names the hash of the row before it, and its own. */
import { canonicalJson, sha256Hex } from "../../base/canonical-json.ts";
import type { AuditEntry, AuditRow } from "../../domains/audit/port.ts";
import type { Sealer } from "../sealed-state/sealer.ts";
import { openLine, places, sealLine } from "../sealed-state/sealed-text.ts";

export interface ChainHead {
  /** 0 before the first row. */
  readonly seq: number;
  readonly hash: string;
}

export const firstHead: ChainHead = { seq: 0, hash: "0".repeat(64) };

export function chained(entry: AuditEntry, head: ChainHead): AuditRow {
  const row = { seq: head.seq + 1, ...entry, prevHash: head.hash };
  return { ...row, hash: sha256Hex(canonicalJson(row)) };
}

/** How a row stands in the file. */
export interface AuditLines {
  lineOf(row: AuditRow): string;
  /** Null for a line that is no row; whether its hash is right is another question. */
  rowOf(line: string): AuditRow | null;
}

export const plainLines: AuditLines = { lineOf: (row) => `${JSON.stringify(row)}\n`, rowOf };

/** A line that is not sealed is no row: nobody else may put one in. */
export const sealedLines = (sealer: Sealer): AuditLines => ({
  lineOf: (row) => `${sealLine(sealer, JSON.stringify(row), places.auditLine)}\n`,
  rowOf(line) {
    const opened = openLine(sealer, line, places.auditLine);
    return opened === null ? null : rowOf(opened);
  },
});

function rowOf(line: string): AuditRow | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null) return null;
    const { seq, prevHash, hash } = value as Partial<AuditRow>;
    return Number.isInteger(seq) && typeof prevHash === "string" && typeof hash === "string"
      ? (value as AuditRow)
      : null;
  } catch {
    return null;
  }
}

/** What is wrong with a row, or null. `before` is null for the oldest row that is kept. */
export function rowFault(row: AuditRow, before: ChainHead | null): string | null {
  const { hash, ...rest } = row;
  if (sha256Hex(canonicalJson(rest)) !== hash) return "the row is not what was written";
  if (before === null)
    return row.seq === 1 && row.prevHash !== firstHead.hash ? "the first row names one before it" : null;
  if (row.seq !== before.seq + 1) return `follows row ${before.seq}: rows are missing, doubled or moved`;
  return row.prevHash === before.hash ? null : "does not name the row before it";
}
