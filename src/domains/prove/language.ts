/**
 * Sets of texts, as rules speak of them: one word, a pattern with stars, what lies below a folder. Each is a regular language,
 * so that the question whether some text lies in these and not in those has an exact answer, and a text to show.
 */
export type Language =
  | { readonly is: "word"; readonly text: string }
  | { readonly is: "anything" }
  | { readonly is: "letter"; readonly among: string; readonly isOut: boolean }
  | { readonly is: "then"; readonly parts: readonly Language[] }
  | { readonly is: "either"; readonly parts: readonly Language[] }
  | { readonly is: "many"; readonly part: Language }
  | { readonly is: "maybe"; readonly part: Language };

export const word = (text: string): Language => ({ is: "word", text });
export const anything: Language = { is: "anything" };
export const letterOf = (among: string): Language => ({ is: "letter", among, isOut: false });
export const letterBut = (among: string): Language => ({ is: "letter", among, isOut: true });
export const sequence = (...parts: readonly Language[]): Language => ({ is: "then", parts });
export const either = (...parts: readonly Language[]): Language => ({ is: "either", parts });
/** Once or more. */
export const many = (part: Language): Language => ({ is: "many", part });
export const maybe = (part: Language): Language => ({ is: "maybe", part });

/** More states than this no rule that a person wrote needs. */
const statesMax = 20_000;

/** Letters tried, over all languages together: some tenths of a second, in which the hub does nothing else. */
const lettersMax = 200_000;

/** The texts were too many to look through. */
export class TooManyTexts extends Error {
  constructor() {
    super(`more than ${statesMax} states, or ${lettersMax} letters`);
    this.name = "TooManyTexts";
  }
}

interface Step {
  /** Null moves on without a letter. */
  readonly takes: ((letter: string) => boolean) | null;
  readonly to: number;
}

/** States by number; 0 begins, and `end` accepts. */
interface Machine {
  readonly steps: readonly (readonly Step[])[];
  readonly end: number;
}

const machines = new WeakMap<Language, Machine>();

function machineOf(language: Language): Machine {
  const known = machines.get(language);
  if (known !== undefined) return known;
  const steps: Step[][] = [[]];
  const fresh = (): number => steps.push([]) - 1;
  const link = (from: number, to: number, takes: Step["takes"] = null): void => {
    steps[from]?.push({ takes, to });
  };
  const end = build(language, 0, { fresh, link });
  const made: Machine = { steps, end };
  machines.set(language, made);
  return made;
}

interface Builder {
  readonly fresh: () => number;
  readonly link: (from: number, to: number, takes?: Step["takes"]) => void;
}

/** Adds the language behind `from`, and answers the state in which it ends. */
function build(language: Language, from: number, { fresh, link }: Builder): number {
  const go = (part: Language, at: number): number => build(part, at, { fresh, link });
  switch (language.is) {
    case "word":
      return Array.from(language.text).reduce((at, letter) => {
        const to = fresh();
        link(at, to, (each) => each === letter);
        return to;
      }, from);
    case "anything": {
      const loop = fresh();
      link(from, loop);
      link(loop, loop, () => true);
      return loop;
    }
    case "letter": {
      const to = fresh();
      link(from, to, (each) => language.among.includes(each) !== language.isOut);
      return to;
    }
    case "then":
      return language.parts.reduce((at, part) => go(part, at), from);
    case "either": {
      const to = fresh();
      for (const part of language.parts) {
        const first = fresh();
        link(from, first);
        link(go(part, first), to);
      }
      return to;
    }
    case "many": {
      const first = fresh();
      link(from, first);
      const last = go(language.part, first);
      link(last, first);
      return last;
    }
    case "maybe": {
      const last = go(language.part, from);
      const to = fresh();
      link(last, to);
      link(from, to);
      return to;
    }
    default:
      return language satisfies never;
  }
}

/** All states that are reached without a letter, in order. */
function closure({ steps }: Machine, states: Iterable<number>): readonly number[] {
  const seen = new Set(states);
  // A set that grows while it is walked is walked to its end.
  for (const state of seen) for (const { takes, to } of steps[state] ?? []) if (takes === null) seen.add(to);
  return [...seen].toSorted((a, b) => a - b);
}

function after(machine: Machine, states: readonly number[], letter: string): readonly number[] {
  const next = states.flatMap((state) =>
    (machine.steps[state] ?? []).filter(({ takes }) => takes?.(letter) === true).map(({ to }) => to),
  );
  return closure(machine, next);
}

export function accepts(language: Language, text: string): boolean {
  const machine = machineOf(language);
  let states = closure(machine, [0]);
  for (const letter of text) states = after(machine, states, letter);
  return states.includes(machine.end);
}

