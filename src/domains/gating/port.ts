/** What gating needs from outside: the file of rules, and who this hub is. */
import type { PlacedContract } from "./rule.ts";

export type RulesRead =
  | { readonly kind: "rules"; readonly placed: readonly PlacedContract[] }
  /** Each fault names its line. */
  | { readonly kind: "faults"; readonly faults: readonly string[] };

/** The file of rules. One that is not there holds none, unless somebody named it. */
export interface RuleFile {
  /** As it is told to people. */
  readonly path: string;
  /** What was in it at the start, which a fault would have refused. */
  readonly first: readonly PlacedContract[];
  /** Never rejects: what cannot be read is a fault. */
  read(): Promise<RulesRead>;
  /** Calls after the file may have changed, until it is disposed; says whether it can. */
  watch(changed: () => void): Disposable & { readonly isWatching: boolean };
}
