/**
 * The hub's own solver. Splits on what the formula asks until it is true or false, and keeps what was assumed possible at each
 * step: choices are sets, numbers are intervals, and texts are intersections of regular languages. All of these are decided
 * exactly, so `none` is a proof and a point is a call that the formula speaks of.
 */
import { type Atom, type ChoiceName, type Formula, reduced } from "./formula.ts";
import { accepts, type Language, TooManyTexts, textIn } from "./language.ts";

/** One call, as values of everything that rules look at. */
export interface Point {
  readonly choices: Readonly<Record<ChoiceName, string>>;
  readonly flags: ReadonlyMap<string, boolean>;
  readonly texts: ReadonlyMap<string, string>;
  readonly numbers: ReadonlyMap<string, number>;
}

export interface Domains {
  readonly choices: Readonly<Record<ChoiceName, readonly string[]>>;
  /** Which value is taken where many would do, where it is not zero. */
  readonly liked?: ReadonlyMap<string, number>;
  /** Texts that people would write, tried before one is made up. */
  readonly usual?: ReadonlyMap<string, readonly string[]>;
}

export type Decided =
  | { readonly kind: "none" }
  | { readonly kind: "point"; readonly point: Point }
  /** Not decided within the steps that are allowed. */
  | { readonly kind: "tooMany" };

/** Some seconds at most; sets of a few hundred policies stay far below. */
export const splitsMax = 60_000;

interface Texts {
  readonly inside: readonly Language[];
  readonly outside: readonly Language[];
  /** A text in all of them. */
  readonly sample: string;
  /** Set where nothing but the sample is left. */
  readonly isOne: boolean;
}
interface Range {
  readonly least: number;
  readonly most: number;
}
interface State {
  readonly choices: Readonly<Record<ChoiceName, ReadonlySet<string>>>;
  readonly flags: ReadonlyMap<string, boolean>;
  readonly texts: ReadonlyMap<string, Texts>;
  readonly numbers: ReadonlyMap<string, Range>;
}

const anyText: Texts = { inside: [], outside: [], sample: "x", isOne: false };
const anyNumber: Range = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };

/** At once, however long it takes. */
export function decide(formula: Formula, domains: Domains, limit: number = splitsMax): Decided {
  for (const decided of steps(formula, domains, limit)) if (decided !== null) return decided;
  return { kind: "none" };
}

/** In many turns, so that the hub goes on with its work meanwhile. `rest` may throw to end it. */
export async function decideInTurns(formula: Formula, domains: Domains, rest: () => Promise<void>): Promise<Decided> {
  for (const decided of steps(formula, domains, splitsMax)) {
    if (decided !== null) return decided;
    await rest();
  }
  return { kind: "none" };
}

/** A few milliseconds of work. */
const splitsEach = 16;

/** Ends with the answer; null in between stands for a moment in which others may work. */
function* steps(formula: Formula, domains: Domains, limit: number): Generator<Decided | null, void> {
  const { kind, action, reached } = domains.choices;
  const choices = { kind: new Set(kind), action: new Set(action), reached: new Set(reached) };
  const begin: State = { choices, flags: new Map(), texts: new Map(), numbers: new Map() };
  const open: { readonly left: Formula; readonly state: State }[] = [{ left: formula, state: begin }];
  const usual = domains.usual ?? nothing;
  let splits = 0;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { state } = at;
    const now = reduced(at.left, (atom) => known(atom, state));
    if (now === false) continue;
    if (now === true) {
      yield { kind: "point", point: pointOf(state, domains) };
      return;
    }
    splits += 1;
    if (splits > limit) {
      yield { kind: "tooMany" };
      return;
    }
    if (splits % splitsEach === 0) yield null;
    const further = assumedEach(splitOf(now), { state, usual });
    if (further === null) {
      yield { kind: "tooMany" };
      return;
    }
    open.push(...further.map((each) => ({ left: now, state: each })));
  }
  yield { kind: "none" };
}

/** The states that are left of a split, the first to look at in the end; null where nobody can tell. */
function assumedEach({ atom, values }: Split, assuming: Assuming): readonly State[] | null {
  try {
    return values
      .toReversed()
      .map((value) => assumed(atom, value, assuming))
      .filter((each) => each !== null);
  } catch (error) {
    if (error instanceof TooManyTexts) return null;
    throw error;
  }
}

interface Split {
  readonly atom: Atom;
  readonly values: readonly boolean[];
}
const both = [true, false] as const;

/** What has to hold comes first, then the shortest choice among alternatives. */
function splitOf(formula: Exclude<Formula, boolean>): Split {
  if (formula.is !== "all") return { atom: firstAtom(formula), values: both };
  const forced = formula.of.find((each) => isAtom(each.is === "not" ? each.of : each));
  if (forced !== undefined) return { atom: firstAtom(forced), values: [forced.is !== "not"] };
  const shortest = formula.of.reduce((a, b) => (lengthOf(b) < lengthOf(a) ? b : a));
  return { atom: firstAtom(shortest), values: both };
}

