/** From the text of a recipe to a recipe that holds, or to every fault with its line. */
import { matchesKey } from "../../contract/caller.ts";
import { gateKey, type Operation } from "../../contract/operation.ts";
import type { Fault } from "./contract.ts";
import { formed, type Path, type Say, unknownFields } from "./form.ts";
import type { RecipeText } from "./port.ts";
import { pureKinds, type Recipe, type RecipeInput, type RecipeRun, type RecipeStep } from "./recipe.ts";
import { isWellWritten, namesIn } from "./template.ts";

/** Enough to mend a file in one go. */
const faultsMax = 50;

export interface Kitchen {
  readonly text: RecipeText;
  /** All that a recipe may call, by id. */
  readonly tools: () => ReadonlyMap<string, Operation>;
}

export type RecipeRead =
  | { readonly kind: "recipe"; readonly recipe: Recipe }
  | { readonly kind: "faults"; readonly faults: readonly Fault[] };

interface Checking extends Kitchen {
  readonly say: Say;
}

export function readRecipe(text: string, kitchen: Kitchen): RecipeRead {
  const read = kitchen.text.read(text);
  if (read.kind === "fault") return { kind: "faults", faults: [{ line: read.line, message: read.message }] };
  const faults: Fault[] = [];
  const say: Say = (path, message, hint) => {
    const fault = { line: read.lineOf(path), message: message.slice(0, 500) };
    if (faults.length < faultsMax) faults.push(hint === undefined ? fault : { ...fault, hint: hint.slice(0, 500) });
  };
  const checking = { ...kitchen, say };
  const recipe = formed(read.table, checking);
  if (recipe !== null) checkMeaning(recipe, checking);
  return recipe !== null && faults.length === 0
    ? { kind: "recipe", recipe }
    : { kind: "faults", faults: faults.toSorted(byLine) };
}

const byLine = (one: Fault, other: Fault): number => one.line - other.line;

/** What names of earlier steps lead to: their fields, or null where anything may be. */
type Known = Map<string, readonly string[] | null>;

function checkMeaning(recipe: Recipe, checking: Checking): void {
  const { say } = checking;
  const inputs = (recipe.input ?? []).map(({ name }) => name);
  for (const [place, name] of inputs.entries())
    if (inputs.indexOf(name) < place) say(["input", String(place), "name"], `the input ${name} is there already`);
  checkOptions(recipe, say);
  const known: Known = new Map();
  for (const [place, step] of recipe.step.entries()) {
    const path = ["step", String(place)];
    if (known.has(step.id)) say([...path, "id"], `the step ${step.id} is there already`, "give it an id of its own");
    checkKind(step, path, checking);
    const scope: Scope = { inputs, known, hasItem: step.each !== undefined };
    const { each, list, text = [], ...plain } = step;
    checkNames(each, [...path, "each"], { ...checking, ...scope, hasItem: false });
    checkNames(list?.of, [...path, "list"], { ...checking, ...scope });
    checkNames(list, [...path, "list"], { ...checking, ...scope, hasItem: true });
    checkNames(
      text.map((part) => (typeof part === "string" ? part : part.of)),
      [...path, "text"],
      { ...checking, ...scope },
    );
    checkNames(
      // Each at its own place, for its line.
      text.map((part) => (typeof part === "string" ? null : part)),
      [...path, "text"],
      { ...checking, ...scope, hasItem: true },
    );
    for (const [name, value] of Object.entries(plain)) checkNames(value, [...path, name], { ...checking, ...scope });
    known.set(step.id, answerFields(step, checking));
  }
  const end = { ...checking, inputs, known, hasItem: false };
  for (const name of ["outcome", "answer", "left-out"] as const) checkNames(recipe[name], [name], end);
}

function checkOptions({ input = [] }: Recipe, say: Say): void {
  for (const [place, { name, kind, options, default: otherwise }] of input.entries()) {
    const path = ["input", String(place)];
    if (kind === "choice" && options === undefined)
      say(path, `the choice ${name} has no options`, 'add options = ["one", "other"]');
    if (kind !== "choice" && options !== undefined)
      say([...path, "options"], "options go with a choice", 'add kind = "choice"');
    if (options !== undefined && otherwise !== undefined && !options.includes(String(otherwise)))
      say([...path, "default"], `${String(otherwise)} is not among the options`, `options: ${options.join(", ")}`);
  }
}

