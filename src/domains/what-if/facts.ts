/**
 * What a recorded decision rested on, as far as the record says. What it does not say is tried in every way in which it can
 * matter: policies compare ids with those that they name, so one id that nobody names stands for all others.
 */
import type { Caller, Grant, Label, Scope } from "../../contract/caller.ts";
import { gateKey, type Operation } from "../../contract/operation.ts";
import type { PolicyCall } from "../../kernel/ports.ts";
import type { Trial, World } from "./port.ts";

/** Parts of a scope that no step's event names. */
export const hiddenParts = ["model", "project", "tool"] as const;
export type HiddenPart = (typeof hiddenParts)[number];

export interface Facts {
  readonly operation: Operation;
  readonly caller: Pick<Caller, "kind" | "id">;
  readonly grants: readonly Grant[];
  /** Gate keys that the agent's own file asks about. */
  readonly asks: readonly string[];
  readonly scope: Scope;
  /** Parts that the scope may have beside. */
  readonly hidden: readonly HiddenPart[];
  readonly labels: readonly Label[];
  /** Labels that the call may have had beside. */
  readonly labelsMaybe: readonly Label[];
  /** Whichever tool of a server it was, it was granted: a person had said that the tool only reads. */
  readonly isToolGranted?: boolean;
  /** Some lease of this caller was running. */
  readonly mayBeLeased: boolean;
}

/** One way in which it may have been. */
export interface Way {
  readonly call: PolicyCall;
  readonly world: World;
  /** The value of each thing that is not known. */
  readonly guessed: Readonly<Record<string, string>>;
}

/** More ways than this are not tried; the answer is unknown then. */
const waysMax = 512;

export const unknownWords: Readonly<Record<string, string>> = {
  host: "whether the host was open to the caller",
  confinement: "whether something confined commands",
  lease: "whether a lease covered the call",
  model: "which model was asked",
  project: "which project it was about",
  tool: "which tool of a server was called",
  labels: "all of what the call was built from",
};

interface Choice<Value> {
  readonly name: string;
  readonly values: readonly { readonly word: string; readonly value: Value }[];
}

/** Null when there are too many. */
export function waysOf(facts: Facts, names: NamedIds): readonly Way[] | null {
  const choices = choicesOf(facts, names);
  const count = choices.reduce((product, { values }) => product * values.length, 1);
  if (count > waysMax) return null;
  const partial = choices.reduce<readonly Partial[]>(
    (ways, { name, values }) =>
      ways.flatMap((way) =>
        values.map(({ word, value }) => ({
          ...way,
          ...value,
          guessed: values.length === 1 ? way.guessed : { ...way.guessed, [name]: word },
        })),
      ),
    [{ guessed: {} }],
  );
  return partial.map((way) => wayOf(facts, way));
}

interface Partial {
  readonly guessed: Readonly<Record<string, string>>;
  readonly isOpen?: boolean;
  readonly isShut?: boolean;
  readonly isUnconfined?: boolean;
  readonly isLeased?: boolean;
  readonly scope?: Scope;
  readonly labels?: readonly Label[];
}

function choicesOf(facts: Facts, names: NamedIds): readonly Choice<Omit<Partial, "guessed">>[] {
  const { operation, scope, grants, labels, labelsMaybe, hidden } = facts;
  const choices: Choice<Omit<Partial, "guessed">>[] = [];
  if (facts.mayBeLeased) choices.push({ name: "lease", values: [no("isLeased"), yes("isLeased")] });
  if (scope.host !== undefined) choices.push({ name: "host", values: hostWays });
  if (operation.needs.includes("exec"))
    choices.push({ name: "confinement", values: [no("isUnconfined"), yes("isUnconfined")] });
  const more = labelsMaybe.filter((each) => !labels.includes(each));
  if (more.length > 0)
    choices.push({
      name: "labels",
      values: [labels, [...labels, ...more]].map((value) => ({ word: value.join(), value: { labels: value } })),
    });
  // One at a time: an operation reaches one of them.
  const granted = { model: [], project: grants.map(({ project }) => project), tool: grants.map(({ tool }) => tool) };
  const parts = hidden.flatMap((part) =>
    [...new Set([...names[part], ...granted[part]])].flatMap((id) =>
      id === undefined ? [] : [{ word: id, value: { scope: { [part]: id } } }],
    ),
  );
  if (parts.length > 0)
    choices.push({ name: hidden[0] ?? "model", values: [{ word: "", value: { scope: {} } }, ...parts] });
  return choices;
}

const no = (name: keyof World) => ({ word: "no", value: { [name]: false } });
const yes = (name: keyof World) => ({ word: "yes", value: { [name]: true } });
const hostWays = [
  { word: "closed", value: { isOpen: false, isShut: false } },
  { word: "open", value: { isOpen: true, isShut: false } },
  { word: "shut", value: { isOpen: false, isShut: true } },
];

function wayOf({ operation, caller, grants, asks, scope: known, labels, isToolGranted }: Facts, way: Partial): Way {
  const { isOpen = false, isShut = false, isUnconfined = false, isLeased = false, guessed } = way;
  const { id, effect, needs, isForPersons } = operation;
  const key = gateKey(operation);
  const scope = { ...known, ...way.scope };
  const { tool } = scope;
  const given = isToolGranted === true && tool !== undefined ? [...grants, { key, tool }] : [...grants];
  return {
    call: {
      operation: id,
      key,
      caller: { ...caller, grants: given, asks: [...asks], labels: [...(way.labels ?? labels)] },
      scope,
      effect,
      needs,
      ...(isForPersons === undefined ? {} : { isForPersons }),
    },
    world: { isOpen, isShut, isUnconfined, isLeased },
    guessed,
  };
}

/** Ids that stand for all that matter: those that somebody names, and one that nobody does. */
export type NamedIds = Readonly<Record<HiddenPart, readonly string[]>>;

/** No model, project or tool is called this. */
const nobodys = "nobody.invalid";

/** Ids that these rules name. A server's name stands for a model and a tool at it. */
export function namedIn(trials: readonly Trial[]): NamedIds {
  const texts = trials.flatMap(({ policies }) => policies.map(({ text }) => text)).join("\n");
  const ids = (type: string): readonly string[] =>
    [...texts.matchAll(new RegExp(`\\b${type}::("(?:[^"\\\\]|\\\\.)*")`, "g"))].map((match) =>
      unquoted(match[1] ?? '""'),
    );
  const servers = ids("Server");
  const unique = (...all: readonly string[]): readonly string[] => [...new Set(all)];
  return {
    model: unique(
      `${nobodys}/model`,
      "localhost:1/nobodys",
      ...ids("Model"),
      ...servers.map((each) => `${each}/${nobodys}`),
    ),
    project: unique(nobodys, ...ids("Project")),
    tool: unique(`${nobodys}/tool`, ...ids("Tool"), ...servers.map((each) => `${each}/${nobodys}`)),
  };
}

/** Cedar's escapes are those of JSON for all ids that anybody writes; another one names what no record holds. */
function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

/** What an operation may reach beside what its step's event names. */
export function hiddenOf({ scope, input }: Operation): readonly HiddenPart[] {
  if (scope === undefined) return [];
  const { properties } = input;
  return [
    ...("model" in properties ? (["model"] as const) : []),
    ...("project" in properties ? (["project"] as const) : []),
    ...("server" in properties && "tool" in properties ? (["tool"] as const) : []),
  ];
}
