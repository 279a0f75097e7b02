/** What what-if needs from outside: rules to try, the user's own file of adopted rules, recorded runs, and their replay. */
import type { Cost } from "../../contract/operation.ts";
import type { BudgetCall, PolicyCall, Ruling } from "../../kernel/ports.ts";

/** What an answer of the policies depends on beside the call itself. */
export interface World {
  /** The host of the call is open to its caller. */
  readonly isOpen: boolean;
  /** The host stays closed whatever anybody answers. */
  readonly isShut: boolean;
  /** Nothing on this machine would confine a program. */
  readonly isUnconfined: boolean;
  /** A live lease covers the call. */
  readonly isLeased: boolean;
}

export interface NamedRule {
  readonly id: string;
  readonly source: string;
  readonly text: string;
  readonly effect: "permit" | "ask" | "forbid";
}

/** A set of policies that decides nothing: it is only asked. Pure, and never rejects for what a policy says. */
export interface Trial extends Disposable {
  rule(call: PolicyCall, world: World): Ruling | Promise<Ruling>;
  readonly policies: readonly NamedRule[];
}

export interface Candidate {
  readonly text: string;
  /** The file of this name that is in force is left out. */
  readonly name?: string | undefined;
  /** Leaves out all files of the user. */
  readonly isAlone?: boolean | undefined;
}

/** Nothing of these changes what is in force. `over` and `recordedOver` throw `InvalidPolicies`. */
export interface Rules {
  inForce(): Trial;
  /** The policies in force with this text beside them, or in the place of some. */
  over(candidate: Candidate): Promise<Trial>;
  /** The policies that a record names; null where this hub cannot read them any more. */
  recorded(rules: RecordedRules): Promise<Trial | null>;
  /** The same with this text beside them, or in the place of some. */
  recordedOver(rules: RecordedRules, candidate: Candidate): Promise<Trial>;
}

export interface RecordedRules {
  readonly policies: readonly NamedRule[];
  /** Gate-key patterns of the configuration that were asked for. */
  readonly askPatterns: readonly string[];
}

/** Allowances that nobody granted, held against what a run did. Writes nothing. */
export interface TrialBudget {
  /** Takes the most that the call can use, at a moment of the record. Throws `BudgetExceeded` as the corridor would. */
  enter(call: BudgetCall, atMs: number): { settle(spent: Cost | null, durationMs: number): void };
}

export interface PlacedRule {
  /** `policies/adopted.cedar:12`. */
  readonly place: string;
  readonly text: string;
}

/** The file of adopted rules among the user's policies. What is not valid is never written: both throw `InvalidPolicies`. */
export interface AdoptedRules {
  /** Puts the rule, which has its id in an `@id`, behind the others. */
  put(rule: string): Promise<PlacedRule>;
  /** Takes the rule out; null when the file has none of this id. */
  take(id: string): Promise<PlacedRule | null>;
}