function checkKind(step: RecipeStep, path: Path, checking: Checking): void {
  const { say, text, tools } = checking;
  const kinds = ["tool", ...pureKinds].filter((kind) => Object.hasOwn(step, kind));
  if (kinds.length !== 1)
    return say(
      path,
      `the step ${step.id} has ${kinds.length === 0 ? "none" : kinds.join(" and ")}`,
      `give it one of tool, ${pureKinds.join(", ")}`,
    );
  if (step.tool === undefined) {
    for (const name of ["input", "each", "ask"] as const)
      if (step[name] !== undefined) say([...path, name], `${name} goes with a tool`, "leave it out, or name a tool");
    return;
  }
  const operation = tools().get(step.tool);
  if (operation === undefined) {
    const meant = text.nearest(step.tool, [...tools().keys()]);
    const hint = meant === undefined ? "`arw agents show recipe` lists the tools" : `did you mean ${meant}?`;
    return say([...path, "tool"], `there is no tool ${step.tool}`, hint);
  }
  if (step.ask === true && operation.effect === "read")
    say([...path, "ask"], `${step.tool} only reads, and nobody is asked about that`, "leave ask out");
  checkToolInput(step.input ?? {}, operation, { path: [...path, "input"], checking });
}

function checkToolInput(
  input: unknown,
  operation: Operation,
  { path, checking }: { readonly path: Path; readonly checking: Checking },
): void {
  const { say } = checking;
  if (input === null || typeof input !== "object" || Array.isArray(input))
    return say(path, "input must be a table", `input = { … } with what ${operation.id} takes`);
  unknownFields(input, { schema: operation.input, path, forming: checking });
  const { required = [] } = operation.input as { readonly required?: readonly string[] };
  for (const name of required)
    if (!Object.hasOwn(input, name)) say(path, `${operation.id} needs ${name}`, `add ${name} to input`);
}

interface Scope {
  readonly inputs: readonly string[];
  readonly known: Known;
  /** Stands where each item of a list is looked at. */
  readonly hasItem: boolean;
}

function checkNames(value: unknown, path: Path, checking: Checking & Scope): void {
  if (typeof value === "string") {
    if (!isWellWritten(value))
      checking.say(path, "{{ is not followed by a name and }}", "write {{steps.ID.field}} or {{input.NAME}}");
    for (const name of namesIn(value)) {
      const wrong = nameFault(name, checking);
      if (wrong !== null) checking.say(path, `{{${name}}}: ${wrong.message}`, wrong.hint);
    }
  } else if (value !== null && typeof value === "object")
    for (const [key, each] of Object.entries(value)) checkNames(each, [...path, key], checking);
}

interface Wrong {
  readonly message: string;
  readonly hint: string;
}
const runFields = ["date", "startedAtMs", "dayAgoMs", "weekAgoMs"];

function nameFault(name: string, { inputs, known, hasItem, text }: Checking & Scope): Wrong | null {
  const [root = "", first = "", field] = name.split(".");
  const meant = (word: string, words: readonly string[]): string => {
    const near = text.nearest(word, words);
    return near === undefined ? `known here: ${words.join(", ") || "nothing"}` : `did you mean ${near}?`;
  };
  if (root === "item" || root === "inner")
    return hasItem ? null : { message: "there is no list here", hint: "use it with each or list" };
  if (root === "run")
    return runFields.includes(first) ? null : { message: "is not known", hint: meant(first, runFields) };
  if (root === "input")
    return inputs.includes(first) ? null : { message: `there is no input ${first}`, hint: meant(first, inputs) };
  if (root !== "steps")
    return { message: `${root} is not known`, hint: meant(root, ["input", "steps", "item", "run"]) };
  const fields = known.get(first);
  if (fields === undefined) return { message: `no step ${first} comes before`, hint: meant(first, [...known.keys()]) };
  if (field === undefined || fields === null || fields.includes(field)) return null;
  return { message: `the step ${first} answers no ${field}`, hint: meant(field, fields) };
}