const isAtom = ({ is }: Exclude<Formula, boolean>): boolean => is !== "not" && is !== "all" && is !== "any";
function lengthOf(formula: Exclude<Formula, boolean>): number {
  const at = formula.is === "not" ? formula.of : formula;
  return at.is === "all" || at.is === "any" ? at.of.length : 1;
}

function firstAtom(formula: Exclude<Formula, boolean>): Atom {
  let at = formula;
  while (at.is === "not" || at.is === "all" || at.is === "any") {
    const [first] = at.is === "not" ? [at.of] : at.of;
    at = first as Exclude<Formula, boolean>;
  }
  return at;
}

function known(atom: Atom, { choices, flags, texts, numbers }: State): boolean | undefined {
  switch (atom.is) {
    case "flag":
      return flags.get(atom.name);
    case "choice": {
      const left = choices[atom.name];
      let inside = 0;
      for (const each of left) if (atom.among.has(each)) inside += 1;
      return inside === 0 ? false : inside === left.size ? true : undefined;
    }
    case "text": {
      const left = texts.get(atom.name);
      if (left === undefined) return undefined;
      if (left.isOne) return accepts(atom.language, left.sample);
      if (left.inside.includes(atom.language)) return true;
      return left.outside.includes(atom.language) ? false : undefined;
    }
    case "atMost": {
      const { least, most } = numbers.get(atom.name) ?? anyNumber;
      return most <= atom.limit ? true : least > atom.limit ? false : undefined;
    }
    default:
      return atom satisfies never;
  }
}

interface Assuming {
  readonly state: State;
  readonly usual: NonNullable<Domains["usual"]>;
}
const nothing: Assuming["usual"] = new Map();

/** The state with the atom assumed; null where that cannot be. */
function assumed(atom: Atom, value: boolean, { state, usual }: Assuming): State | null {
  switch (atom.is) {
    case "flag":
      return { ...state, flags: new Map(state.flags).set(atom.name, value) };
    case "choice": {
      const left = [...state.choices[atom.name]].filter((each) => atom.among.has(each) === value);
      return left.length === 0 ? null : { ...state, choices: { ...state.choices, [atom.name]: new Set(left) } };
    }
    case "text": {
      const texts = narrowed(state.texts.get(atom.name) ?? anyText, atom.language, {
        value,
        usual: usual.get(atom.name) ?? [],
      });
      return texts === null ? null : { ...state, texts: new Map(state.texts).set(atom.name, texts) };
    }
    case "atMost": {
      const { least, most } = state.numbers.get(atom.name) ?? anyNumber;
      const range = value
        ? { least, most: Math.min(most, atom.limit) }
        : { least: Math.max(least, atom.limit + 1), most };
      return range.least > range.most ? null : { ...state, numbers: new Map(state.numbers).set(atom.name, range) };
    }
    default:
      return atom satisfies never;
  }
}

interface Narrowing {
  readonly value: boolean;
  readonly usual: readonly string[];
}

function narrowed({ inside, outside, sample }: Texts, language: Language, { value, usual }: Narrowing): Texts | null {
  const next = value ? { inside: [...inside, language], outside } : { inside, outside: [...outside, language] };
  const isOne = language.is === "word" && value;
  // Mostly the text that was found before does still.
  if (inside.length > 0 && accepts(language, sample) === value) return { ...next, sample, isOne };
  const fits = (text: string): boolean =>
    next.inside.every((each) => accepts(each, text)) && !next.outside.some((each) => accepts(each, text));
  const found = usual.find(fits) ?? textIn(next.inside, next.outside);
  return found === null ? null : { ...next, sample: found, isOne };
}

function pointOf({ choices, flags, texts, numbers }: State, { liked }: Domains): Point {
  const first = (name: ChoiceName): string => [...choices[name]][0] ?? "";
  return {
    choices: { kind: first("kind"), action: first("action"), reached: first("reached") },
    flags,
    texts: new Map([...texts].map(([name, { sample }]) => [name, sample])),
    numbers: new Map(
      [...numbers].map(([name, { least, most }]) => [name, Math.min(Math.max(liked?.get(name) ?? 0, least), most)]),
    ),
  };
}

/** Whether the formula holds of the point. What the point leaves out is false, empty or zero. */
export const holds = (formula: Formula, { choices, flags, texts, numbers }: Point): boolean =>
  reduced(formula, (atom) => {
    switch (atom.is) {
      case "flag":
        return flags.get(atom.name) ?? false;
      case "choice":
        return atom.among.has(choices[atom.name]);
      case "text":
        return accepts(atom.language, texts.get(atom.name) ?? "");
      case "atMost":
        return (numbers.get(atom.name) ?? 0) <= atom.limit;
      default:
        return atom satisfies never;
    }
  }) === true;