/** A shortest text that lies in all of `inside` and in none of `outside`; null where there is none. Throws `TooManyTexts`. */
export function textIn(inside: readonly Language[], outside: readonly Language[]): string | null {
  const all = [...inside, ...outside].map(machineOf);
  const letters = alphabetOf([...inside, ...outside]);
  const isWanted = (places: Places): boolean =>
    places.every((states, index) => states.includes(all[index]?.end ?? -1) === index < inside.length);
  const begin: Places = all.map((machine) => closure(machine, [0]));
  if (isWanted(begin)) return "";
  const seen = new Set([nameOf(begin)]);
  /** One letter further, where that can still lead into all of `inside`. */
  let tried = 0;
  const moved = ({ places, text }: Reached, letter: string): Reached | null => {
    tried += places.length;
    if (tried > lettersMax) throw new TooManyTexts();
    const next = places.map((states, index) => after(all[index] as Machine, states, letter));
    const isLost = next.some((states, index) => index < inside.length && states.length === 0);
    return isLost ? null : { places: next, text: text + letter };
  };
  let edge: readonly Reached[] = [{ places: begin, text: "" }];
  while (edge.length > 0) {
    const further = edge.flatMap((at) => letters.map((letter) => moved(at, letter))).filter((each) => each !== null);
    const found = further.find(({ places }) => isWanted(places));
    if (found !== undefined) return found.text;
    edge = further.filter(({ places }) => isNew(seen, nameOf(places)));
    if (seen.size > statesMax) throw new TooManyTexts();
  }
  return null;
}

interface Reached {
  readonly places: Places;
  readonly text: string;
}

function isNew(seen: Set<string>, name: string): boolean {
  const { size } = seen;
  return seen.add(name).size > size;
}

type Places = readonly (readonly number[])[];
const nameOf = (places: Places): string => places.map((states) => states.join(",")).join(";");

/** Letters that some language tells apart, and one that none of them names. */
function alphabetOf(languages: readonly Language[]): readonly string[] {
  const named = new Set<string>();
  const visit = (language: Language): void => {
    if (language.is === "word") for (const letter of language.text) named.add(letter);
    else if (language.is === "letter") for (const letter of language.among) named.add(letter);
    else if ("parts" in language) language.parts.forEach(visit);
    else if ("part" in language) visit(language.part);
  };
  languages.forEach(visit);
  const other =
    Array.from("xyzuvwabcdefghijklmnopqrst0123456789_").find((letter) => !named.has(letter)) ?? otherThan(named);
  // Letters that people read come first: among shortest texts the first is taken.
  return [other, ...named].toSorted(byLooks);
}

function otherThan(named: ReadonlySet<string>): string {
  let code = 0x100;
  while (named.has(String.fromCodePoint(code))) code += 1;
  return String.fromCodePoint(code);
}

const byLooks = (a: string, b: string): number => looks(a) - looks(b) || (a < b ? -1 : 1);
const looks = (letter: string): number => (/[a-z]/.test(letter) ? 0 : /[0-9]/.test(letter) ? 1 : 2);

/** The language in SMT-LIB, as a regular expression. */
export function languageText(language: Language): string {
  switch (language.is) {
    case "word":
      return `(str.to_re ${smtText(language.text)})`;
    case "anything":
      return "re.all";
    case "letter": {
      const named = joined("re.union", spansOf(language.among).map(spanText), "re.none");
      return language.isOut ? (named === "re.none" ? "re.allchar" : `(re.diff re.allchar ${named})`) : named;
    }
    case "then":
      return joined("re.++", language.parts.map(languageText), '(str.to_re "")');
    case "either":
      return joined("re.union", language.parts.map(languageText), "re.none");
    case "many":
      return `(re.+ ${languageText(language.part)})`;
    case "maybe":
      return `(re.opt ${languageText(language.part)})`;
    default:
      return language satisfies never;
  }
}

type Span = readonly [first: number, last: number];

/** Neighbours are told as one range: solvers take much longer over twenty-six letters. */
function spansOf(letters: string): readonly Span[] {
  const codes = Array.from(letters, (each) => each.codePointAt(0) ?? 0).toSorted((a, b) => a - b);
  const spans: Span[] = [];
  for (const code of codes) {
    const [first, last] = spans.at(-1) ?? [code, -2];
    if (code <= last + 1) spans[spans.length - 1] = [first, code];
    else spans.push([code, code]);
  }
  return spans;
}

const spanText = ([first, last]: Span): string => {
  const [one, other] = [smtText(String.fromCodePoint(first)), smtText(String.fromCodePoint(last))];
  return first === last ? `(str.to_re ${one})` : `(re.range ${one} ${other})`;
};

const joined = (name: string, parts: readonly string[], none: string): string =>
  parts.length < 2 ? (parts[0] ?? none) : `(${name} ${parts.join(" ")})`;

/** A text as SMT-LIB 2.6 writes it. */
export const smtText = (text: string): string =>
  `"${Array.from(text, (letter) => (/[ !#-[\]-~]/.test(letter) ? letter : letter === '"' ? '""' : escaped(letter))).join("")}"`;

const escaped = (letter: string): string => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`;

/** The text behind SMT-LIB's own writing of it. */
export const readSmtText = (written: string): string =>
  written
    .slice(1, -1)
    .replaceAll('""', '"')
    .replaceAll(/\\u\{([0-9a-fA-F]{1,5})\}|\\u([0-9a-fA-F]{4})/g, (_whole, long?: string, short?: string) =>
      String.fromCodePoint(Number.parseInt(long ?? short ?? "0", 16)),
    );
