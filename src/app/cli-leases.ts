/** How leases look on the command line. */
import { formatDurationMs } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { amountText } from "../domains/budgets/syntax.ts";
import {
  type Amounts,
  GrantLease,
  leaseUnits,
  type ListedLease,
  ListLeases,
  RevokeLease,
} from "../domains/leases/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";
import type { ShortId } from "../surfaces/cli/port.ts";

export const leaseAnswers = {
  [GrantLease.id]: (output: unknown, pen: Pen) => leaseText(output as ListedLease, pen),
  [ListLeases.id]: (output: unknown, pen: Pen) => leasesText((output as Static<typeof ListLeases.output>).leases, pen),
  [RevokeLease.id]: (output: unknown, pen: Pen) =>
    `${pen.paint("yellow", "taken back")}  ${headText(output as ListedLease, pen)}`,
};

const leaseIds: readonly ShortId[] = [
  { field: "leaseId", list: "state.leases", key: "leaseId" },
  { field: "leaseId", list: "state.egressLeases", key: "leaseId" },
];
export const leaseShortIds = { [RevokeLease.id]: leaseIds };

function leasesText(leases: readonly ListedLease[], pen: Pen): string {
  if (leases.length === 0)
    return pen.paint("dim", "Nothing is permitted for a while. `arw lease grant fs:write --holder agent:scout` would.");
  return leases.map((each) => leaseText(each, pen)).join("\n");
}

function leaseText(lease: ListedLease, pen: Pen): string {
  const { leaseId, grantedBy, reason } = lease;
  const why = reason === undefined ? "" : `: ${pen.safe(reason)}`;
  return `${headText(lease, pen)}\n  given by ${grantedBy}${why}\n  ${pen.paint("dim", leaseId)}`;
}

function headText(lease: ListedLease, pen: Pen): string {
  const { capability, holder, scope, leftMs } = lease;
  const { folder, path, host, tool, run } = scope;
  const where = [
    folder === undefined ? "" : ` in ${pen.safe(folder)}${path === undefined ? "" : `, ${pen.safe(path)}`}`,
    host === undefined ? "" : ` at ${pen.safe(host)}`,
    tool === undefined ? "" : ` of ${pen.safe(tool)}`,
    run === undefined ? "" : ` in the run ${run}`,
  ].join("");
  const to = holder === "*" ? "everybody" : holder;
  const what = lease.kind === "host" ? "open" : capability;
  return `${pen.paint("bold", what)} to ${to}${where}  ${formatDurationMs(leftMs)} left${countsText(lease)}`;
}

function countsText({ uses, usesLeft = 0, budget, budgetLeft = {} }: ListedLease): string {
  const used = uses === undefined ? "" : `, ${usesLeft} of ${uses} uses left`;
  return budget === undefined ? used : `${used}, ${amountsText(budgetLeft)} left`;
}

const amountsText = (amounts: Amounts): string =>
  leaseUnits.flatMap((unit) => (amounts[unit] === undefined ? [] : [amountText(unit, amounts[unit])])).join(" and ");
