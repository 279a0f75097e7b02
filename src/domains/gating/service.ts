/** Deny rules over gate keys. They are written outside every prompt, and a match decides: nothing opens what they close. */
import { createKeyTrie } from "../../base/prefix-trie.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, gateKey } from "../../contract/operation.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Denial, Gate } from "../../kernel/ports.ts";
import { ListKeys } from "./contract.ts";

export interface DenyRule {
  readonly pattern: string;
  /** Where it was written: `config:gate.deny`, `environment:ARW_GATING_DENY`. */
  readonly source: string;
}

/** The gate asks one trie, whose cost is the depth of the key and not the number of rules. */
export function createGate(rules: readonly DenyRule[]): Gate {
  const trie = createKeyTrie<Denial>();
  for (const { pattern, source } of rules)
    trie.add(pattern, { rule: pattern, source, reason: `the rule ${pattern} denies it` });
  if (rules.length === 0) return { check: () => null };
  return { check: (key) => trie.find(key)[0] ?? null };
}

export const createGating = ({ parts, gate }: { readonly parts: KernelParts; readonly gate: Gate }): Domain => ({
  name: "gating",
  operations: [
    bind(ListKeys, (_input, ctx) => ({
      keys: [...parts.kernel.table.operations.values()].map(({ operation }) => {
        const key = gateKey(operation);
        return {
          key,
          effect: operation.effect,
          about: operation.about,
          deniedBy: gate.check(key, ctx.caller)?.rule ?? null,
        };
      }),
    })),
  ],
  events: [],
  views: [],
});
