/** Leases that run while the journal is read, and of whom. */
import { matchesKey } from "../../contract/caller.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Static } from "../../contract/schema.ts";
import { LeaseExpired, LeaseGranted, LeaseRevoked } from "../leases/contract.ts";

export interface LeaseBook {
  grant(leaseId: string, holder: string): void;
  end(leaseId: string): void;
  /** Whether one of the leases that run now may be of this caller. */
  mayHold(caller: string): boolean;
}

export function createLeaseBook(): LeaseBook {
  const holders = new Map<string, string>();
  return {
    grant: (leaseId, holder) => void holders.set(leaseId, holder),
    end: (leaseId) => void holders.delete(leaseId),
    mayHold: (caller) => holders.size > 0 && [...holders.values()].some((holder) => matchesKey(holder, caller)),
  };
}

/** Used up they stay in the book: that they may cover a call is all that is asked of it. */
export function leaseTakers(leases: LeaseBook): Readonly<Record<string, (envelope: Envelope) => readonly []>> {
  const end = ({ data }: Envelope): readonly [] => {
    leases.end((data as { readonly leaseId: string }).leaseId);
    return [];
  };
  return {
    [LeaseGranted.kind]: ({ data }) => {
      const { leaseId, holder } = data as Static<typeof LeaseGranted.data>;
      leases.grant(leaseId, holder);
      return [];
    },
    [LeaseRevoked.kind]: end,
    [LeaseExpired.kind]: end,
  };
}
