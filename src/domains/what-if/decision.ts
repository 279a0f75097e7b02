/** One recorded decision, and what other rules would have said of it. */
import type { Ruling } from "../../kernel/ports.ts";
import type { Said } from "./contract.ts";
import { type Facts, namedIn, type NamedIds, unknownWords, type Way, waysOf } from "./facts.ts";
import type { Trial } from "./port.ts";

export type Then = "allow" | "ask" | "deny";

export interface Decision {
  readonly seq: number;
  readonly atMs: number;
  readonly episode: string;
  readonly facts: Facts;
  readonly was: Then;
  /** Which stage decided: what another stage asked or refused, policies only make stricter. */
  readonly by: "policy" | "other";
  readonly rule?: string | undefined;
  readonly source?: string | undefined;
  /** What a person said to a question. */
  readonly answer?: "yes" | "no" | "edited" | "none" | undefined;
}

export type HistoryItem =
  | { readonly kind: "decision"; readonly decision: Decision }
  /** A decision was made, and what it rested on is not there. */
  | { readonly kind: "lost"; readonly why: string; readonly wasAsked: boolean };

export const lost = (why: string, wasAsked = false): HistoryItem => ({ kind: "lost", why, wasAsked });

export interface Compared {
  readonly now: Said;
  /** The rules of today say something else than was done, whatever the candidate says. */
  readonly isDifferentToday: boolean;
  /** Why nobody can know; null when the answer is known. */
  readonly unknown: string | null;
}

export interface Bench {
  /** The rules that stand for those of then. */
  readonly before: Trial;
  readonly candidate: Trial;
  readonly names: NamedIds;
  /** Ids of the policies of both. */
  readonly ids: ReadonlySet<string>;
}

/** Said where no policy speaks of a call. */
const noPermit = "policy.no-permit";

export const benchOf = (before: Trial, candidate: Trial): Bench => ({
  before,
  candidate,
  names: namedIn([before, candidate]),
  ids: new Set([noPermit, ...[before, candidate].flatMap(({ policies }) => policies.map(({ id }) => id))]),
});

/**
 * Of all ways in which it may have been, those count in which the rules of then answer as the record says. When the candidate
 * answers alike in all of these, that is its answer; else nobody knows. So rules that are as they were change nothing.
 */
export async function compared(recorded: Decision, { before, candidate, names, ids }: Bench): Promise<Compared> {
  const decision = isOfGate(recorded, ids) ? { ...recorded, by: "other" as const } : recorded;
  const ways = waysOf(decision.facts, names);
  if (ways === null) return unknownFor("more possibilities than are tried", false);
  const was = await ruled(before, ways);
  const matching = was.filter(({ ruling }) => effectOf(decision, ruling) === decision.was);
  // What nothing else explains a lease does, even where none is known of.
  if (matching.length === 0 && decision.was === "allow" && !decision.facts.mayBeLeased) {
    const leased = { ...decision, facts: { ...decision.facts, mayBeLeased: true } };
    return await compared(leased, { before, candidate, names, ids });
  }
  const isDifferentToday = matching.length === 0;
  const counted = isDifferentToday ? was : matching;
  const then = await ruled(
    candidate,
    counted.map(({ way }) => way),
  );
  const told = then.map(({ way, ruling }, place) => {
    // What today's rules say already is no doing of the candidate.
    const isSame = isDifferentToday && ruling.effect === counted[place]?.ruling.effect;
    return { way, ruling, effect: isSame ? decision.was : effectOf(decision, ruling) };
  });
  const [first] = told as [(typeof told)[number], ...typeof told];
  if (told.every(({ effect }) => effect === first.effect))
    return { now: saidOf(decision, first), isDifferentToday, unknown: null };
  return unknownFor(whyUnknown(told), isDifferentToday);
}

/** What the candidate says of a call that nobody made then; null where that hangs on what nobody knows. */
export async function ruledAnew({ facts }: Pick<Decision, "facts">, { candidate, names }: Bench): Promise<Said | null> {
  const ways = waysOf(facts, names);
  const told = ways === null ? [] : await ruled(candidate, ways);
  const [first] = told;
  if (first === undefined || told.some(({ ruling }) => ruling.effect !== first.ruling.effect)) return null;
  const { effect, rule, source, reason } = first.ruling;
  return { effect, rule, source, reason };
}

/** A refusal by a rule that is no policy: a deny contract, or a policy that is gone. It stands. */
const isOfGate = ({ was, rule }: Decision, ids: ReadonlySet<string>): boolean =>
  was === "deny" && (rule === undefined || !ids.has(rule));

interface Ruled {
  readonly way: Way;
  readonly ruling: Ruling;
}

async function ruled(trial: Trial, ways: readonly Way[]): Promise<readonly Ruled[]> {
  const rulings = ways.map((way) => trial.rule(way.call, way.world));
  const isPending = rulings.some((each) => each instanceof Promise);
  const known = isPending ? await Promise.all(rulings.map(async (each) => await each)) : (rulings as readonly Ruling[]);
  return ways.map((way, place) => ({ way, ruling: known[place] as Ruling }));
}

/** Another stage that asked or refused does so still, unless the policies refuse before it. */
function effectOf({ by, was }: Pick<Decision, "by" | "was">, { effect }: Ruling): Then {
  if (by === "policy" || effect === "deny") return effect;
  return was;
}

function saidOf(
  { by, was, rule, source }: Decision,
  { ruling, effect }: { readonly ruling: Ruling; readonly effect: Then },
): Said {
  if (by === "other" && effect === was && ruling.effect !== effect)
    return { effect, ...(rule === undefined ? {} : { rule }), ...(source === undefined ? {} : { source }) };
  return { effect, rule: ruling.rule, source: ruling.source, reason: ruling.reason };
}

const unknownFor = (unknown: string, isDifferentToday: boolean): Compared => ({
  now: { effect: "unknown", reason: unknown },
  isDifferentToday,
  unknown,
});

/** The things that the answer depends on: two ways that differ in nothing else come to something else. */
function whyUnknown(told: readonly { readonly way: Way; readonly effect: Then }[]): string {
  const names = [...new Set(told.flatMap(({ way }) => Object.keys(way.guessed)))];
  const deciding = names.filter((name) => {
    const seen = new Map<string, Then>();
    return told.some(({ way, effect }) => {
      const rest = JSON.stringify({ ...way.guessed, [name]: "" });
      const other = seen.get(rest);
      seen.set(rest, effect);
      return other !== undefined && other !== effect;
    });
  });
  const words = (deciding.length > 0 ? deciding : names).map((name) => unknownWords[name] ?? name);
  return words.join(", ");
}
