/** Where audit rows are kept: append-only, chained by hashes, bounded in size. */
import type { AuditEntry, AuditRow, AuditVerdict } from "./contract.ts";

export type { AuditEntry, AuditRow, AuditVerdict } from "./contract.ts";

/**
 * - `append` hands the row to the operating system before it returns and never throws: a row that cannot be written waits
 *   for the next one, and `health` says so. It survives the end of this process; a moment later also that of the machine.
 * - `list` answers newest first, `verify` up to the first fault.
 */
export interface AuditTrail {
  append(entry: AuditEntry): void;
  list(query: { readonly limit: number; readonly beforeSeq?: number }): Promise<AuditRow[]>;
  verify(): Promise<AuditVerdict>;
  health(): { readonly ok: boolean; readonly detail: string };
}
