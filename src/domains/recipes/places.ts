/** Whether the folders and files that a recipe is given are there: what its rules say of a step is not all that can stop it. */
import type { Context, Operation } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { FileNotFound, FileRefused, List, OutsideFolder, Read } from "../fs/contract.ts";
import type { AbsentPlace } from "./contract.ts";
import { type Planner, verdictOf } from "./plan.ts";
import type { RecipeRun } from "./recipe.ts";

interface Looking {
  readonly planner: Planner;
  readonly ctx: Context;
}

/** Looked for as whoever asks, and only where the rules let them look at once. */
export async function absentPlaces({ recipe, input }: RecipeRun, looking: Looking): Promise<AbsentPlace[]> {
  const absent: AbsentPlace[] = [];
  for (const { name, kind } of recipe.input ?? []) {
    const value = input[name];
    const reason =
      kind === "folder" && typeof value === "string"
        ? await reasonOf(List, { folder: value, limit: 1 }, looking)
        : kind === "file" && typeof value === "object"
          ? await reasonOf(Read, { ...value, lines: 1 }, looking)
          : null;
    if (reason !== null) absent.push({ input: name, reason });
  }
  return absent;
}

const absences: ReadonlySet<string> = new Set([FileNotFound, FileRefused, OutsideFolder].map(({ code }) => code));

/** Null where it is there, and where nobody can tell: what else is the matter with a file is for the step that reads it. */
async function reasonOf(
  operation: Operation,
  given: Record<string, unknown>,
  { planner, ctx }: Looking,
): Promise<string | null> {
  const { verdict } = await verdictOf(operation, given, { ...planner, caller: ctx.caller });
  if (verdict !== "allow") return null;
  try {
    await ctx.call(operation, given);
    return null;
  } catch (error) {
    if (!isProblem(error)) throw error;
    return absences.has(error.definition.code) ? error.message : null;
  }
}
