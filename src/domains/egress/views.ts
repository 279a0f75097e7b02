/** The posture in force, the leases that run, and the ledger of what left. */
import type { Envelope } from "../../contract/event.ts";
import { oneOf, Type } from "../../contract/schema.ts";
import { on, seqKey, view } from "../../contract/view.ts";
import {
  EgressLease,
  EgressRefused,
  EgressSent,
  LeaseExpired,
  LeaseGranted,
  LeaseRevoked,
  LedgerEntry,
  outcomes,
  PostureSet,
  SetPostureRow,
} from "./contract.ts";

export const postureKey = "hub";
/** A list that a person can still read. */
export const leasesMax = 200;
/** About a megabyte of rows; all of it is in the journal. */
const entriesMax = 5_000;

const posture = on<SetPostureRow>();
export const egressPosture = view(SetPostureRow)({
  name: "egressPosture",
  version: 1,
  about: "How far a person opened the hub towards the outside; none as long as the configuration says it.",
  isWayOut: true,
  rowsMax: 1,
  folds: [
    posture(
      PostureSet,
      () => postureKey,
      (_row, { data, caller, timeMs }) => ({ ...data, setBy: caller, setAtMs: timeMs }),
    ),
  ],
});

const lease = on<EgressLease>();
export const egressLeases = view(EgressLease)({
  name: "egressLeases",
  version: 1,
  about: "Hosts that are open for a while, newest first.",
  isWayOut: true,
  rowsMax: leasesMax,
  overflow: "guarded",
  folds: [
    lease(
      LeaseGranted,
      (e) => e.data.leaseId,
      (_row, { data, caller, timeMs }) => ({ ...data, grantedBy: caller, grantedAtMs: timeMs }),
    ),
    lease(
      LeaseRevoked,
      (e) => e.data.leaseId,
      () => null,
    ),
    lease(
      LeaseExpired,
      (e) => e.data.leaseId,
      () => null,
    ),
  ],
});

const stamp = ({ seq, corrId, caller, timeMs }: Envelope) => ({ seq, episode: corrId, caller, atMs: timeMs });

const entry = on<LedgerEntry>();
export const egressLedger = view(LedgerEntry)({
  name: "egressLedger",
  version: 1,
  about: "What left the hub or was refused, to where and by which rule, newest first.",
  rowsMax: entriesMax,
  filters: {
    episode: { schema: Type.String({ maxLength: 64 }), matches: (row, value: string) => row.episode === value },
    host: { schema: Type.String({ maxLength: 260 }), matches: (row, value: string) => row.host === value },
    outcome: { schema: oneOf(outcomes), matches: (row, value: string) => row.outcome === value },
  },
  folds: [
    entry(EgressSent, seqKey, (_row, e) => ({
      ...e.data,
      outcome: e.data.fault === null ? "sent" : "failed",
      reason: null,
      ...stamp(e),
    })),
    entry(EgressRefused, seqKey, (_row, e) => ({
      ...e.data,
      ...nothing,
      secrets: [],
      outcome: "refused",
      ...stamp(e),
    })),
  ],
});

const nothing = { address: null, bytesOut: 0, bytesIn: 0, durationMs: 0, status: null, fault: null };
