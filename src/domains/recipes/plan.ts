/** What a recipe would come to: the grants that its run begins with, and what the rules say of each step. */
import { type Caller, type Grant, isGranted, type Label, matchesKey, type Scope } from "../../contract/caller.ts";
import { gateKey, type Operation } from "../../contract/operation.ts";
import { checkerOf } from "../../contract/schema.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Policy } from "../../kernel/ports.ts";
import { labelOf } from "../agents/contract.ts";
import { Chat } from "../models/contract.ts";
import type { PlannedStep } from "./contract.ts";
import { modelIn, unknown, withUnknown } from "./models-asked.ts";
import { recipeAgent } from "./program.ts";
import type { Kitchen } from "./read-recipe.ts";
import type { Recipe, RecipeRun, RecipeStep } from "./recipe.ts";
import { createMeter, type Filling } from "./template.ts";

export interface Planning {
  readonly run: RecipeRun;
  readonly allow: readonly string[];
}

export interface Planner extends Kitchen {
  readonly parts: Pick<KernelParts, "gate">;
  readonly policy: Policy;
}

/** A folder, or one file in it. */
type Place = Pick<Grant, "folder" | "path">;

/** A run takes no more grants. */
const grantsMax = 64;

/** Reading in the folders that the recipe was given, and what somebody allowed beforehand, in those folders, too. */
export function grantsFor({ run: { recipe, input }, allow }: Planning, { tools }: Pick<Kitchen, "tools">): Grant[] {
  const given = (recipe.input ?? []).flatMap(({ name, kind }): Place[] => {
    const value = input[name];
    if (kind === "file") return typeof value === "object" ? [value] : [];
    return kind === "folder" && typeof value === "string" ? [{ folder: value }] : [];
  });
  const operations = stepTools(recipe, tools());
  const isAllowed = (operation: Operation): boolean =>
    operation.effect === "read" || allow.some((each) => matchesKey(each.replaceAll(".", ":"), gateKey(operation)));
  const granted = operations.filter(isAllowed).flatMap((operation): Grant[] => {
    const key = gateKey(operation);
    return "folder" in operation.input.properties ? given.map((place) => ({ key, ...place })) : [{ key }];
  });
  return granted.slice(0, grantsMax);
}

const stepTools = ({ step }: Recipe, tools: ReadonlyMap<string, Operation>): readonly Operation[] => [
  ...new Set(step.flatMap(({ tool }) => tools.get(tool ?? "") ?? [])),
];

export async function planOf(planning: Planning, planner: Planner): Promise<PlannedStep[]> {
  const { recipe, input } = planning.run;
  const grants = grantsFor(planning, planner);
  const steps = Object.fromEntries(recipe.step.map(({ id }) => [id, unknown]));
  const filling: Filling = { names: { input, steps, run: {}, item: unknown }, meter: createMeter() };
  const labels = new Set<Label>(["user"]);
  const planned: PlannedStep[] = [];
  for (const step of recipe.step) {
    const caller: Caller = { kind: "agent", id: recipeAgent, grants, labels: [...labels] };
    planned.push(await plannedStep(step, { ...planner, filling, caller }));
    const operation = planner.tools().get(step.tool ?? "");
    const label = operation === undefined ? null : labelOf(operation);
    if (label !== null) labels.add(label);
  }
  return planned;
}

interface Asking extends Planner {
  readonly filling: Filling;
  readonly caller: Caller;
}

async function plannedStep(step: RecipeStep, asking: Asking): Promise<PlannedStep> {
  const base = {
    id: step.id,
    about: step.about ?? step.id,
    tool: step.tool ?? null,
    times: step.each === undefined ? ("once" as const) : ("each" as const),
    isConditional: step.when !== undefined,
  };
  const operation = asking.tools().get(step.tool ?? "");
  if (operation === undefined)
    return { ...base, verdict: "allow", reason: "It only works with what is there already.", input: null };
  const input = withUnknown(step.input ?? {}, asking.filling);
  const asked = operation.id === Chat.id ? { model: modelIn(input) } : {};
  return { ...base, ...asked, ...(await verdictOf(operation, input, asking)), input };
}

export async function verdictOf(
  operation: Operation,
  input: unknown,
  { parts, policy, caller }: Pick<Asking, "parts" | "policy" | "caller">,
) {
  const key = gateKey(operation);
  const denial = parts.gate.check(key, caller);
  if (denial !== null)
    return { verdict: "deny" as const, reason: denial.reason, rule: denial.rule, source: denial.source };
  const { id, effect, needs } = operation;
  const scope = scopeOf(operation, input);
  const ruling = await policy.rule({ operation: id, key, caller, scope, effect, needs });
  const told = { verdict: ruling.effect, reason: ruling.reason, rule: ruling.rule, source: ruling.source };
  if (ruling.next !== undefined) return { ...told, next: ruling.next };
  return ruling.effect === "allow" && isGranted(caller, key, scope) ? { ...told, reason: "Granted to the run." } : told;
}

/** As the tool itself reads its input; where too little of it is known, by its folder. */
function scopeOf(operation: Operation, input: unknown): Scope {
  if (operation.scope === undefined) return {};
  if (checkerOf(operation.input).check(input)) return operation.scope(input as never);
  const { folder } = input as { readonly folder?: unknown };
  return typeof folder === "string" ? { folder } : {};
}
