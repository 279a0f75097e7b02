/** The permissions that run. */
import { on, view } from "../../contract/view.ts";
import {
  type Amounts,
  Lease,
  LeaseExpired,
  LeaseGranted,
  LeaseRevoked,
  LeaseSettled,
  leaseUnits,
  LeaseUsed,
} from "./contract.ts";

/** A list that a person can still read. */
export const leasesMax = 200;

const lease = on<Lease>();
export const leases = view(Lease)({
  name: "leases",
  version: 1,
  about: "What is permitted for a while, newest first.",
  isWayOut: true,
  rowsMax: leasesMax,
  overflow: "guarded",
  folds: [
    lease(
      LeaseGranted,
      (e) => e.data.leaseId,
      (_row, { data, caller, timeMs }) => ({
        ...data,
        ...(data.uses === undefined ? {} : { usesLeft: data.uses }),
        ...(data.budget === undefined ? {} : { budgetLeft: data.budget }),
        grantedBy: caller,
        grantedAtMs: timeMs,
      }),
    ),
    lease(
      LeaseUsed,
      (e) => e.data.leaseId,
      (row, { data }) => (row === undefined ? null : lessened(row, data.taken)),
    ),
    lease(
      LeaseSettled,
      (e) => e.data.leaseId,
      (row, { data: { back, over = {} } }) =>
        row?.budgetLeft === undefined
          ? (row ?? null)
          : { ...row, budgetLeft: moved(moved(row.budgetLeft, back, 1), over, -1) },
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

const lessened = (row: Lease, taken: Amounts): Lease => ({
  ...row,
  ...(row.usesLeft === undefined ? {} : { usesLeft: Math.max(0, row.usesLeft - 1) }),
  ...(row.budgetLeft === undefined ? {} : { budgetLeft: moved(row.budgetLeft, taken, -1) }),
});

/** Only what the lease counts changes. */
export function moved(left: Amounts, by: Amounts, sign: 1 | -1): Amounts {
  const next: { -readonly [U in keyof Amounts]: Amounts[U] } = {};
  for (const unit of leaseUnits) {
    const has = left[unit];
    if (has !== undefined) next[unit] = Math.max(0, has + sign * (by[unit] ?? 0));
  }
  return next;
}
