/** The form of a recipe: each place that is not as the schema has it, by its own name. */
import { checkerOf, noFormFits, type TObject } from "../../contract/schema.ts";
import type { RecipeText } from "./port.ts";
import { Compare, Condition, LeftOut, Lines, ListOf, Recipe, RecipeInput, RecipeStep } from "./recipe.ts";
import { depthMax } from "./template.ts";

export type Path = readonly string[];
/** Says that something is wrong at a place of the recipe. */
export type Say = (path: Path, message: string, hint?: string) => void;

export interface Forming {
  readonly say: Say;
  readonly text: Pick<RecipeText, "nearest">;
}

type Table = Readonly<Record<string, unknown>>;
const isTable = (value: unknown): value is Table =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/**
 * The recipe, or null when it has not the form of one. Where the schema takes one of several forms, it only says that none
 * fits. So those places are looked at first, by themselves: what is wrong there is told and taken out, and the rest is looked at,
 * too. Whoever said something has no recipe that holds, whatever is returned.
 */
export function formed(given: Table, { text, ...outer }: Forming): Recipe | null {
  let told = 0;
  const say: Say = (path, message, hint) => {
    told += 1;
    outer.say(path, message, hint);
  };
  const forming = { text, say };
  if (isDeeper(given, depthMax + 4)) {
    say([], `values are nested deeper than ${depthMax}`);
    return null;
  }
  tellUnknown(given, forming);
  const table = withoutFormless(given, forming);
  const checker = checkerOf(Recipe);
  if (checker.check(table)) return table as Recipe;
  tellFaults(table, { schema: Recipe, path: [], forming });
  // A fault in an unknown corner of the schema is still a fault.
  if (told === 0) say([], "the recipe does not have the form of one", "`examples/recipes` shows some");
  return null;
}

const isDeeper = (value: unknown, max: number): boolean =>
  value !== null &&
  typeof value === "object" &&
  (max === 0 || Object.values(value).some((each) => isDeeper(each, max - 1)));

const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function tellUnknown(table: Table, forming: Forming): void {
  const tell = (value: unknown, schema: TObject, path: Path): void => {
    if (isTable(value)) unknownFields(value, { schema, path, forming });
  };
  tell(table, Recipe, []);
  for (const [place, each] of itemsOf(table["input"]).entries()) tell(each, RecipeInput, ["input", String(place)]);
  for (const [place, each] of itemsOf(table["left-out"]).entries()) tell(each, LeftOut, ["left-out", String(place)]);
  for (const [place, step] of itemsOf(table["step"]).entries()) {
    const path = ["step", String(place)];
    tell(step, RecipeStep, path);
    if (!isTable(step)) continue;
    tell(step["list"], ListOf, [...path, "list"]);
    tell(step["compare"], Compare, [...path, "compare"]);
  }
}

export interface Fields {
  readonly schema: TObject;
  readonly path: Path;
  readonly forming: Forming;
}

export function unknownFields(value: object, { schema, path, forming: { say, text } }: Fields): void {
  const known = Object.keys(schema.properties);
  for (const name of Object.keys(value).filter((each) => !known.includes(each))) {
    const meant = text.nearest(name, known);
    say(
      [...path, name],
      `${name} is not known`,
      meant === undefined ? `known: ${known.join(", ")}` : `did you mean ${meant}?`,
    );
  }
}

/** Unknown fields are left out here: they are told with what may have been meant. */
function tellFaults(value: unknown, { schema, path, forming }: Fields): void {
  const messages = new Map<string, string[]>();
  for (const { at, message } of checkerOf(schema).faults(value))
    if (!message.startsWith("unknown field")) messages.set(at, [...(messages.get(at) ?? []), message]);
  for (const [at, all] of messages) {
    const whole = [...path, ...at.split("/").slice(1)];
    forming.say(whole, `${nameOf(whole)} ${joined(all)}`);
  }
}

/** The line tells which of the items it is. */
const nameOf = (path: Path): string => {
  const words = path.filter((part) => !/^\d+$/u.test(part));
  return (words[0] === "step" && words.length > 1 ? words.slice(1) : words).join(".") || "the recipe";
};

const must = "must be ";

/** One sentence of what every form of a value that may have several wants of it. */
function joined(messages: readonly string[]): string {
  const [first = "", ...rest] = new Set(messages.filter((each) => each !== noFormFits));
  if (first === "") return noFormFits;
  const others = rest.map((each) => (each.startsWith(must) ? each.slice(must.length) : each));
  return [first, ...others].join(" or ");
}

/** The recipe without the conditions and texts that have no form, each of which is told. */
function withoutFormless(table: Table, forming: Forming): Table {
  const mended: Record<string, unknown> = { ...table };
  if (Array.isArray(table["step"]))
    mended["step"] = itemsOf(table["step"]).map((step, place) => formedStep(step, ["step", String(place)], forming));
  if (Array.isArray(table["left-out"]))
    mended["left-out"] = itemsOf(table["left-out"]).map((each, place) =>
      formedWhen(each, ["left-out", String(place)], forming),
    );
  return mended;
}

function formedStep(given: unknown, path: Path, forming: Forming): unknown {
  const step = formedWhen(given, path, forming);
  if (!isTable(step)) return step;
  const { list, text } = step;
  return {
    ...step,
    ...(isTable(list) ? { list: formedWhen(list, [...path, "list"], forming) } : {}),
    ...(Array.isArray(text)
      ? { text: text.map((part: unknown, place) => formedPart(part, [...path, "text", String(place)], forming)) }
      : {}),
  };
}

const whenHint = 'when = "{{…}}" or when = { of = "{{…}}", is = "…" }';

function formedWhen(holder: unknown, path: Path, forming: Forming): unknown {
  if (!isTable(holder)) return holder;
  const { when, ...rest } = holder;
  // A text may still be too long, which the whole schema tells.
  if (when === undefined || typeof when === "string") return holder;
  const place = [...path, "when"];
  if (isTable(when)) {
    if (hasForm(when, { schema: Condition, path: place, forming })) return holder;
  } else forming.say(place, `${nameOf(place)} must be a text or a table`, whenHint);
  // Without its condition, what says why something was left out has no form of its own.
  return path[0] === "left-out" ? { ...rest, when: "" } : rest;
}

/** One line, or a table that makes a line of each item. */
function formedPart(given: unknown, path: Path, forming: Forming): unknown {
  if (typeof given === "string") return given;
  const part = formedWhen(given, path, forming);
  if (isTable(part)) return hasForm(part, { schema: Lines, path, forming }) ? part : "";
  forming.say(path, `${nameOf(path)} must be of texts and tables`, 'text = ["…", { of = "{{…}}", line = "{{item}}" }]');
  return "";
}

function hasForm(value: Table, fields: Fields): boolean {
  if (checkerOf(fields.schema).check(value)) return true;
  unknownFields(value, fields);
  tellFaults(value, fields);
  return false;
}
