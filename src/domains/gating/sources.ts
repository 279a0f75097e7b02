/** Where rules come from, in the order in which they decide, and what would lift a rule of each. */
import { gateKey } from "../../contract/operation.ts";
import { emitKey, egressKey, ingressKey } from "../../contract/gate-keys.ts";
import type { Table } from "../../kernel/kernel.ts";
import type { RuleSource } from "./rule.ts";

/** A deny rule of the configuration with the place it was written in. */
export interface DenyRule {
  readonly pattern: string;
  /** `config:gate.deny`, `env:ARW_GATING_DENY`, `flag:--deny`. */
  readonly source: string;
}

/** Sources of the configuration come first, in the order in which they were written; there is no more than a handful. */
const ranks = { role: 1_000, file: 2_000, api: 3_000, foreign: 4_000 };
const own = { isForeign: false, leavesWayOut: false };

export const configSource = (name: string, index: number): RuleSource => ({
  ...own,
  name,
  rank: index,
  remedy: ({ contract }) => `take ${contract.id} out of ${name.slice(name.indexOf(":") + 1)} and start the hub again`,
});

export const roleSource: RuleSource = {
  name: "hierarchy",
  rank: ranks.role,
  isForeign: false,
  leavesWayOut: true,
  remedy: () => "give the hub another role: arw hierarchy role edge",
};

export const fileSource = (path: string): RuleSource => ({
  ...own,
  name: `file:${path}`,
  rank: ranks.file,
  remedy: ({ contract, place }) => `remove the contract ${contract.id} at ${place ?? path}, then: arw gate reload`,
});

export const apiSource: RuleSource = {
  name: "api",
  rank: ranks.api,
  isForeign: false,
  leavesWayOut: true,
  remedy: ({ contract }) => `arw gate contracts remove ${contract.id}`,
};

/** Contracts of another hub or issuer; `name` says whose, and `remedy` what a person here can do about one of them. */
export const foreignSource = (
  name: string,
  remedy: RuleSource["remedy"] = ({ contract }) => `ask ${name} to end the contract ${contract.id}`,
): RuleSource => ({
  name,
  rank: ranks.foreign,
  isForeign: true,
  leavesWayOut: true,
  remedy,
});

/** The calls that such sources leave to persons, with both of their ends and the events that they write. */
export function wayOutOf({ operations }: Pick<Table, "operations">): ReadonlySet<string> {
  const marked = [...operations.values()].map(({ operation }) => operation).filter(({ isWayOut }) => isWayOut === true);
  return new Set(
    marked.flatMap((operation) => {
      const key = gateKey(operation);
      return [key, ingressKey(key), egressKey(key), ...operation.emits.map(({ kind }) => emitKey(kind))];
    }),
  );
}
