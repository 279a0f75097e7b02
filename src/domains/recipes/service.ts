/** Checks, plans and runs recipes. A run is an episode of the agent `recipe`, under grants made from the recipe itself. */
import { coversPattern } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context, type Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Policy } from "../../kernel/ports.ts";
import { type AgentProgram, refuseUnheld, Run as RunAgent } from "../agents/contract.ts";
import { DryRun, type Fault, InvalidRecipe, Lint, Run } from "./contract.ts";
import { absentPlaces } from "./places.ts";
import { grantsFor, type Planner, type Planning, planOf } from "./plan.ts";
import type { RecipeText } from "./port.ts";
import { createRecipeProgram, isStepTool, recipeAgent } from "./program.ts";
import { allowFault, readGiven, readRecipe, toolsOf } from "./read-recipe.ts";

interface RecipesDeps {
  readonly parts: KernelParts;
  readonly text: RecipeText;
  readonly policy: Policy;
}

export interface Recipes {
  readonly domain: Domain;
  readonly program: AgentProgram;
}

type RunInput = Static<typeof Run.input>;

export function createRecipes({ parts, text, policy }: RecipesDeps): Recipes {
  let known: ReadonlyMap<string, Operation> | null = null;
  const tools = (): ReadonlyMap<string, Operation> => (known ??= stepTools(parts));
  const planner: Planner = { parts, text, tools, policy };
  return {
    program: createRecipeProgram({ tools }),
    domain: {
      name: "recipes",
      operations: [
        bind(Lint, ({ recipe }) => {
          const read = readRecipe(recipe, planner);
          return read.kind === "faults"
            ? { ok: false, name: null, tools: [], faults: [...read.faults] }
            : { ok: true, name: read.recipe.name, tools: [...toolsOf(read.recipe)], faults: [] };
        }),
        bind(DryRun, async (input, ctx) => {
          // What stands in another's way is for persons to know.
          if (ctx.caller.kind !== "person")
            throw new Problem(Denied, "only a person asks what the rules say of a recipe", {
              rule: "built-in:own-rules",
              source: "built-in",
              next: "let a person make the call",
            });
          const planning = planningOf(input, planner);
          const { name, about } = planning.run.recipe;
          const absent = await absentPlaces(planning.run, { planner, ctx });
          return { name, about, steps: await planOf(planning, planner), absent };
        }),
        bind(Run, (input, ctx) => run(planningOf(input, planner), planner, ctx), {
          admit: async (input, ctx) => withinReach(planningOf(input, planner), planner, ctx),
        }),
      ],
      events: [],
      views: [],
    },
  };
}

const stepTools = ({ kernel }: KernelParts): ReadonlyMap<string, Operation> => {
  const operations = [...kernel.table.operations.values()].map(({ operation }) => operation);
  return new Map(operations.filter(isStepTool).map((operation) => [operation.id, operation]));
};

/** Throws with every fault when the recipe does not hold, or was given what it does not take. */
function planningOf({ recipe: text, input = [], allow = [] }: RunInput, planner: Planner): Planning {
  const read = readRecipe(text, planner);
  if (read.kind === "faults") throw invalid(read.faults);
  const given = readGiven(read.recipe, input, planner);
  if (given.kind === "fault") throw invalid([given.fault]);
  const fault = allowFault(read.recipe, allow);
  if (fault !== null) throw invalid([fault]);
  return { run: { recipe: read.recipe, input: given.input }, allow };
}

function invalid(faults: readonly Fault[]): Problem {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  const hint = first?.hint === undefined ? "" : `; ${first.hint}`;
  return new Problem(InvalidRecipe, `line ${first?.line}: ${first?.message}${hint}${more}`, { faults: [...faults] });
}

async function run(planning: Planning, planner: Planner, ctx: Context): Promise<Static<typeof Run.output>> {
  const { recipe, input } = planning.run;
  const name = recipe.input?.find(({ kind }) => kind === "folder")?.name;
  const folder = name === undefined ? undefined : input[name];
  const grants = grantsFor(planning, planner);
  refuseUnheld(grants, ctx.caller);
  const ended = await ctx.call(RunAgent, {
    agent: recipeAgent,
    title: `Recipe ${recipe.name}`,
    ...(typeof folder === "string" ? { folder } : {}),
    input: planning.run,
    grants,
  });
  const { done, stoppedAt, answer } = ended.output as Pick<Static<typeof Run.output>, "done" | "stoppedAt" | "answer">;
  const { episode, outcome, notDone } = ended;
  return { episode, outcome, notDone, done, stoppedAt, answer };
}

/** Nobody gives a recipe what they do not hold: who is no person their grants, and whoever comes by a token its keys. */
function withinReach(planning: Planning, planner: Planner, { caller }: Context): void {
  const { reach } = caller;
  const grants = grantsFor(planning, planner);
  refuseUnheld(grants, caller);
  if (reach === undefined) return;
  const beyond = grants.find(({ key }) => !reach.keys.some((own) => coversPattern(own, key)));
  if (beyond === undefined) return;
  throw new Problem(Denied, `The token ${reach.token} does not reach ${beyond.key}, and the recipe needs it.`, {
    rule: `access.token:${reach.token}`,
    source: "token",
    next: `let somebody run it whose token reaches ${beyond.key}`,
  });
}
