/** The adoption ledger: rows are added and never changed. It ends with the hub unless the configuration keeps it. */
import { createRing } from "../../base/ring.ts";
import type { Context } from "../../contract/operation.ts";
import type { Views } from "../../kernel/kernel.ts";
import { type LedgerRow, LedgerWritten } from "./contract.ts";
import { provenanceLedger } from "./views.ts";

export interface Ledger {
  readonly isKept: boolean;
  /** Resolves when the row is as durable as it will be. */
  write(row: LedgerRow, system: Context): Promise<void>;
  /** The newest first. */
  read(views: () => Views, limit: number): readonly LedgerRow[];
}

/** As many as a person scrolls through. */
const rowsMax = 1_024;

export function createLedger({ isKept }: { readonly isKept: boolean }): Ledger {
  if (isKept)
    return {
      isKept,
      write: async (row, system) => void (await system.emit(LedgerWritten, row)),
      read: (views, limit) =>
        views()
          .list(provenanceLedger, { limit })
          .rows.map(({ row }) => row),
    };
  const rows = createRing<LedgerRow>(rowsMax);
  return {
    isKept,
    write: (row) => {
      rows.push(row);
      return Promise.resolve();
    },
    read: (_views, limit) => rows.last(limit).toReversed(),
  };
}
