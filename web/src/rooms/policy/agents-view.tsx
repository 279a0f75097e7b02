import { DeclassifiedLedger } from "./declassified-ledger.tsx";

/** What agents may do, and what persons let them act on. */
export function AgentsView() {
  return <DeclassifiedLedger />;
}
