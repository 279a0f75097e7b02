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

/** The gate asks one trie, whose cost is the depth of the key and not the number of rules, and asks once per key. */
export function createGate(rules: readonly DenyRule[]): Gate {
  const trie = createKeyTrie<Denial>();
  for (const { pattern, source } of rules)
    trie.add(pattern, { rule: pattern, source, reason: `the rule ${pattern} denies it` });
  if (rules.length === 0) return { check: () => null };
  // Rules do not change while the hub runs, and a table asks for the same few hundred keys again and again.
  const known = new Map<string, Denial | null>();
  const find = (key: string): Denial | null => {
    const found = trie.find(key)[0] ?? null;
    if (known.size < knownKeysMax) known.set(key, found);
    return found;
  };
  return {
    check: (key) => {
      const answer = known.get(key);
      return answer === undefined ? find(key) : answer;
    },
  };
}

/** More keys than any table has, twice over for what leaves through them. */
const knownKeysMax = 4096;

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
