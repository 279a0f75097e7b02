/** A formula as an SMT-LIB 2.6 script, for solvers that were written by others, and their answer as a point. */
import type { Domains, Point } from "./decide.ts";
import { type Atom, atomsOf, type ChoiceName, type Formula } from "./formula.ts";
import { languageText, readSmtText, smtText } from "./language.ts";

export interface Script {
  readonly script: string;
  /** Constants whose values make up the point. */
  readonly constants: readonly string[];
  pointOf(values: ReadonlyMap<string, string>): Point;
}

const choiceNames = ["kind", "action", "reached"] as const;

/** Everything a solver needs up to the question itself, which is `(check-sat)`. */
export function scriptOf(formula: Formula, domains: Domains): Script {
  const atoms = atomsOf(formula);
  const sorts = new Map<string, string>();
  const names = new Map<string, string>();
  const nameOf = (family: string, name: string, sort: string): string => {
    const key = `${family} ${name}`;
    const known = names.get(key);
    if (known !== undefined) return known;
    const made = `${family}${names.size}`;
    names.set(key, made);
    sorts.set(made, sort);
    return made;
  };
  for (const name of choiceNames) nameOf("c", name, "Int");
  const termOf = (atom: Atom): string => {
    switch (atom.is) {
      case "flag":
        return nameOf("f", atom.name, "Bool");
      case "choice":
        return among(nameOf("c", atom.name, "Int"), domains.choices[atom.name], atom.among);
      case "text":
        return atom.language.is === "word"
          ? `(= ${nameOf("t", atom.name, "String")} ${smtText(atom.language.text)})`
          : `(str.in_re ${nameOf("t", atom.name, "String")} ${languageText(atom.language)})`;
      case "atMost":
        return `(<= ${nameOf("n", atom.name, "Int")} ${integerText(atom.limit)})`;
      default:
        return atom satisfies never;
    }
  };
  const terms = new Map(atoms.map((atom) => [atom.key, termOf(atom)]));
  const lines = shared(formula, terms);
  const bounds = choiceNames.map((name) => {
    const constant = nameOf("c", name, "Int");
    return `(assert (and (<= 0 ${constant}) (< ${constant} ${domains.choices[name].length})))`;
  });
  const script = [
    "(set-logic ALL)",
    ...[...sorts].map(([name, sort]) => `(declare-const ${name} ${sort})`),
    ...bounds,
    ...lines,
  ].join("\n");
  return { script, constants: [...sorts.keys()], pointOf: (values) => pointFrom(values, names, domains) };
}

/** Each part that is used more than once gets a name of its own, so that the script stays as small as the formula. */
function shared(formula: Formula, terms: ReadonlyMap<string, string>): readonly string[] {
  const lines: string[] = [];
  const named = new Map<object, string>();
  const textOf = (each: Formula): string => {
    if (typeof each === "boolean") return String(each);
    if (each.is !== "not" && each.is !== "all" && each.is !== "any") return terms.get(each.key) ?? "false";
    const known = named.get(each);
    if (known !== undefined) return known;
    const text =
      each.is === "not"
        ? `(not ${textOf(each.of)})`
        : `(${each.is === "all" ? "and" : "or"} ${each.of.map(textOf).join(" ")})`;
    if (text.length < inlineCharsMax) return text;
    const name = `p${named.size}`;
    named.set(each, name);
    lines.push(`(define-fun ${name} () Bool ${text})`);
    return name;
  };
  const whole = textOf(formula);
  return [...lines, `(assert ${whole})`];
}

/** Shorter parts are written out where they stand. */
const inlineCharsMax = 120;

function among(constant: string, domain: readonly string[], words: ReadonlySet<string>): string {
  const places = domain.flatMap((each, place) => (words.has(each) ? [place] : []));
  const equal = places.map((place) => `(= ${constant} ${place})`);
  return equal.length === 0 ? "false" : equal.length === 1 ? (equal[0] as string) : `(or ${equal.join(" ")})`;
}

const integerText = (value: number): string => (value < 0 ? `(- ${-value})` : String(value));

function pointFrom(values: ReadonlyMap<string, string>, names: ReadonlyMap<string, string>, domains: Domains): Point {
  const of = (family: string) =>
    [...names].flatMap(([key, constant]): (readonly [string, string])[] => {
      const value = values.get(constant);
      return key.startsWith(`${family} `) && value !== undefined ? [[key.slice(2), value]] : [];
    });
  const choices = new Map(of("c"));
  const chosen = (name: ChoiceName): string =>
    domains.choices[name][readInteger(choices.get(name) ?? "0")] ?? domains.choices[name][0] ?? "";
  return {
    choices: { kind: chosen("kind"), action: chosen("action"), reached: chosen("reached") },
    flags: new Map(of("f").map(([name, value]) => [name, value === "true"])),
    texts: new Map(of("t").map(([name, value]) => [name, readSmtText(value)])),
    numbers: new Map(of("n").map(([name, value]) => [name, readInteger(value)])),
  };
}

/** `7`, or `(- 7)`. */
function readInteger(text: string): number {
  const digits = /\d+/.exec(text)?.[0] ?? "0";
  return text.includes("-") ? -Number(digits) : Number(digits);
}
