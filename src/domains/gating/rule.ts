/** One contract as the gate keeps it, and the pure questions that are asked of it. */
import type { Caller } from "../../contract/caller.ts";
import type { Contract } from "./contract.ts";

/** A contract, and the line it was written on where there is one. */
export interface PlacedContract {
  readonly contract: Contract;
  readonly place?: string;
}

export interface RuleSource {
  /** `config:gate.deny`, `file:gating.toml`, `api`, `role:observer`. */
  readonly name: string;
  /** Sources decide in this order. */
  readonly rank: number;
  /** Comes from another hub or issuer: it may take only a part of the room. */
  readonly isForeign: boolean;
  /** A person can undo these rules only by a call, so they never close the calls that undo them to a person. */
  readonly leavesWayOut: boolean;
  /** What would lift a rule of this source. */
  readonly remedy: (rule: Pick<Rule, "contract" | "place">) => string;
}

export interface Rule {
  readonly contract: Contract;
  readonly source: RuleSource;
  readonly place: string | undefined;
  /** Rules decide in this order within their source. */
  readonly order: number;
  /** End of validity; moves on when the contract renews itself. */
  endMs: number;
}

/** Whom a rule is about: the hub as it is now, and the caller. */
export interface Subject {
  readonly role: string;
  readonly node: string;
  readonly tags: readonly string[];
  readonly caller: Pick<Caller, "kind" | "id" | "labels"> | null;
}

export const byOrder = (a: Rule, b: Rule): number => a.source.rank - b.source.rank || a.order - b.order;

/** Whether the rule is about this subject; its time is another question. */
export function concerns({ contract }: Pick<Rule, "contract">, { role, node, tags, caller }: Subject): boolean {
  const { subjectRole, subjectNode, subjectAgent, tagsAny } = contract;
  if (subjectRole !== undefined && subjectRole.toLowerCase() !== role) return false;
  if (subjectNode !== undefined && subjectNode !== node && !(caller?.kind === "node" && caller.id === subjectNode))
    return false;
  if (subjectAgent !== undefined && !(caller?.kind === "agent" && caller.id === subjectAgent)) return false;
  return tagsAny === undefined || tagsAny.some((tag) => tags.includes(tag) || isLabel(caller, tag));
}

const isLabel = (caller: Subject["caller"], tag: string): boolean =>
  caller?.labels !== undefined && (caller.labels as readonly string[]).includes(tag);

export const startMs = ({ contract }: Pick<Rule, "contract">): number =>
  contract.validFromMs ?? Number.NEGATIVE_INFINITY;

export const renewsItself = ({ contract }: Pick<Rule, "contract">): boolean => (contract.autoRenewSecs ?? 0) > 0;

export type RuleStatus = "waiting" | "active" | "ended";

/** A contract that renews itself is met again in the moment it is asked about, and so never ended. */
export function statusAt(rule: Pick<Rule, "contract" | "endMs">, nowMs: number): RuleStatus {
  if (nowMs < startMs(rule)) return "waiting";
  return nowMs <= rule.endMs || renewsItself(rule) ? "active" : "ended";
}

export const hasQuota = ({ contract }: Pick<Rule, "contract">): boolean => contract.quotaLimit !== undefined;

/** What contradicts itself in a contract that fits its schema; null when nothing does. */
export function contractFault(contract: Contract, roles: readonly string[]): string | null {
  const { subjectRole, validFromMs, validToMs, quotaLimit, quotaWindowSecs } = contract;
  if (subjectRole !== undefined && !roles.includes(subjectRole.toLowerCase()))
    return `subjectRole is ${JSON.stringify(subjectRole)}; roles are ${roles.join(", ")}`;
  if (validFromMs !== undefined && validToMs !== undefined && validToMs < validFromMs)
    return "validToMs lies before validFromMs, so the contract would never be active";
  if ((quotaLimit === undefined) !== (quotaWindowSecs === undefined))
    return "quotaLimit and quotaWindowSecs go together";
  return null;
}

/** A rule of the configuration, which has nothing but its pattern. */
export const denyContract = (pattern: string): Contract => ({
  id: pattern,
  patterns: [pattern],
  reason: `the rule ${pattern} denies it`,
});
