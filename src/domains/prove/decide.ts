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

export function decide(formula: Formula, domains: Domains, limit: number = splitsMax): Decided {
  const { kind, action, reached } = domains.choices;
  const begin: State = {
    choices: { kind: new Set(kind), action: new Set(action), reached: new Set(reached) },
    flags: new Map(),
    texts: new Map(),
    numbers: new Map(),
  };
  let splits = 0;
  const search = (left: Formula, state: State): State | null => {
    const now = reduced(left, (atom) => known(atom, state));
    if (now === false) return null;
    if (now === true) return state;
    splits += 1;
    if (splits > limit) throw new TooManyTexts();
    const atom = firstAtom(now);
    for (const value of [true, false]) {
      const next = assumed(atom, value, { state, usual: domains.usual ?? nothing });
      const found = next === null ? null : search(now, next);
      if (found !== null) return found;
    }
    return null;
  };
  try {
    const found = search(formula, begin);
    return found === null ? { kind: "none" } : { kind: "point", point: pointOf(found, domains) };
  } catch (error) {
    if (error instanceof TooManyTexts) return { kind: "tooMany" };
    throw error;
  }
}

/** What the formula asks first; writers put what narrows most in front. */
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
