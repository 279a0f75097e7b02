/**
 * Tools as agents send them to `/v1/responses`: functions, functions in namespaces, and tools of the vendor's own machines. A model
 * knows one list of functions, so those in a namespace get a name of their own there, and the answer is told in the client's words.
 */
import { isObject, type Json, textOr } from "./reading.ts";
import { unfit } from "./refusals.ts";

export interface ToolNames {
  /** As the model knows it. */
  flat(name: string, namespace: string | undefined): string;
  /** As the client knows it. */
  own(flat: string): { readonly name: string; readonly namespace?: string };
}

export interface FlatTools {
  /** Functions alone. What only a vendor's own machines can do is offered to no model here. */
  readonly tools: readonly unknown[];
  readonly names: ToolNames;
  readonly isGiven: boolean;
}

/** As long as servers take names. */
const nameLengthMax = 64;

export function flatTools(given: unknown): FlatTools {
  const all: readonly unknown[] = Array.isArray(given) ? given : [];
  const own = new Map<string, { readonly name: string; readonly namespace: string }>();
  const flat = new Map<string, string>();
  const taken = new Set(all.map((each) => (isObject(each) ? textOr(each["name"]) : "")));
  const rename = (name: string, namespace: string): string => {
    const short = unique(`${namespace}__${name}`, taken);
    taken.add(short);
    own.set(short, { name, namespace });
    flat.set(keyOf(name, namespace), short);
    return short;
  };
  const tools = all.flatMap((each, place): readonly unknown[] => {
    if (!isObject(each)) throw unfit(`tools[${place}]`, `tools[${place}] must be a tool`);
    if (each["type"] === "function") return [each];
    if (each["type"] !== "namespace" || !Array.isArray(each["tools"])) return [];
    const namespace = textOr(each["name"]);
    return each["tools"].flatMap((tool: unknown) =>
      isObject(tool) && tool["type"] === "function" && typeof tool["name"] === "string"
        ? [{ ...tool, name: rename(tool["name"], namespace) }]
        : [],
    );
  });
  return {
    tools,
    isGiven: all.length > 0,
    names: {
      flat: (name, namespace) => (namespace === undefined ? name : (flat.get(keyOf(name, namespace)) ?? name)),
      own: (name) => own.get(name) ?? { name },
    },
  };
}

const keyOf = (name: string, namespace: string): string => JSON.stringify([namespace, name]);

/** Cut where it is too long, and told from others by a number. */
function unique(wanted: string, taken: ReadonlySet<string>): string {
  const plain = wanted.replaceAll(/[^A-Za-z0-9_-]/gu, "_");
  for (let count = 0; ; count += 1) {
    const end = count === 0 ? "" : `_${count}`;
    const name = `${plain.slice(0, nameLengthMax - end.length)}${end}`;
    if (!taken.has(name)) return name;
  }
}

/** A choice names a tool of the list; one that was left out cannot be chosen. */
export function flatChoice(choice: unknown, { tools, names, isGiven }: FlatTools): Json {
  if (!isGiven) return {};
  if (!isObject(choice)) return choice === undefined ? {} : { tool_choice: choice };
  const name = names.flat(textOr(choice["name"]), namespaceOf(choice));
  if (!tools.some((each) => isObject(each) && each["name"] === name))
    throw unfit("tool_choice", "tool_choice names no function of the list; tools of a vendor's machines are not there");
  return { tool_choice: { type: "function", name } };
}

export const namespaceOf = (item: Json): string | undefined =>
  typeof item["namespace"] === "string" ? item["namespace"] : undefined;
