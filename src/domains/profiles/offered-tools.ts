/** Tools as a model is offered them: without what the run itself says, such as the folder that it works in. */
import { gateKey, type Operation } from "../../contract/operation.ts";
import { checkerOf } from "../../contract/schema.ts";
import type { Grant } from "../../contract/caller.ts";
import { RunStarted } from "../agents/contract.ts";

/** Said by the run and never by the model: it works in one folder of one project. */
const boundFields = ["folder", "project"] as const;

/** A run within a run would be no step of this one; a stream has no answer. */
export const isAgentTool = ({ isTool, mode, isForPersons, isSecret, emits }: Operation): boolean =>
  isTool && mode !== "many" && isForPersons !== true && isSecret !== true && !emits.includes(RunStarted);

export interface Place {
  readonly folder: string;
  readonly project: string;
}

export interface OfferedTool {
  readonly name: string;
  readonly about: string;
  readonly input: unknown;
}

/** Names as every server takes them. */
export const toolName = (id: string): string => id.replaceAll(".", "_");

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

const boundOf = (operation: Operation): readonly (typeof boundFields)[number][] =>
  boundFields.filter((field) => field in operation.input.properties);

export function offered(operation: Operation): OfferedTool {
  const schema = JSON.parse(JSON.stringify(operation.input)) as ObjectSchema;
  const bound: readonly string[] = boundOf(operation);
  const properties = Object.entries(schema.properties ?? {}).filter(([field]) => !bound.includes(field));
  const required = (schema.required ?? []).filter((field) => !bound.includes(field));
  return {
    name: toolName(operation.id),
    about: operation.about,
    input: { ...schema, properties: Object.fromEntries(properties), required },
  };
}

export type InputRead =
  | { readonly kind: "input"; readonly input: unknown }
  | { readonly kind: "faults"; readonly faults: readonly string[] };

/** What the tool is given in the end, or what is wrong with what the model said. */
export function inputFor(operation: Operation, said: Readonly<Record<string, unknown>>, place: Place): InputRead {
  const fields = boundOf(operation);
  // What was meant for another place is not done in this one.
  const elsewhere = fields.filter((field) => field in said && said[field] !== place[field]);
  if (elsewhere.length > 0)
    return { kind: "faults", faults: elsewhere.map((field) => `${field} is not yours to choose`) };
  const bound = Object.fromEntries(fields.map((field) => [field, place[field]]));
  const input = { ...said, ...bound };
  const checker = checkerOf(operation.input);
  if (checker.check(input)) return { kind: "input", input };
  return {
    kind: "faults",
    faults: checker.faults(input).map(({ at, message }) => `${at === "" ? "the arguments" : at.slice(1)} ${message}`),
  };
}

/** What a person who wrote a tool into an agent's file gives every run of it. */
export const grantFor = (operation: Operation, { folder, project }: Place): Grant => {
  const fields = operation.scope === undefined ? {} : operation.input.properties;
  return {
    key: gateKey(operation),
    ...("folder" in fields ? { folder } : {}),
    ...("project" in fields ? { project } : {}),
  };
};
