/** Values that a person handed over to be kept: taken out of whatever is written down, wherever they stand in it. */
import { createLiteralFinder, type LiteralFinder } from "./literal-finder.ts";

export interface KeptSecrets {
  /** Known from now on, until the process ends: what was a secret once stays out. Shorter values than the least are refused. */
  add(values: readonly string[]): void;
  text(text: string): string;
  /** The value with every string in plain objects and arrays cleaned, names too; the same reference when nothing is found. */
  clean<T>(value: T): T;
}

/** Shorter ones would riddle ordinary words, and can be guessed. */
export const secretLengthMin = 8;
const mark = "[redacted:secret]";

export function createKeptSecrets(): KeptSecrets {
  const known = new Set<string>();
  let finder: LiteralFinder | null = null;
  const text = (given: string): string => (finder === null ? given : finder.replace(given, () => mark));
  const clean = (value: unknown): unknown => {
    if (typeof value === "string") return text(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return cleanItems(value, clean);
    return isPlain(value) ? cleanMembers(value, { clean, text }) : value;
  };
  return {
    add(values) {
      for (const value of values) {
        if (value.length < secretLengthMin) throw new RangeError(`A secret has ${secretLengthMin} characters or more.`);
        known.add(value);
      }
      if (known.size > 0) finder = createLiteralFinder([...known], secretLengthMin);
    },
    text,
    // Strings become strings and containers keep their kind, so the shape is still that of T.
    clean: <T>(value: T): T => (finder === null ? value : (clean(value) as T)),
  };
}

function cleanItems(items: readonly unknown[], clean: (value: unknown) => unknown): readonly unknown[] {
  const next = items.map(clean);
  return next.every((item, index) => Object.is(item, items[index])) ? items : next;
}

interface Cleaning {
  readonly clean: (value: unknown) => unknown;
  readonly text: (text: string) => string;
}

function cleanMembers(record: object, { clean, text }: Cleaning): object {
  let isChanged = false;
  const entries = Object.entries(record).map(([name, old]) => {
    const entry = [text(name), clean(old)] as const;
    if (entry[0] !== name || !Object.is(entry[1], old)) isChanged = true;
    return entry;
  });
  return isChanged ? Object.fromEntries(entries) : record;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
