/**
 * The schema vocabulary. This room is the only one that names the schema library: everything else imports `Type` and the
 * shared scalars from here, so that a schema is JSON Schema 2020-12 everywhere and the library can be replaced in one place.
 */
import { type Static, type TObject, type TProperties, type TSchema, type TUnsafe, Type } from "typebox";
import { Compile } from "typebox/compile";
import { Check, Clean as cleanValue, Errors } from "typebox/value";
import { patternWords } from "./pattern-words.ts";

export { Type, cleanValue };
export type { Static, TObject, TProperties, TSchema };

/** An object that refuses keys it does not name. Every input, output and event of ours is one. */
export const closed = <P extends TProperties>(properties: P, options: { description?: string } = {}): TObject<P> =>
  Type.Object(properties, { additionalProperties: false, ...options });

/** One value of a fixed list of words. */
export const oneOf = <const W extends readonly string[]>(words: W, description?: string): TUnsafe<W[number]> =>
  Type.Unsafe<W[number]>(Type.Enum([...words], description === undefined ? {} : { description }));

export const EpochMs = Type.Integer({ minimum: 0, description: "Milliseconds since 1970-01-01 UTC." });
export const SizeBytes = Type.Integer({ minimum: 0, description: "Size in bytes." });
export const DurationMs = Type.Integer({ minimum: 0, description: "Duration in milliseconds." });
export const Seq = Type.Integer({ minimum: 0, description: "Position in the journal; the first event is 1." });
export const CorrelationId = Type.String({
  // Begins with no dot: an id stands in addresses, and `..` would lead elsewhere.
  pattern: "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$",
  description: "Joins everything that belongs to one episode.",
});
export const Digest = Type.String({ pattern: "^sha256:[0-9a-f]{64}$", description: "SHA-256 of the content." });
export const FolderPath = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: "Absolute path of a folder on the machine the hub runs on.",
});
export const RelativePath = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: "Path inside the folder, with `/` between the parts; never absolute and never with `..`.",
});

/** What is wrong with one value: where (JSON pointer) and why, in words. */
export interface SchemaFault {
  readonly at: string;
  readonly message: string;
}

/** A schema that is compiled once it is used often. `faults` is only called on values that failed `check`. */
export interface Checker {
  readonly isCompiled: boolean;
  check(value: unknown): boolean;
  faults(value: unknown): readonly SchemaFault[];
}

/** More than this many faults help nobody. */
const faultsMax = 8;

const checkers = new WeakMap<TSchema, Checker>();

/** Compiling one takes as long as some hundred checks by walking it, and its code stays; most are never used as often. */
const walksMax = 8;

/** A start of the hub must not pay for validators that nobody calls, nor for those that are called once. */
export function checkerOf(schema: TSchema): Checker {
  const known = checkers.get(schema);
  if (known) return known;
  let compiled: ReturnType<typeof Compile> | null = null;
  let walks = 0;
  const checker: Checker = {
    get isCompiled() {
      return compiled !== null;
    },
    check(value) {
      if (compiled !== null) return compiled.Check(value);
      walks += 1;
      if (walks > walksMax) compiled = Compile(schema);
      return compiled === null ? Check(schema, value) : compiled.Check(value);
    },
    faults: (value) =>
      Errors(schema, value)
        .filter((fault) => fault.keyword !== "boolean")
        .slice(0, faultsMax)
        .map((fault) => ({ at: fault.instancePath, message: faultMessage(schema, fault) })),
  };
  checkers.set(schema, checker);
  return checker;
}

/** What is said of a value beside what each of its forms wants of it. */
export const noFormFits = "has none of the forms that it may have";

type Fault = ReturnType<typeof Errors>[number];

function faultMessage(schema: TSchema, fault: Fault): string {
  const { keyword, params } = fault;
  if (keyword === "additionalProperties")
    return `unknown field ${params.additionalProperties.map((name) => `"${name}"`).join(", ")}`;
  if (keyword === "required") return mustHave(params.requiredProperties);
  if (keyword === "type") return `must be ${[params.type].flat().map(kindWords).join(" or ")}`;
  if (keyword === "enum") return `must be one of ${params.allowedValues.map(String).join(", ")}`;
  if (keyword === "const") return `must be ${JSON.stringify(params.allowedValue)}`;
  if (keyword === "anyOf") return noFormFits;
  if (keyword === "minimum") return `must be at least ${params.limit}`;
  if (keyword === "maximum") return `must be at most ${params.limit}`;
  if (keyword === "minLength" && params.limit === 1) return "must not be empty";
  if (keyword === "pattern")
    return patternWords(String(params.pattern)) ?? formWords(schemaAt(schema, fault.schemaPath));
  return fault.message;
}

const mustHave = (names: readonly string[]): string =>
  `must have the ${names.length === 1 ? "field" : "fields"} ${names.map((name) => `"${name}"`).join(", ")}`;

const kindWords = (type: string): string => kinds[type] ?? type;
const kinds: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
};

/** What its author says of it stands for a form that has no plain words. */
function formWords({ description, examples: [example] = [] }: Described): string {
  const about = description === undefined ? "" : `: ${description.replace(/\.$/, "")}`;
  return `does not have the form that it takes${about}${typeof example === "string" ? `, such as ${example}` : ""}`;
}

interface Described {
  readonly description?: string | undefined;
  readonly examples?: readonly unknown[] | undefined;
}
type Part = Described & Readonly<Record<string, unknown>>;

/** `#/properties/name`, as faults point to the part of a schema that was broken. What a list says, it says of its items. */
function schemaAt(schema: TSchema, path: string): Described {
  const names = path
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  const inside = (at: Part, name: string): Part => {
    const part = (at[name] ?? {}) as Part;
    return name === "items" ? { description: at.description, ...part } : part;
  };
  return names.reduce(inside, schema as Part);
}
