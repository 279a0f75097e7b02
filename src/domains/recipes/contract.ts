/** Recipes: steps in a file that run under the rules like any agent, with no model. */
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, oneOf, type Static, Type } from "../../contract/schema.ts";
import { Run as RunAgent, RunCancelled, RunFailed, RunFinished, RunStarted } from "../agents/contract.ts";
import { recipeCharsMax } from "./recipe.ts";

export { recipeCharsMax } from "./recipe.ts";

export const Fault = closed({
  line: Type.Integer({ minimum: 1 }),
  message: Type.String(),
  hint: Type.Optional(Type.String({ description: "What to write instead." })),
});
export type Fault = Static<typeof Fault>;

export const InvalidRecipe = problem({
  code: "recipes.invalid",
  status: 422,
  title: "The recipe does not hold",
  about:
    "The recipe or what it was given has faults, and nothing was run. `faults` names each with its line; `arw recipe lint FILE` prints them.",
});
export const TooMuch = problem({
  code: "recipes.too-much",
  status: 422,
  title: "The recipe makes too much",
  about:
    "The recipe made more text or longer lists out of its values than a run may hold. Let it look at less at once.",
});

const Text = Type.String({
  maxLength: recipeCharsMax,
  description: "Text of the recipe; on the command line its file.",
});
const Given = Type.Optional(
  Type.Array(Type.String({ maxLength: 8192, pattern: "^[a-z][a-z0-9-]*=" }), {
    maxItems: 8,
    description: "What the recipe is given, each as `name=value`.",
  }),
);
const Allow = Type.Optional(
  Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
    maxItems: 32,
    description: "Tools that may change things in the recipe's folders without asking, such as `fs.write`.",
  }),
);

export const Lint = op({
  id: "recipes.lint",
  http: "POST /recipes/lint",
  cli: "recipe lint <recipe>",
  effect: "read",
  about: "Check a recipe and name every fault with its line, without running anything.",
  input: closed({ recipe: Text }),
  output: closed({
    ok: Type.Boolean(),
    name: Type.Union([Type.String(), Type.Null()]),
    tools: Type.Array(Type.String(), { description: "All that a run of it would ever call." }),
    faults: Type.Array(Fault),
  }),
});

export const PlannedStep = closed({
  id: Type.String(),
  about: Type.String(),
  tool: Type.Union([Type.String(), Type.Null()], { description: "Null when the step calls nothing." }),
  times: oneOf(["once", "each"], "`each`: once for every item of a list that is known only when it runs."),
  isConditional: Type.Boolean(),
  model: Type.Optional(Type.String({ description: "The model that the step asks; only where it asks one." })),
  verdict: oneOf(["allow", "ask", "deny"]),
  reason: Type.String(),
  rule: Type.Optional(Type.String()),
  source: Type.Optional(Type.String()),
  next: Type.Optional(Type.String({ description: "The nearest change that would let the step pass." })),
  input: Type.Unknown({ description: "What the tool would be given; `…` stands for what earlier steps answer." }),
});
export type PlannedStep = Static<typeof PlannedStep>;

const AbsentPlace = closed({
  input: Type.String({ description: "Name of the input." }),
  reason: Type.String(),
});
export type AbsentPlace = Static<typeof AbsentPlace>;

export const DryRun = op({
  id: "recipes.dryRun",
  http: "POST /recipes/dry-run",
  cli: "recipe dry-run <recipe>",
  effect: "read",
  about: "Say what the rules would say of each step of a recipe, without doing any of them.",
  input: closed({ recipe: Text, input: Given, allow: Allow }),
  output: closed({
    name: Type.String(),
    about: Type.String(),
    steps: Type.Array(PlannedStep),
    absent: Type.Array(AbsentPlace, {
      description:
        "Folders and files that it is given and would not find: a run would fail there, whatever the rules say.",
    }),
  }),
  problems: [InvalidRecipe, TooMuch],
});

export const Run = op({
  id: "recipes.run",
  http: "POST /recipes/run",
  cli: "recipe run <recipe>",
  mode: "job",
  effect: "write",
  attemptsMax: 1,
  canRecover: true,
  about: "Run a recipe as an episode: it reads the folders it was given, and asks before it changes anything.",
  input: closed({ recipe: Text, input: Given, allow: Allow }),
  output: closed({
    episode: CorrelationId,
    outcome: Type.String(),
    notDone: Type.Array(Type.String()),
    done: Type.Array(Type.String(), { description: "Steps that were done." }),
    stoppedAt: Type.Union([Type.String(), Type.Null()], { description: "The step at which a refusal ended the run." }),
    answer: Type.Unknown({ description: "What the recipe says that it answers." }),
  }),
  problems: [InvalidRecipe, TooMuch, ...RunAgent.problems],
  emits: [RunStarted, RunFinished, RunFailed, RunCancelled],
});
