/**
 * The gate: asked several times for every call, so that a key which no rule covers costs one map look-up, and any other a
 * comparison with the moment at which the answer may change. Deny wins; the first deciding rule is named.
 */
import type { Caller } from "../../contract/caller.ts";
import type { Clock, Denial, Gate } from "../../kernel/ports.ts";
import type { Quotas, QuotaUse } from "./quotas.ts";
import { concerns, hasQuota, renewsItself, type Rule, startMs, statusAt, type Subject } from "./rule.ts";
import type { RuleBook } from "./rule-book.ts";

export interface GateDeps {
  readonly book: RuleBook;
  readonly quotas: Quotas;
  readonly clock: Pick<Clock, "nowMs">;
  /** The hub as it is now; when it changes, the book is touched. */
  readonly self: () => Omit<Subject, "caller">;
  /** Calls that undo rules; a source that leaves the way out does not close them to a person. */
  readonly isWayOut: (key: string) => boolean;
}

export interface OwnedGate extends Gate {
  /** What `check` would answer at another time or with tags; counts and renews nothing. */
  foresee(key: string, asked: Asked): Denial | null;
}

export interface Asked {
  readonly caller: Subject["caller"];
  readonly tags: readonly string[];
  readonly atMs: number;
}

/** More keys than any table has, several times over for what guards both ends of them. */
const keysMax = 8192;
/** Callers remembered for one key; a flood of others is decided anew each time they start over. */
const subjectsMax = 1024;

/** What is known of a key and a subject, from `fromMs` up to `untilMs`. */
interface Plan {
  readonly rules: readonly Rule[];
  fromMs: number;
  untilMs: number;
  /** Active rules with a quota that decide before `denial` does. */
  quotas: readonly Rule[];
  denial: Denial | null;
}

interface KeyPlans {
  readonly rules: readonly Rule[];
  readonly bySubject: Map<string, Plan>;
}

const alwaysMs = Number.NEGATIVE_INFINITY;
const untouched: KeyPlans = { rules: [], bySubject: new Map() };

export function createGate(deps: GateDeps): OwnedGate {
  const { book, quotas, clock } = deps;
  const plans = new Map<string, KeyPlans>();
  book.onChange(() => plans.clear());

  const plansOf = (key: string): KeyPlans => {
    const rules = book.covering(key);
    const made: KeyPlans = rules.length === 0 ? untouched : { rules, bySubject: new Map() };
    if (plans.size >= keysMax) plans.clear();
    plans.set(key, made);
    return made;
  };
  /** The plan in force now, or null where no rule is about this. */
  const planFor = (key: string, caller: Caller | null): Plan | null => {
    const known = plans.get(key) ?? plansOf(key);
    if (known === untouched) return null;
    const name = subjectName(caller);
    let plan = known.bySubject.get(name);
    if (plan === undefined) {
      if (known.bySubject.size >= subjectsMax) known.bySubject.clear();
      const subject = { ...deps.self(), caller };
      plan = newPlan(known.rules.filter((rule) => binds(rule, { key, subject, isWayOut: deps.isWayOut })));
      known.bySubject.set(name, plan);
    }
    // Most rules know no time, and asking the clock would be most of the work.
    if (plan.fromMs === alwaysMs) return plan;
    const nowMs = clock.nowMs();
    if (nowMs < plan.fromMs || nowMs >= plan.untilMs) decide(plan, nowMs);
    return plan;
  };
  const spent = (rule: Rule, key: string): Denial | null => {
    const waitMs = quotas.waitMs(rule, key);
    return waitMs === 0 ? null : quotaDenial(rule, waitMs);
  };

  return {
    check(key, caller) {
      const plan = planFor(key, caller);
      if (plan === null) return null;
      for (const rule of plan.quotas) {
        const denial = spent(rule, key);
        if (denial !== null) return denial;
      }
      return plan.denial;
    },
    admit(keys, caller) {
      let uses: QuotaUse[] | null = null;
      for (const key of keys) {
        const plan = planFor(key, caller);
        if (plan === null) continue;
        for (const rule of plan.quotas) {
          const denial = spent(rule, key);
          if (denial !== null) return { ...denial, key };
          (uses ??= []).push({ rule, key });
        }
        if (plan.denial !== null) return { ...plan.denial, key };
      }
      return uses === null ? null : quotas.take(uses).then(() => null);
    },
    foresee: (key, asked) => foresee(key, asked, { ...deps, spent }),
  };
}

