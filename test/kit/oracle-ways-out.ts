/** By these a person stops, narrows, takes back and lifts rules, and sees what there is: rules of others leave them to persons. */
import type { Operation } from "../../src/contract/operation.ts";

const wayOutById: Readonly<Record<string, RegExp>> = {
  access: /^(signout|whoami|tokens\.(list|rotate|revoke))$/,
  agents: /^(stop|list)$/,
  approvals: /^decide$/,
  budgets: /^(allow|list)$/,
  capsules: /^unpin$/,
  egress: /^(posture|posture\.set|revoke)$/,
  gating: /^(keys|reload|contracts\.(list|put|remove))$/,
  halt: /^(engage|release|status)$/,
  hierarchy: /^(role|state|tags)$/,
  leases: /^(list|revoke)$/,
  mcp: /^(tools|disallow|servers\.(list|remove))$/,
  policy: /^(explain|list|reload)$/,
  provenance: /^(adopt|status|teardown|ledger|issuers\.(list|reload|revoke))$/,
  secrets: /^(list|remove)$/,
  state:
    /^(approvals|runs|leases|egressLeases|egressPosture|halt|gateContracts|provenanceCapsules|provenanceLedger|hierarchy|capsules|capsuleSigners)(\.(get|watch))?$/,
  system: /^(health|shutdown)$/,
  tasks: /^(list|get|cancel)$/,
  whatif: /^withdraw$/,
};
export const isWayOut = ({ id }: Operation): boolean => {
  const [domain = "", ...rest] = id.split(".");
  return wayOutById[domain]?.test(rest.join(".")) === true;
};
