/** What rules come to: and, or and not over what a call can be. Built simple, so that what is known disappears. */
import { type Language, word } from "./language.ts";

export type ChoiceName = "kind" | "action" | "reached";
export type Atom =
  | { readonly is: "flag"; readonly name: string; readonly key: string }
  | { readonly is: "choice"; readonly name: ChoiceName; readonly among: ReadonlySet<string>; readonly key: string }
  | { readonly is: "text"; readonly name: string; readonly language: Language; readonly key: string }
  | { readonly is: "atMost"; readonly name: string; readonly limit: number; readonly key: string };
export type Formula =
  | boolean
  | Atom
  | { readonly is: "not"; readonly of: Exclude<Formula, boolean> }
  | { readonly is: "all"; readonly of: readonly Exclude<Formula, boolean>[] }
  | { readonly is: "any"; readonly of: readonly Exclude<Formula, boolean>[] };

export const flag = (name: string): Atom => ({ is: "flag", name, key: `f ${name}` });
export const choice = (name: ChoiceName, among: Iterable<string>): Formula => {
  const words = new Set(among);
  return words.size === 0
    ? false
    : { is: "choice", name, among: words, key: `c ${name} ${JSON.stringify([...words])}` };
};
export const textIs = (name: string, text: string): Formula => textWithin(name, word(text));
export const textWithin = (name: string, language: Language): Formula => ({
  is: "text",
  name,
  language,
  key: `t ${name} ${JSON.stringify(language)}`,
});
export const atMost = (name: string, limit: number): Formula => ({
  is: "atMost",
  name,
  limit,
  key: `n ${name} ${limit}`,
});
export const numberIs = (name: string, value: number): Formula =>
  all([atMost(name, value), not(atMost(name, value - 1))]);

export function not(formula: Formula): Formula {
  if (typeof formula === "boolean") return !formula;
  return formula.is === "not" ? formula.of : { is: "not", of: formula };
}

export function all(formulas: Iterable<Formula>): Formula {
  return joined("all", formulas);
}
export function any(formulas: Iterable<Formula>): Formula {
  return joined("any", formulas);
}
export const implies = (first: Formula, second: Formula): Formula => any([not(first), second]);

function joined(is: "all" | "any", formulas: Iterable<Formula>): Formula {
  const neutral = is === "all";
  const of: Exclude<Formula, boolean>[] = [];
  for (const each of formulas) {
    if (each === neutral) continue;
    if (typeof each === "boolean") return each;
    if (each.is === is) of.push(...each.of);
    else of.push(each);
  }
  return of.length === 0 ? neutral : of.length === 1 ? (of[0] as Formula) : { is, of };
}

/** Puts something else in place of atoms; `undefined` leaves one as it is. Parts that are shared are looked at once. */
export function reduced(formula: Formula, known: (atom: Atom) => Formula | undefined): Formula {
  const done = new Map<object, Formula>();
  const visit = (each: Formula): Formula => {
    if (typeof each === "boolean") return each;
    const seen = done.get(each);
    if (seen !== undefined) return seen;
    const made = reduce(each);
    done.set(each, made);
    return made;
  };
  const reduce = (each: Exclude<Formula, boolean>): Formula => {
    if (each.is === "not") return not(visit(each.of));
    if (each.is === "all" || each.is === "any") return joined(each.is, lazily(each.of, visit));
    return known(each) ?? each;
  };
  return visit(formula);
}

/** One by one, so that the rest is not looked at once the whole is decided. */
function* lazily(formulas: readonly Formula[], visit: (formula: Formula) => Formula): Generator<Formula> {
  for (const each of formulas) yield visit(each);
}

/** Every atom once. */
export function atomsOf(formula: Formula): readonly Atom[] {
  const found = new Map<string, Atom>();
  const seen = new Set<object>();
  const visit = (each: Formula): void => {
    if (typeof each === "boolean" || seen.has(each)) return;
    seen.add(each);
    if (each.is === "not") visit(each.of);
    else if (each.is === "all" || each.is === "any") each.of.forEach(visit);
    else found.set(each.key, each);
  };
  visit(formula);
  return [...found.values()];
}
