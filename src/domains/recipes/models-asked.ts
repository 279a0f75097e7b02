/** What can be said of a recipe's words before it runs, and so of the models that it asks. Pure. */
import { Chat } from "../models/contract.ts";
import type { RecipeRun } from "./recipe.ts";
import { createMeter, fill, type Filling } from "./template.ts";

/** Stands for what is known only when the recipe runs. */
export const unknown = "…";

/** Names of what is not known yet are told as such, in whatever place they stand. */
export function withUnknown(value: unknown, filling: Filling): unknown {
  if (typeof value === "string")
    return fill(value.replaceAll(/\{\{\s*(?:steps|item|run)\b[^}]*\}\}/gu, unknown), filling);
  if (Array.isArray(value)) return value.map((each) => withUnknown(each, filling));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withUnknown(each, filling)]));
}

export function modelIn(input: unknown): string {
  const { model } = Object(input) as { readonly model?: unknown };
  return typeof model === "string" ? model : unknown;
}

/** The models of all its steps, each once; `none` where it asks none. */
export function modelsAsked({ recipe, input }: RecipeRun): string {
  const filling: Filling = { names: { input, steps: {}, run: {}, item: unknown }, meter: createMeter() };
  const asked = recipe.step.filter(({ tool }) => tool === Chat.id);
  const models = new Set(asked.map((step) => modelIn(withUnknown(step.input ?? {}, filling))));
  return models.size === 0 ? "none" : [...models].join(", ");
}
