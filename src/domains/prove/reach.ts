/**
 * What calls of an operation can reach outside the hub. Its row has only a function from input to scope, so inputs are made from
 * its schema and looked at: with every field, and with those that must be there.
 */
import { isProblem } from "../../contract/problem.ts";
import type { Scope } from "../../contract/caller.ts";
import type { Operation } from "../../contract/operation.ts";

export const thingTypes = ["Folder", "Host", "Model", "Tool", "Project", "Issuer", "Hub"] as const;
export type ThingType = (typeof thingTypes)[number];

export interface Reach {
  readonly types: ReadonlySet<ThingType>;
  readonly hasPath: boolean;
}

/** An address, the name of a model, and a word that is neither. */
const texts = ["https://example.org/x", "example.org/x", "x"] as const;

const fieldTypes: readonly (readonly [keyof Scope, ThingType])[] = [
  ["folder", "Folder"],
  ["host", "Host"],
  ["model", "Model"],
  ["tool", "Tool"],
  ["project", "Project"],
  ["capsule", "Issuer"],
];

export function reachOf({ scope, input }: Pick<Operation, "scope" | "input">): Reach {
  if (scope === undefined) return { types: new Set(["Hub"]), hasPath: false };
  const said = samplesOf({ scope, input }, texts).map((each) => each.scope);
  if (said.length === 0) return { types: new Set(thingTypes), hasPath: true };
  // Rules of somebody else are read out of a signed text, which no sample is.
  if (said.every((each) => Object.keys(each).length === 0))
    return { types: new Set(["Hub", "Issuer"]), hasPath: false };
  return { types: new Set(said.flatMap(typesIn)), hasPath: said.some(({ path }) => path !== undefined) };
}

/** What a call with this scope reaches: the hub itself where it reaches nothing else. */
export function typesIn(scope: Scope): readonly ThingType[] {
  const reached = fieldTypes.flatMap(([field, type]) => (scope[field] === undefined ? [] : [type]));
  return reached.length === 0 ? ["Hub"] : reached;
}

/** Inputs with these texts in their fields, with all of them and with those that must be there, and what each reaches. */
export const samplesOf = (
  { scope, input }: Pick<Operation, "scope" | "input">,
  fillings: readonly string[],
): readonly { readonly input: unknown; readonly scope: Scope }[] =>
  fillings.flatMap((text) =>
    [true, false].flatMap((isWhole) => {
      const made = sample(input, { text, isWhole });
      const reached = scope === undefined ? {} : scopeIn(scope, made);
      return reached === null ? [] : [{ input: made, scope: reached }];
    }),
  );

function scopeIn(scope: NonNullable<Operation["scope"]>, input: unknown): Scope | null {
  try {
    return scope(input as never);
  } catch (error) {
    // A made-up input may be none that it understands.
    if (isProblem(error) || error instanceof TypeError || error instanceof RangeError) return null;
    throw error;
  }
}

interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly minimum?: number;
}

/** More than any schema of ours is deep. */
const depthMax = 12;

interface Wanted {
  readonly text: string;
  /** With the fields that may be left out. */
  readonly isWhole: boolean;
}

function sample(given: unknown, wanted: Wanted, depth = 0): unknown {
  const shape = given as Shape;
  if ("const" in shape) return shape.const;
  if (shape.enum !== undefined) return shape.enum[0];
  if (shape.anyOf !== undefined) return sample(shape.anyOf[0] ?? {}, wanted, depth + 1);
  const isDeep = depth >= depthMax;
  switch (shape.type) {
    case "object": {
      const fields = Object.entries(shape.properties ?? {});
      const taken = fields.filter(([name]) => wanted.isWhole || shape.required?.includes(name) === true);
      return Object.fromEntries(isDeep ? [] : taken.map(([name, each]) => [name, sample(each, wanted, depth + 1)]));
    }
    case "array":
      return wanted.isWhole && !isDeep && shape.items !== undefined ? [sample(shape.items, wanted, depth + 1)] : [];
    case "string":
      return wanted.text;
    case "integer":
    case "number":
      return shape.minimum ?? 1;
    case "boolean":
      return true;
    case undefined:
    default:
      return null;
  }
}