function answerFields(step: RecipeStep, { tools }: Checking): readonly string[] | null {
  if (step.text !== undefined) return ["text"];
  if (step.list !== undefined || step.each !== undefined) return ["items", "count"];
  if (step.compare !== undefined) return ["added", "removed", "changed", "count"];
  const { properties } = (tools().get(step.tool ?? "")?.output ?? {}) as { readonly properties?: object };
  return properties === undefined ? null : Object.keys(properties);
}

export type GivenRead =
  | { readonly kind: "input"; readonly input: RecipeRun["input"] }
  | { readonly kind: "fault"; readonly fault: Fault };

const wrongly = (message: string, hint: string): GivenRead => ({ kind: "fault", fault: { line: 1, message, hint } });

/** What a recipe is given, by name; or what is wrong with that. */
export function readGiven(recipe: Recipe, given: readonly string[], { text }: Kitchen): GivenRead {
  const inputs = recipe.input ?? [];
  const names = inputs.map(({ name }) => name);
  const values = new Map(given.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)]));
  for (const name of values.keys())
    if (!names.includes(name)) {
      const meant = text.nearest(name, names);
      const hint = meant === undefined ? `known: ${names.join(", ") || "none"}` : `did you mean ${meant}?`;
      return wrongly(`the recipe takes no input ${name}`, hint);
    }
  const filled: [string, RecipeRun["input"][string]][] = [];
  for (const input of inputs) {
    const read = givenValue(input, values.get(input.name) ?? input.default);
    if (read.kind === "fault") return read;
    filled.push([input.name, read.value]);
  }
  return { kind: "input", input: Object.fromEntries(filled) };
}

type GivenValue =
  | { readonly kind: "value"; readonly value: RecipeRun["input"][string] }
  | Extract<GivenRead, { readonly kind: "fault" }>;

function givenValue({ name, kind, options = [] }: RecipeInput, value: string | number | undefined): GivenValue {
  const wrong = (message: string, hint: string): GivenValue => ({ kind: "fault", fault: { line: 1, message, hint } });
  if (value === undefined || value === "") return wrong(`the input ${name} is missing`, `--input ${name}=…`);
  const text = String(value);
  if (kind === "number")
    return Number.isFinite(Number(value))
      ? { kind: "value", value: Number(value) }
      : wrong(`the input ${name} is no number`, `--input ${name}=7`);
  if (kind === "choice" && !options.includes(text))
    return wrong(`the input ${name} is ${text}, which is no option`, `options: ${options.join(", ")}`);
  if (kind !== "file") return { kind: "value", value: text };
  // Both kinds of separators: the hub may run on another platform than the one the text was written on.
  const cut = Math.max(text.lastIndexOf("/"), text.lastIndexOf("\\"));
  if (cut < 0 || cut === text.length - 1)
    return wrong(`the input ${name} is no absolute path of a file`, `--input ${name}=/home/me/notes/plan.md`);
  return { kind: "value", value: { folder: text.slice(0, cut) || "/", path: text.slice(cut + 1) } };
}

/** Tools that a run of the recipe calls, each once, in their order. */
export const toolsOf = (recipe: Recipe): readonly string[] => [
  ...new Set(recipe.step.flatMap(({ tool }) => tool ?? [])),
];

/** What somebody wants allowed that the recipe does not do, or that it asks about. */
export function allowFault(recipe: Recipe, allow: readonly string[]): Fault | null {
  for (const wanted of allow) {
    const key = wanted.replaceAll(".", ":");
    const steps = recipe.step.filter(({ tool }) => tool !== undefined && matchesKey(key, gateKey({ id: tool })));
    const asking = steps.find(({ ask }) => ask === true);
    if (asking !== undefined)
      return {
        line: 1,
        message: `the step ${asking.id} always asks before ${asking.tool}`,
        hint: `leave --allow ${wanted} out`,
      };
    if (steps.length === 0)
      return { line: 1, message: `no step calls ${wanted}`, hint: `it calls ${toolsOf(recipe).join(", ")}` };
  }
  return null;
}
