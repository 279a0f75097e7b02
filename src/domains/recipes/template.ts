/**
 * `{{steps.list.entries}}`: names in braces stand for values, and that is all. Whatever it is given, filling ends, calls
 * nothing, and makes no more than its meter allows; a name that leads nowhere is null.
 */
import { Problem } from "../../contract/problem.ts";
import { TooMuch } from "./contract.ts";
import type { RecipeStep, When } from "./recipe.ts";

/** Characters and items that one run may make out of its values. */
const madeMax = 8_000_000;
/** Tables and lists inside one another. */
export const depthMax = 8;
/** What one item costs beside its characters. */
const itemCost = 16;

const namePattern = /\{\{\s*([A-Za-z][\w-]*(?:\.(?:[\w-]+|\*)){0,15})\s*\}\}/gu;

export type Names = Readonly<Record<string, unknown>>;

/** How much has been made of values so far. */
export interface Meter {
  spend(amount: number): void;
}

export function createMeter(max = madeMax): Meter {
  let left = max;
  return {
    spend(amount) {
      left -= amount;
      if (left < 0) throw new Problem(TooMuch, `the recipe came to more than ${max} characters`);
    },
  };
}

export interface Filling {
  readonly names: Names;
  readonly meter: Meter;
}

/** The names in a text, as `steps.list.entries`. */
export const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(namePattern)].map(([, name = ""]) => name);

/** What is left of a text without its names has no braces, if they are all written well. */
export const isWellWritten = (text: string): boolean => !text.replaceAll(namePattern, "").includes("{{");

/** A text that is one name gives the value itself; names inside a text give words. */
export function fill(value: unknown, filling: Filling, depth = 0): unknown {
  if (typeof value === "string") return fillText(value, filling);
  if (value === null || typeof value !== "object") return value;
  if (depth >= depthMax) throw new Problem(TooMuch, `a value of the recipe is nested deeper than ${depthMax}`);
  filling.meter.spend(itemCost);
  if (Array.isArray(value)) return value.map((each) => fill(each, filling, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fill(each, filling, depth + 1)]));
}

function fillText(text: string, filling: Filling): unknown {
  const [only] = text.matchAll(namePattern);
  if (only !== undefined && only[0] === text.trim()) return valueOf(only[1] ?? "", filling);
  return words(text, filling);
}

export function words(text: string, filling: Filling): string {
  const filled = text.replaceAll(namePattern, (_all, name: string) => {
    const word = wordOf(valueOf(name, filling));
    filling.meter.spend(word.length);
    return word;
  });
  filling.meter.spend(filled.length);
  return filled;
}

function wordOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function valueOf(name: string, { names, meter }: Filling): unknown {
  let value: unknown = names;
  const parts = name.split(".");
  for (const [place, part] of parts.entries()) {
    if (part === "*") return spread(value, parts.slice(place + 1), meter);
    value = own(value, part);
  }
  return value;
}

/** `a.*.b`: the `b` of each item, lists among them laid one behind the other. */
function spread(value: unknown, rest: readonly string[], meter: Meter): unknown {
  const items = Array.isArray(value) ? value : [];
  meter.spend(items.length * itemCost);
  const found = items.flatMap((item: unknown) => {
    const inner = rest.length === 0 ? item : valueOf(rest.join("."), { names: item as Names, meter });
    if (Array.isArray(inner)) meter.spend(inner.length * itemCost);
    return inner;
  });
  return found.filter((each) => each !== null);
}

/** Nothing inherited: a value has what was written into it. */
function own(value: unknown, part: string): unknown {
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, part)) return null;
  return (value as Names)[part] ?? null;
}

export function isMet(when: When | undefined, filling: Filling): boolean {
  if (when === undefined) return true;
  if (typeof when === "string") return isSomething(fill(when, filling));
  const value = fill(when.of, filling);
  const asked = [
    ...(when.is === undefined ? [] : [value === fill(when.is, filling)]),
    ...(when.ends === undefined
      ? []
      : [when.ends.some((end) => wordOf(value).toLowerCase().endsWith(end.toLowerCase()))]),
    ...(when.has === undefined ? [] : [wordOf(value).toLowerCase().includes(words(when.has, filling).toLowerCase())]),
    ...(when.above === undefined ? [] : [Number(wordOf(value)) > Number(wordOf(fill(when.above, filling)))]),
  ];
  const isTrue = asked.length === 0 ? isSomething(value) : asked.every(Boolean);
  return when.not === true ? !isTrue : isTrue;
}

const isSomething = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== null && value !== false && value !== 0 && value !== "";

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What a step answers that calls no tool. */
export function made(step: Pick<RecipeStep, "text" | "list" | "compare">, filling: Filling): Names {
  if (step.text !== undefined) return { text: step.text.flatMap((part) => linesOf(part, filling)).join("\n") };
  if (step.list !== undefined) return listed(step.list, filling);
  return step.compare === undefined ? {} : compared(step.compare, filling);
}

type TextPart = NonNullable<RecipeStep["text"]>[number];

function linesOf(part: TextPart, filling: Filling): readonly string[] {
  if (typeof part === "string") return [words(part, filling)];
  const { each } = part;
  const lines = itemsOf(part, filling).flatMap((names) => {
    const own = { ...filling, names };
    if (each === undefined) return [words(part.line, own)];
    const inner = listIn(fill(each, own));
    filling.meter.spend(inner.length * itemCost);
    return inner.map((item) => words(part.line, { ...filling, names: { ...names, inner: item } }));
  });
  return lines.length > 0 || part.none === undefined ? lines : [words(part.none, filling)];
}

/** The names as each item of a list sees them, of the items that meet the condition. */
function itemsOf({ of, when }: { readonly of: string; readonly when?: When }, filling: Filling): readonly Names[] {
  const items = listIn(fill(of, filling));
  filling.meter.spend(items.length * itemCost);
  return items.map((item) => ({ ...filling.names, item })).filter((names) => isMet(when, { ...filling, names }));
}

function listed(list: NonNullable<RecipeStep["list"]>, filling: Filling): Names {
  const { item = "{{item}}", batch } = list;
  const items = itemsOf(list, filling).map((names) => fill(item, { ...filling, names }));
  return { items: batch === undefined ? items : batches(items, batch), count: items.length };
}

const batches = (items: readonly unknown[], size: number): readonly unknown[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));

function compared({ before, now, by, on }: NonNullable<RecipeStep["compare"]>, filling: Filling): Names {
  const former = new Map(listIn(fill(before, filling)).map((item) => [wordOf(own(item, by)), item]));
  const current = new Map(listIn(fill(now, filling)).map((item) => [wordOf(own(item, by)), item]));
  filling.meter.spend((former.size + current.size) * itemCost);
  const added = [...current].filter(([key]) => !former.has(key)).map(([, item]) => item);
  const removed = [...former].filter(([key]) => !current.has(key)).map(([, item]) => item);
  const changed = [...current]
    .filter(([key, item]) => former.has(key) && wordOf(own(former.get(key), on)) !== wordOf(own(item, on)))
    .map(([, item]) => item);
  return { added, removed, changed, count: added.length + removed.length + changed.length };
}
