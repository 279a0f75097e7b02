/** What the journal keeps of gating: contracts that were put, and what was counted under quotas. */
import { closed, EpochMs, type Static, Type } from "../../contract/schema.ts";
import { on, view } from "../../contract/view.ts";
import { ContractPut, ContractRemoved, contractsMax, KeptContract, QuotaCounted, QuotaForgotten } from "./contract.ts";

const contract = on<KeptContract>();
export const gateContracts = view(KeptContract)({
  name: "gateContracts",
  version: 1,
  about: "Contracts that were put into force by a person.",
  isWayOut: true,
  order: "asc",
  rowsMax: contractsMax,
  overflow: "guarded",
  folds: [
    contract(
      ContractPut,
      (e) => e.data.contract.id,
      // The place of the first one is kept: a contract that is replaced decides where it decided before.
      (row, e) => ({ ...e.data.contract, by: e.data.by, seq: row?.seq ?? e.seq }),
    ),
    contract(
      ContractRemoved,
      (e) => e.data.id,
      () => null,
    ),
  ],
});

export const QuotaCounts = closed({
  source: Type.String(),
  contract: Type.String(),
  windows: Type.Array(closed({ key: Type.String(), windowStartMs: EpochMs, count: Type.Integer() })),
});
export type QuotaCounts = Static<typeof QuotaCounts>;

export const quotaKey = (e: { readonly source: string; readonly contract: string }): string =>
  `${e.contract} ${e.source}`;

const counts = on<QuotaCounts>();
export const gateQuotas = view(QuotaCounts)({
  name: "gateQuotas",
  version: 1,
  about: "Calls counted under quotas, by contract and key.",
  order: "asc",
  rowsMax: contractsMax,
  overflow: "guarded",
  folds: [
    counts(
      QuotaCounted,
      (e) => quotaKey(e.data),
      (row, { data: { source, contract: id, key, windowStartMs, count, ended } }) => ({
        source,
        contract: id,
        windows: [
          ...(row?.windows ?? []).filter((each) => each.key !== key && !ended.includes(each.key)),
          { key, windowStartMs, count },
        ],
      }),
    ),
    counts(
      QuotaForgotten,
      (e) => quotaKey(e.data),
      () => null,
    ),
  ],
});
