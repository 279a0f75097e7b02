/**
 * The agent that follows a recipe, step by step. It decides nothing of its own: the same answers make it do the same again,
 * so a run that was cut off goes on where it stood.
 */
import type { Operation } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { checkerOf } from "../../contract/schema.ts";
import { ApprovalDenied, BudgetExceeded, Denied } from "../../contract/standard-problems.ts";
import { type AgentProgram, RunStarted, type Tools } from "../agents/contract.ts";
import { Chat } from "../models/contract.ts";
import { InvalidRecipe } from "./contract.ts";
import type { Kitchen } from "./read-recipe.ts";
import { modelsAsked } from "./models-asked.ts";
import { RecipeRun, type RecipeStep } from "./recipe.ts";
import { createMeter, fill, type Filling, isMet, made, type Meter, type Names, words } from "./template.ts";

export const recipeAgent = "recipe";
/** Calls that one step makes of a list; what is beyond is told as not done. */
const eachMax = 500;
/** Characters of all that the tools answer in one run: later steps may name any of it, so all of it is held. */
const heldCharsMax = 64_000_000;
const answerCharsMax = 60_000;
const dayMs = 86_400_000;
const daysPerWeek = 7;
const dateLength = "YYYY-MM-DD".length;

/** A run within a run would be no step of this one; a stream has no answer. A model is asked where the recipe says so. */
export const isStepTool = ({ id, isTool, mode, isForPersons, isSecret, emits }: Operation): boolean =>
  (isTool || id === Chat.id) &&
  mode !== "many" &&
  isForPersons !== true &&
  isSecret !== true &&
  !emits.includes(RunStarted);

export const createRecipeProgram = (kitchen: Pick<Kitchen, "tools">): AgentProgram => ({
  id: recipeAgent,
  about: "Follows the steps of a recipe and calls the tools that they name, and nothing else.",
  model: "none",
  modelOf: (given) => (checkerOf(RecipeRun).check(given) ? modelsAsked(given as RecipeRun) : "none"),
  get tools() {
    return [...kitchen.tools().values()];
  },
  async run(given, tools) {
    if (!checkerOf(RecipeRun).check(given))
      throw new Problem(InvalidRecipe, "the run was given no recipe; `arw recipe run FILE` gives it one");
    return await follow(given as RecipeRun, { tools, operations: kitchen.tools() });
  },
});

interface Following {
  readonly tools: Tools;
  readonly operations: ReadonlyMap<string, Operation>;
  readonly filling: Filling;
  readonly held: Meter;
  readonly notDone: string[];
}

async function follow({ recipe, input }: RecipeRun, given: Pick<Following, "tools" | "operations">) {
  const { startedAtMs } = given.tools;
  const answers: Record<string, unknown> = {};
  const date = new Date(startedAtMs).toISOString().slice(0, dateLength);
  const run = { startedAtMs, date, dayAgoMs: startedAtMs - dayMs, weekAgoMs: startedAtMs - daysPerWeek * dayMs };
  const filling: Filling = { names: { input, steps: answers, run }, meter: createMeter() };
  const following: Following = { ...given, filling, held: createMeter(heldCharsMax), notDone: [] };
  const { notDone } = following;
  const done: string[] = [];
  let stopped: { readonly at: string; readonly why: string } | null = null;
  for (const [place, step] of recipe.step.entries()) {
    given.tools.progress({ phase: phaseOf(step), done: place, total: recipe.step.length, unit: "steps" });
    // With a list, the condition is asked of each item.
    if (step.each === undefined && !isMet(step.when, filling)) continue;
    try {
      answers[step.id] = await performed(step, following);
      done.push(step.id);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      stopped = { at: step.id, why: error.message };
      const left = recipe.step.slice(place).map(({ id }) => id);
      notDone.push(`${left.join(", ")}: not done, because ${step.id} was refused: ${error.message}`);
      break;
    }
  }
  for (const { when, text } of stopped === null ? (recipe["left-out"] ?? []) : [])
    if (isMet(when, filling)) notDone.push(words(text, filling));
  const said =
    recipe.outcome === undefined ? `${recipe.name}: ${done.length} steps done` : words(recipe.outcome, filling);
  return {
    outcome: (stopped === null ? said : `Stopped at ${stopped.at}: ${stopped.why}`).slice(0, 1000),
    notDone,
    output: {
      done,
      stoppedAt: stopped?.at ?? null,
      answer: stopped === null ? answerOf(recipe.answer, filling) : null,
    },
  };
}

/** What is known of each item alone says nothing of the step. */
const phaseOf = ({ id, about = id }: RecipeStep): string => (about.includes("{{") ? id : about);

/** A longer answer belongs into a file. */
function answerOf(answer: unknown, filling: Filling): unknown {
  const filled = fill(answer ?? null, filling);
  const text = typeof filled === "string" ? filled : JSON.stringify(filled);
  return text.length <= answerCharsMax ? filled : `${text.slice(0, answerCharsMax)} …`;
}

/** A rule, a person or a ceiling said no. Anything else that goes wrong fails the run. */
const isRefusal = (error: unknown): error is Problem =>
  isProblem(error, Denied) || isProblem(error, ApprovalDenied) || isProblem(error, BudgetExceeded);

async function performed(step: RecipeStep, following: Following): Promise<unknown> {
  const { filling, notDone } = following;
  if (step.tool === undefined) return made(step, filling);
  if (step.each === undefined) return await called(step, following);
  const list = fill(step.each, filling);
  const all: readonly unknown[] = Array.isArray(list) ? list : [];
  const items: unknown[] = [];
  for (const item of all.slice(0, eachMax)) {
    const names: Names = { ...filling.names, item };
    const own = { ...following, filling: { ...filling, names } };
    if (!isMet(step.when, own.filling)) continue;
    try {
      items.push(await called(step, own));
    } catch (error) {
      // A person's no to one item is no to that item.
      if (!isProblem(error, ApprovalDenied)) throw error;
      notDone.push(`${summaryOf(step, own.filling)}: ${error.message}`);
    }
  }
  if (all.length > eachMax) notDone.push(`${step.id}: ${all.length - eachMax} items after the first ${eachMax}`);
  return { items, count: items.length };
}

const summaryOf = (step: RecipeStep, filling: Filling): string => words(step.about ?? step.id, filling).slice(0, 500);

async function called(step: RecipeStep, { tools, operations, filling, held }: Following): Promise<unknown> {
  const operation = operations.get(step.tool ?? "");
  if (operation === undefined) throw new Problem(InvalidRecipe, `the step ${step.id}: there is no tool ${step.tool}`);
  const input = fill(step.input ?? {}, filling);
  const answer: unknown = await tools.call(operation, input as never, summaryOf(step, filling));
  held.spend((JSON.stringify(answer) ?? "").length);
  return answer;
}
