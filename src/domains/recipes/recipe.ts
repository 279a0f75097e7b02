/** A recipe as it is written: inputs, and steps in their order. Everything in it is data; nothing of it is run as code. */
import { closed, FolderPath, oneOf, RelativePath, type Static, Type } from "../../contract/schema.ts";

/** Characters of a recipe. A longer one nobody reads before they run it. */
export const recipeCharsMax = 65_536;
const stepsMax = 32;
const inputsMax = 8;
const textCharsMax = 4000;

const Name = Type.String({ pattern: "^[a-z][a-z0-9-]{0,59}$" });
const Text = Type.String({ maxLength: textCharsMax });
const Line = Type.String({ minLength: 1, maxLength: 300 });

export const Condition = closed({
  of: Text,
  is: Type.Optional(Type.Union([Text, Type.Number(), Type.Boolean()])),
  ends: Type.Optional(Type.Array(Text, { maxItems: 32 })),
  has: Type.Optional(Text),
  above: Type.Optional(Type.Union([Text, Type.Number()])),
  not: Type.Optional(Type.Boolean()),
});
const When = Type.Union([Text, Condition]);
export type When = Static<typeof When>;

export const Lines = closed({
  of: Text,
  line: Text,
  when: Type.Optional(When),
  /** Of each item a list inside it, whose items are `inner`. */
  each: Type.Optional(Text),
  none: Type.Optional(Text),
});
export const Compare = closed({
  before: Text,
  now: Text,
  by: Type.String({ minLength: 1, maxLength: 100 }),
  on: Type.String({ minLength: 1, maxLength: 100 }),
});
export const ListOf = closed({
  of: Text,
  when: Type.Optional(When),
  item: Type.Optional(Type.Unknown()),
  batch: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
});

export const RecipeInput = closed({
  name: Name,
  about: Type.Optional(Line),
  kind: Type.Optional(oneOf(["folder", "file", "text", "number", "choice"])),
  /** Of a choice: what may be given. */
  options: Type.Optional(Type.Array(Line, { minItems: 1, maxItems: 50 })),
  default: Type.Optional(Type.Union([Text, Type.Number()])),
});
export type RecipeInput = Static<typeof RecipeInput>;

export const RecipeStep = closed({
  id: Name,
  about: Type.Optional(Line),
  tool: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  input: Type.Optional(Type.Unknown()),
  text: Type.Optional(Type.Array(Type.Union([Text, Lines]), { minItems: 1, maxItems: 200 })),
  list: Type.Optional(ListOf),
  compare: Type.Optional(Compare),
  when: Type.Optional(When),
  each: Type.Optional(Text),
  ask: Type.Optional(Type.Boolean()),
});
export type RecipeStep = Static<typeof RecipeStep>;

export const LeftOut = closed({ when: When, text: Text });

export const Recipe = closed({
  name: Name,
  about: Line,
  input: Type.Optional(Type.Array(RecipeInput, { maxItems: inputsMax })),
  step: Type.Array(RecipeStep, { minItems: 1, maxItems: stepsMax }),
  "left-out": Type.Optional(Type.Array(LeftOut, { maxItems: 20 })),
  outcome: Type.Optional(Text),
  answer: Type.Optional(Type.Unknown()),
});
export type Recipe = Static<typeof Recipe>;

/** A file that the recipe is given: it reaches this file and nothing else of its folder. */
const GivenFile = closed({ folder: FolderPath, path: RelativePath });
export type GivenFile = Static<typeof GivenFile>;

/** What a run is given, and what its record replays. */
export const RecipeRun = closed({
  recipe: Recipe,
  input: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), GivenFile])),
});
export type RecipeRun = Static<typeof RecipeRun>;

/** What a step does itself, where it calls no tool. */
export const pureKinds = ["text", "list", "compare"] as const;
