/** What leases need from other rooms. */
import type { EgressLease } from "../egress/contract.ts";

export interface LeasesPorts {
  /** Hosts that are open for a while; shown in the same list. */
  readonly openings: () => readonly EgressLease[];
  /** Aborted while the hub is halted, with the problem that says so. */
  readonly halted: () => AbortSignal;
  /** Reads `1 MB out` as allowances do. */
  readonly readAmount: (text: string) => { readonly unit: string; readonly limit: number } | { readonly fault: string };
}
