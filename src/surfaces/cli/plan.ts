/** Turns the table into commands: words, positionals and options, all from the operation's own row. */
import { strict as assert } from "node:assert";
import type { Operation } from "../../contract/operation.ts";
import type { Table } from "../../kernel/kernel.ts";
import type { Presentation } from "./port.ts";

export interface Field {
  readonly name: string;
  /** The field that it stands in, where that is not the input itself. */
  readonly within?: string;
  readonly description: string;
  readonly isRequired: boolean;
  readonly isList: boolean;
  readonly isFolder: boolean;
  /** How text becomes a value; `json` takes anything that JSON can say. */
  readonly kind: "text" | "integer" | "number" | "boolean" | "json";
  readonly choices: readonly string[] | undefined;
  readonly defaultValue: unknown;
}

export interface CommandPlan {
  readonly operation: Operation;
  readonly words: readonly string[];
  readonly positionals: readonly Positional[];
  readonly options: readonly { readonly field: Field; readonly flag: string }[];
  /** There is a job to follow once the hub has answered. */
  readonly isFollowed: boolean;
}

export interface Positional {
  readonly field: Field;
  readonly isOptional: boolean;
  /** Takes all words that are left, as one text: nobody has to quote what they say. */
  readonly isSpoken: boolean;
}

interface Shape {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly anyOf?: readonly Shape[];
}

export function planCommands(
  table: Pick<Table, "operations">,
  presentation: Pick<Presentation, "shortcuts" | "jobsLeft" | "flags" | "spoken">,
): readonly CommandPlan[] {
  const { jobsLeft = {}, flags = {}, spoken = [] } = presentation;
  const naming: Naming = { left: new Set(Object.keys(jobsLeft)), flags, spoken: new Set(spoken) };
  for (const id of spoken) assert(table.operations.has(id), `nothing is said to ${id}, which is no operation`);
  const own = [...table.operations.values()].flatMap(({ operation }) =>
    operation.cli === "" ? [] : [planCommand(operation, operation.cli ?? operation.id.replaceAll(".", " "), naming)],
  );
  const taken = new Set(own.map((plan) => plan.words.join(" ")));
  const shortcuts = presentation.shortcuts
    .filter(({ words }) => !taken.has(words))
    .map(({ words, operation: id }) => {
      const bound = table.operations.get(id);
      assert(bound, `shortcut ${words} names no operation`);
      return planCommand(bound.operation, words, naming);
    });
  return [...own, ...shortcuts];
}

interface Naming {
  /** Operations that leave a job behind. */
  readonly left: ReadonlySet<string>;
  readonly flags: NonNullable<Presentation["flags"]>;
  /** Operations whose last words are what a person says. */
  readonly spoken: ReadonlySet<string>;
}

function planCommand(operation: Operation, line: string, { left, flags, spoken }: Naming): CommandPlan {
  const parts = line.split(/\s+/u).filter((part) => part !== "");
  const words = parts.filter((part) => !/^[<[]/u.test(part));
  const named = parts
    .filter((part) => /^[<[]/u.test(part))
    .map((part) => ({ name: part.slice(1, -1), isOptional: part.startsWith("[") }));
  const fields = fieldsOf(operation);
  const positionals = named.map(({ name, isOptional }, place) => {
    const field = fields.find((candidate) => candidate.name === name);
    assert(field, `${operation.id} has no field ${name} for its command line`);
    return { field, isOptional, isSpoken: spoken.has(operation.id) && place === named.length - 1 };
  });
  const renamed = flags[operation.id] ?? {};
  const inner = innerOptions(operation, renamed);
  const isOption = ({ name }: Field): boolean =>
    !named.some((each) => each.name === name) && !inner.some(({ field }) => field.within === name);
  const options = [
    ...fields.filter(isOption).map((field) => ({ field, flag: renamed[field.name] ?? flagOf(field) })),
    ...inner,
  ];
  return { operation, words, positionals, options, isFollowed: operation.mode === "job" || left.has(operation.id) };
}

/** Fields inside a field, `within.name`, each with an option of its own. */
function innerOptions(operation: Operation, flags: Readonly<Record<string, string>>): CommandPlan["options"] {
  const properties = operation.input.properties as Readonly<Record<string, Shape>>;
  const paths = Object.entries(flags).filter(([path]) => path.includes("."));
  return paths.map(([path, flag]) => {
    const [within = "", name = ""] = path.split(".");
    const shape = properties[within]?.properties?.[name];
    assert(shape, `${operation.id} has no field ${path} for its option`);
    return { field: { ...fieldOf(name, shape, false), within }, flag };
  });
}

export function fieldsOf(operation: Pick<Operation, "input">): readonly Field[] {
  const required = new Set((operation.input as { readonly required?: readonly string[] }).required);
  const properties = operation.input.properties as Readonly<Record<string, Shape>>;
  return Object.entries(properties).map(([name, shape]) => fieldOf(name, shape, required.has(name)));
}

function fieldOf(name: string, shape: Shape, isRequired: boolean): Field {
  const isList = shape.type === "array" && isScalar(shape.items);
  const value = isList ? (shape.items ?? {}) : shape;
  return {
    name,
    description: shape.description ?? value.description ?? "",
    isRequired,
    isList,
    isFolder: name === "folder" || name === "file" || name.endsWith("Folder"),
    kind: kindOf(value),
    choices: value.enum?.map(String),
    defaultValue: shape.default,
  };
}

const isScalar = (shape: Shape | undefined): boolean => shape !== undefined && kindOf(shape) !== "json";

function kindOf(shape: Shape): Field["kind"] {
  if (shape.enum) return "text";
  if (typeof shape.const === "string") return "text";
  if (shape.anyOf) {
    const kinds = new Set(shape.anyOf.filter((part) => part.type !== "null").map(kindOf));
    const [only] = kinds;
    return kinds.size === 1 && only !== undefined ? only : "json";
  }
  switch (shape.type ?? "") {
    case "string":
      return "text";
    case "integer":
    case "number":
    case "boolean":
      return shape.type as "integer" | "number" | "boolean";
    default:
      return "json";
  }
}

/** Options that every command has; a field of the same name steps aside. */
const reserved = new Set([
  "json",
  "url",
  "port",
  "token",
  "state-dir",
  "portable",
  "config",
  "local",
  "help",
  "version",
  "detach",
  "yes",
]);

function flagOf(field: Field): string {
  const kebab = field.name.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);
  return reserved.has(kebab) ? `input-${kebab}` : kebab;
}

/** Reads one value; null when the text is not of the field's kind. */
export function readValue(field: Field, text: string): { readonly value: unknown } | null {
  switch (field.kind) {
    case "text":
      // A variable of a script that is not set would otherwise mean the folder that the script stands in.
      if (field.isFolder && text === "") return null;
      return field.choices === undefined || field.choices.includes(text) ? { value: text } : null;
    case "integer":
      return /^-?\d{1,16}$/u.test(text) ? { value: Number(text) } : null;
    case "number":
      return /^-?\d+(\.\d+)?$/u.test(text) ? { value: Number(text) } : null;
    case "boolean":
      return text === "true" || text === "false" ? { value: text === "true" } : null;
    case "json":
      return readJson(text);
    default:
      field.kind satisfies never;
      return null;
  }
}

function readJson(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

/** What the field takes, for a person. */
export function expected(field: Field): string {
  if (field.isFolder) return "a path";
  if (field.choices) return field.choices.join(", ");
  return { text: "text", integer: "a whole number", number: "a number", boolean: "true or false", json: "JSON" }[
    field.kind
  ];
}
