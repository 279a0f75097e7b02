/**
 * The capsules in force, and their rules in the gate. Nothing here is durable: what is adopted ends with the hub, and the
 * journal only remembers that it was.
 */
import { isProblem } from "../../contract/problem.ts";
import { TooManyContracts } from "../gating/contract.ts";
import { covers, type CapsuleRule, rulesOf } from "./capsule.ts";
import { capsulesMax } from "./format.ts";
import { type Refused, refused } from "./envelope.ts";
import type { Judged } from "./judge.ts";
import type { CapsuleRules } from "./port.ts";
import { capsuleKey } from "./views.ts";

export interface Holding extends Judged {
  readonly key: string;
  /** Who presented it. */
  readonly by: string;
  readonly rules: readonly CapsuleRule[];
}

export interface Holdings {
  readonly size: number;
  get(key: string): Holding | undefined;
  all(): readonly Holding[];
  /** By the digest of the payload. */
  withDigest(digest: string): Holding | undefined;
  /** What the holding would take the place of; refused when that would take a denial away. */
  former(judged: Judged): Holding | null | Refused;
  /** Puts the rules into force, those of the former replaced. Refused when there is no room; nothing has changed then. */
  add(judged: Judged, by: string, former: Holding | null): Holding | Refused;
  /** As it was before the holding was added. */
  undo(holding: Holding, former: Holding | null): void;
  remove(holding: Holding): void;
}

export function createHoldings(rules: CapsuleRules): Holdings {
  const held = new Map<string, Holding>();
  const byDigest = new Map<string, Holding>();
  const keep = (holding: Holding): void => {
    held.set(holding.key, holding);
    byDigest.set(holding.digest, holding);
  };
  const drop = (holding: Holding): void => {
    held.delete(holding.key);
    byDigest.delete(holding.digest);
  };
  return {
    get size() {
      return held.size;
    },
    get: (key) => held.get(key),
    all: () => [...held.values()],
    withDigest: (digest) => byDigest.get(digest),
    former({ capsule }) {
      const former = [...held.values()].find(
        (each) => each.capsule.issuer === capsule.issuer && each.capsule.id === capsule.id,
      );
      if (former === undefined) return null;
      if (capsule.version > former.capsule.version && covers(capsule, former.capsule)) return former;
      return refused("widening", `${capsule.id} of version ${former.capsule.version} is in force and denies more`);
    },
    add(judged, by, former) {
      if (former === null && held.size >= capsulesMax) return refused("full", `${capsulesMax} capsules are in force`);
      const holding = { ...judged, by, key: capsuleKey(judged.capsule), rules: rulesOf(judged.capsule) };
      if (!replaceRules(rules, former?.rules ?? [], holding.rules))
        return refused("full", "the gate has no room for more rules from elsewhere");
      if (former !== null) drop(former);
      keep(holding);
      return holding;
    },
    undo(holding, former) {
      // The former had this room before, and gets it back.
      replaceRules(rules, holding.rules, former?.rules ?? []);
      drop(holding);
      if (former !== null) keep(former);
    },
    remove(holding) {
      for (const { contract } of holding.rules) rules.remove(contract.id);
      drop(holding);
    },
  };
}

/** All of them or none; false when there is no room. */
function replaceRules(rules: CapsuleRules, before: readonly CapsuleRule[], after: readonly CapsuleRule[]): boolean {
  const known = new Map(before.map((rule) => [rule.contract.id, rule]));
  const put: CapsuleRule[] = [];
  try {
    for (const rule of after) {
      rules.put(rule);
      put.push(rule);
    }
  } catch (error) {
    if (!isProblem(error, TooManyContracts)) throw error;
    for (const { contract } of put) {
      const former = known.get(contract.id);
      if (former === undefined) rules.remove(contract.id);
      else rules.put(former);
    }
    return false;
  }
  const kept = new Set(after.map(({ contract }) => contract.id));
  for (const { contract } of before) if (!kept.has(contract.id)) rules.remove(contract.id);
  return true;
}