interface Foreseeing extends GateDeps {
  readonly spent: (rule: Rule, key: string) => Denial | null;
}

/** Walks the rules as a call at that moment would meet them; a quota that is free again by then stands in nobody's way. */
function foresee(key: string, { caller, tags, atMs }: Asked, deps: Foreseeing): Denial | null {
  const { book, clock, isWayOut, spent } = deps;
  const self = deps.self();
  const subject = { ...self, tags: [...self.tags, ...tags], caller };
  for (const rule of book.covering(key)) {
    if (!binds(rule, { key, subject, isWayOut }) || statusAt(rule, atMs) !== "active") continue;
    if (!hasQuota(rule)) return denialOf(rule);
    const denial = spent(rule, key);
    if (denial !== null && (denial.retryAfterMs ?? 0) > atMs - clock.nowMs()) return denial;
  }
  return null;
}

/** Rules tell agents and nodes apart, persons by the way out, and calls by what they were built from. */
function subjectName(caller: Caller | null): string {
  if (caller === null) return "";
  const { kind, id, labels } = caller;
  const name = kind === "agent" || kind === "node" ? `${kind}:${id}` : kind;
  return labels === undefined ? name : `${name} ${labels.join(" ")}`;
}

interface Binding {
  readonly key: string;
  readonly subject: Subject;
  readonly isWayOut: (key: string) => boolean;
}

const binds = (rule: Rule, { key, subject, isWayOut }: Binding): boolean =>
  concerns(rule, subject) && !(rule.source.leavesWayOut && subject.caller?.kind === "person" && isWayOut(key));

/** Decided on first use: no moment lies between these two. */
const newPlan = (rules: readonly Rule[]): Plan => ({
  rules,
  fromMs: Number.POSITIVE_INFINITY,
  untilMs: Number.NEGATIVE_INFINITY,
  quotas: [],
  denial: null,
});

/** Walks the rules once, and notes how long the answer holds. */
function decide(plan: Plan, nowMs: number): void {
  const quotas: Rule[] = [];
  let untilMs = Number.POSITIVE_INFINITY;
  let fromMs = alwaysMs;
  plan.denial = null;
  for (const rule of plan.rules) {
    // A clock that is set back may open or close other windows: what was decided later is then decided again.
    if (Number.isFinite(startMs(rule)) || Number.isFinite(rule.endMs)) fromMs = nowMs;
    if (nowMs < startMs(rule)) {
      untilMs = Math.min(untilMs, startMs(rule));
      continue;
    }
    if (nowMs > rule.endMs) {
      if (!renewsItself(rule)) continue;
      rule.endMs = nowMs + (rule.contract.autoRenewSecs ?? 0) * 1000;
    }
    untilMs = Math.min(untilMs, rule.endMs + 1);
    if (hasQuota(rule)) quotas.push(rule);
    else {
      plan.denial = denialOf(rule);
      break;
    }
  }
  plan.quotas = quotas;
  plan.fromMs = fromMs;
  plan.untilMs = untilMs;
}

function denialOf(rule: Rule): Denial {
  const { id, reason } = rule.contract;
  const lifts = rule.source.remedy(rule);
  const ends = !renewsItself(rule) && Number.isFinite(rule.endMs);
  return {
    rule: id,
    source: sourceOf(rule),
    reason: reason ?? `the contract ${id} denies it`,
    next: ends ? `${lifts}; or wait until ${isoTime(rule.endMs + 1)}` : lifts,
  };
}

function quotaDenial(rule: Rule, retryAfterMs: number): Denial {
  const { id, quotaLimit, quotaWindowSecs, reason } = rule.contract;
  const seconds = Math.ceil(retryAfterMs / 1000);
  const spent = `${quotaLimit} calls in ${quotaWindowSecs} s are used up`;
  return {
    rule: id,
    source: sourceOf(rule),
    reason: reason === undefined ? spent : `${reason} (${spent})`,
    next: `wait ${seconds} s; or ${rule.source.remedy(rule)}`,
    retryAfterMs,
  };
}

const sourceOf = ({ source, place }: Rule): string => place ?? source.name;

/** The last moments that a date can name are of no use to a reader. */
const isoTime = (timeMs: number): string => (timeMs < 8.64e15 ? new Date(timeMs).toISOString() : "the end of time");
