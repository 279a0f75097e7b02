/** Deny contracts as a person writes them down: strict, with every fault at once, each with its line. */
import { Contract } from "../../domains/gating/contract.ts";
import type { RulesRead } from "../../domains/gating/port.ts";
import { contractFault } from "../../domains/gating/rule.ts";
import { roles } from "../../domains/hierarchy/contract.ts";
import { readTables } from "../config/strict-tables.ts";

/** `path` is how the file is named in faults and rules. */
export function parseRules(text: string, path: string): RulesRead {
  const read = readTables(text, {
    path,
    table: "contract",
    word: "contract",
    schema: Contract,
    faultOf: (contract) => contractFault(contract, roles),
    identityOf: ({ id }) => id,
  });
  return read.kind === "faults"
    ? read
    : { kind: "rules", placed: read.tables.map(({ value, place }) => ({ contract: value, place })) };
}
