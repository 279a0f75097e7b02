/** Reading the audit log line by line, with memory that does not grow with it. */
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import type { AuditRow, AuditVerdict } from "../../domains/audit/port.ts";
import { isMissing } from "../files/faults.ts";
import { type AuditLines, type ChainHead, plainLines, rowFault } from "./chain.ts";

/** Newest first; `paths` as well. */
export async function listRows(
  paths: readonly string[],
  { limit, beforeSeq = Number.MAX_SAFE_INTEGER }: { readonly limit: number; readonly beforeSeq?: number },
  lines: AuditLines = plainLines,
): Promise<AuditRow[]> {
  const found: AuditRow[] = [];
  for (const path of paths) {
    const newest: AuditRow[] = [];
    for await (const line of linesOf(path)) {
      const row = lines.rowOf(line);
      if (row === null || row.seq >= beforeSeq) continue;
      newest.push(row);
      if (newest.length > limit) newest.shift();
    }
    found.push(...newest.toReversed());
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}

/** Oldest first. `known` is the last row that must be there, which tells of a log that was cut, removed or written anew. */
export async function verifyFiles(
  paths: readonly string[],
  known: ChainHead | null = null,
  lines: AuditLines = plainLines,
): Promise<AuditVerdict> {
  const files: string[] = [];
  let rows = 0;
  let firstSeq: number | null = null;
  let before: ChainHead | null = null;
  let lastLine = 0;
  const verdict = (fault: AuditVerdict["fault"]): AuditVerdict => ({
    ok: fault === null,
    rows,
    files,
    firstSeq,
    lastSeq: before?.seq ?? null,
    fault,
  });
  for (const path of paths) {
    let line = 0;
    for await (const text of linesOf(path)) {
      line += 1;
      const file = basename(path);
      if (line === 1) files.push(file);
      const row = lines.rowOf(text);
      const reason = row === null ? "the line is no row" : (rowFault(row, before) ?? knownFault(row, known));
      if (row === null || reason !== null)
        return verdict({ file, line, seq: row?.seq ?? null, reason: reason ?? "the line is no row" });
      // Rows leave the log only from the last of its files, so that a first row in a newer one follows rows that are gone.
      if (before === null && known !== null && row.seq > 1 && path !== paths[0])
        return verdict({ file, line, seq: row.seq, reason: "the rows before it are missing" });
      rows += 1;
      lastLine = line;
      firstSeq ??= row.seq;
      before = { seq: row.seq, hash: row.hash };
    }
  }
  const lastSeq = before?.seq ?? 0;
  if (known === null || lastSeq >= known.seq) return verdict(null);
  const reason = `the log ends with row ${lastSeq}, and row ${known.seq} was written: rows were cut off or removed`;
  return verdict({ file: files.at(-1) ?? basename(paths.at(-1) ?? ""), line: lastLine + 1, seq: null, reason });
}

const knownFault = (row: AuditRow, known: ChainHead | null): string | null =>
  row.seq === known?.seq && row.hash !== known.hash ? "another row was written here: the log was made anew" : null;

async function* linesOf(path: string): AsyncGenerator<string> {
  const input = createReadStream(path, { encoding: "utf8" });
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    if (!isMissing(error)) throw error;
  } finally {
    input.destroy();
  }
}
