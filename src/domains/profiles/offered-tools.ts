/** Tools as a model is offered them: without what the run itself says, such as the folder that it works in. */
import { gateKey, type Operation } from "../../contract/operation.ts";
import { checkerOf } from "../../contract/schema.ts";
import type { Grant } from "../../contract/caller.ts";
import { RunStarted } from "../agents/contract.ts";
import { Call as CallOfServer, Read as ReadByServer } from "../mcp/contract.ts";
import type { ServerTool } from "./profile.ts";

/** Said by the run and never by the model: it works in one folder of one project. */
const boundFields = ["folder", "project"] as const;

/** A run within a run would be no step of this one; a stream has no answer. */
export const isAgentTool = ({ id, isTool, mode, isForPersons, isSecret, emits }: Operation): boolean =>
  isTool &&
  // Each tool of a server is named by itself.
  id !== CallOfServer.id &&
  id !== ReadByServer.id &&
  mode !== "many" &&
  isForPersons !== true &&
  isSecret !== true &&
  !emits.includes(RunStarted);

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

/** A tool as an agent has it: what its model is offered, and what a call of it becomes. */
export interface AgentTool {
  /** As the agent's file names it. */
  readonly id: string;
  readonly operation: Operation;
  readonly offered: OfferedTool;
  readonly grant: Grant;
  /** What its person is asked about by, where the agent's file says so. */
  readonly askKey: string;
  /** What the operation is given in the end, or what is wrong with what the model said. */
  read(said: Readonly<Record<string, unknown>>): InputRead;
}

const boundOf = (operation: Operation): readonly (typeof boundFields)[number][] =>
  boundFields.filter((field) => field in operation.input.properties);

export const hubTool = (operation: Operation, place: Place): AgentTool => ({
  id: operation.id,
  operation,
  offered: offered(operation),
  grant: grantFor(operation, place),
  askKey: gateKey(operation),
  read: (said) => inputFor(operation, said, place),
});

/** How an agent's file names a tool of a server. */
export const serverToolPattern = /^mcp:([^/]{1,200})\/(.{1,200})$/u;
const nameCharsMax = 64;

/** What a server takes only the server knows: its arguments are handed over as they are. */
export function serverTool({ server, tool, isReading, about, input }: ServerTool): AgentTool {
  const operation = isReading ? ReadByServer : CallOfServer;
  return {
    id: `mcp:${server}/${tool}`,
    operation,
    offered: { name: `${server}_${tool}`.replaceAll(/[^A-Za-z0-9_-]/gu, "_").slice(0, nameCharsMax), about, input },
    grant: { key: gateKey(operation), tool: `${server}/${tool}` },
    askKey: `${gateKey(operation)}:${server}:${tool}`,
    read: (said) => ({ kind: "input", input: { server, tool, params: { arguments: said } } }),
  };
}

function offered(operation: Operation): OfferedTool {
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

function inputFor(operation: Operation, said: Readonly<Record<string, unknown>>, place: Place): InputRead {
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
