/** The form of an operation's input: fields where its schema has plain ones, JSON for everything else. */
import type { FieldSchema, InputSchema } from "./policy-api.ts";

export interface FormField {
  readonly name: string;
  readonly help: string;
  readonly isRequired: boolean;
  readonly sort: "text" | "number" | "switch" | "choice" | "json";
  readonly choices: readonly string[];
}

export function formFields({ properties = {}, required = [] }: InputSchema): readonly FormField[] {
  return Object.entries(properties)
    .map(([name, schema]) => ({
      name,
      help: schema.description ?? "",
      isRequired: required.includes(name),
      ...sortOf(schema),
    }))
    .toSorted((a, b) => Number(b.isRequired) - Number(a.isRequired));
}

function sortOf({ type, enum: choices }: FieldSchema): Pick<FormField, "sort" | "choices"> {
  if (choices?.every((choice) => typeof choice === "string")) return { sort: "choice", choices };
  const sorts = { string: "text", integer: "number", number: "number", boolean: "switch" } as const;
  return { sort: sorts[type as keyof typeof sorts] ?? "json", choices: [] };
}

export type Draft = Readonly<Record<string, string>>;

export type InputRead =
  | { readonly input: unknown }
  | { readonly faultAt: string; readonly sort: "number" | "json"; readonly reason: string };

/** Fields left empty are left out; an input of none is no input. */
export function readForm(fields: readonly FormField[], draft: Draft): InputRead {
  const values: Record<string, unknown> = {};
  for (const { name, sort } of fields) {
    const text = draft[name] ?? "";
    if (text.trim() === "") continue;
    if (sort === "switch") values[name] = text === "true";
    else if (sort === "number") {
      if (!Number.isFinite(Number(text))) return { faultAt: name, sort, reason: "" };
      values[name] = Number(text);
    } else if (sort === "json") {
      const read = readJson(text);
      if (!("input" in read)) return { ...read, faultAt: name };
      values[name] = read.input;
    } else values[name] = text;
  }
  return { input: Object.keys(values).length === 0 ? undefined : values };
}

export function readJson(text: string): InputRead {
  if (text.trim() === "") return { input: undefined };
  try {
    return { input: JSON.parse(text) as unknown };
  } catch (error) {
    return { faultAt: "", sort: "json", reason: error instanceof Error ? error.message : "" };
  }
}
