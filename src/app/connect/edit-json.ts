/** Puts servers of a JSON file behind the hub, or takes them back, and leaves every other character, comments included. */
import { findNodeAtLocation, type Node, type ParseError, parseTree } from "jsonc-parser";
import type { ServerList, Shape } from "./agents.ts";
import {
  applied,
  copyOf,
  type Edit,
  type Entry,
  NotEditable,
  ownFrom,
  type Place,
  type Prefix,
  saysTheSame,
} from "./entries.ts";

export interface JsonEntry extends Entry {
  readonly shape: Shape | "nested";
}

const readTree = (text: string): Node | null => {
  if (text.trim() === "") return null;
  const faults: ParseError[] = [];
  // Some programs of Windows begin their files with a mark; a space in its place keeps every place.
  const tree = parseTree(text.replace(/^\ufeff/u, " "), faults, { allowTrailingComma: true });
  if (tree === undefined || faults.length > 0) throw new NotEditable("it is no JSON that can be read");
  return tree;
};

export function jsonEntries(text: string, lists: readonly ServerList[]): readonly JsonEntry[] {
  const tree = readTree(text);
  if (tree === null) return [];
  return lists.flatMap(({ at, shape }) =>
    placesOf(tree, at).flatMap((place) => {
      const node = findNodeAtLocation(tree, [...place]);
      return keysOf(node).flatMap((name) => entryOf(tree, { name, place: [...place, name], shape }));
    }),
  );
}

/** The places that these keys lead to, `*` being every key. */
function placesOf(tree: Node, at: readonly string[]): readonly Place[] {
  let places: readonly Place[] = [[]];
  for (const key of at) {
    places = places.flatMap((place) =>
      (key === "*" ? keysOf(findNodeAtLocation(tree, [...place])) : [key]).map((each) => [...place, each]),
    );
  }
  return places;
}

const keysOf = (node: Node | undefined): readonly string[] =>
  node?.type === "object" ? (node.children ?? []).map((property) => String(property.children?.[0]?.value)) : [];

/** As plain data in which every name is a key like any other, `__proto__` too. */
function valueOf({ type, value, children = [] }: Node): unknown {
  if (type === "array") return children.map(valueOf);
  if (type !== "object") return value;
  return Object.fromEntries(
    children.map(({ children: [key, held] = [] }) => [String(key?.value), held === undefined ? null : valueOf(held)]),
  );
}

function entryOf(
  tree: Node,
  { name, place, shape }: { readonly name: string; readonly place: Place; readonly shape: Shape },
): readonly JsonEntry[] {
  const node = findNodeAtLocation(tree, [...place]);
  if (node?.type !== "object") return [];
  const value = valueOf(node) as Readonly<Record<string, unknown>>;
  const { command, args } = value;
  const odd = { name, place, shape, kind: "odd" as const, command: [] };
  if (command === undefined) {
    const isHttp = ["url", "serverUrl", "httpUrl"].some((key) => typeof value[key] === "string");
    return isHttp ? [{ ...odd, kind: "http" }] : [];
  }
  if (shape === "joined") return [isWords(command) && command.length > 0 ? { ...odd, kind: "command", command } : odd];
  if (typeof command === "string" && isWords(args ?? []))
    return [{ ...odd, kind: "command", command: [command, ...((args ?? []) as readonly string[])] }];
  const { path, args: inner } = (typeof command === "object" && command !== null ? command : {}) as Record<
    string,
    unknown
  >;
  if (typeof path === "string" && isWords(inner ?? []))
    return [{ ...odd, shape: "nested", kind: "command", command: [path, ...((inner ?? []) as readonly string[])] }];
  return [odd];
}

const isWords = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === "string");

/** Throws `NotEditable` when the outcome would not be exactly the file as it was with these commands changed. */
export function wrapJson(text: string, entries: readonly JsonEntry[], prefix: Prefix): string {
  return changed(text, entries, ({ name, command }) => ({ add: [...prefix(name)], keep: command }));
}

export function unwrapJson(text: string, entries: readonly JsonEntry[]): string {
  return changed(text, entries, ({ command }) => ({ add: [], keep: command.slice(ownFrom(command)) }));
}

interface Change {
  /** Words before the command. */
  readonly add: readonly string[];
  /** What stays of the command: all of it, or its end. */
  readonly keep: readonly string[];
}

function changed(text: string, entries: readonly JsonEntry[], changeOf: (entry: JsonEntry) => Change): string {
  const tree = readTree(text);
  if (tree === null) return text;
  const edits = entries.flatMap((entry) => editsOf(text, tree, { entry, change: changeOf(entry) }));
  const after = applied(text, edits);
  const outcome = readTree(after);
  const isAsMeant = outcome !== null && saysTheSame(valueOf(outcome), expected(valueOf(tree), entries, changeOf));
  if (!isAsMeant) throw new NotEditable("it is written in a way that a program should not change");
  return after;
}

/** The file's value with the commands changed, and nothing else. */
function expected(value: unknown, entries: readonly JsonEntry[], changeOf: (entry: JsonEntry) => Change): unknown {
  const whole = copyOf(value);
  for (const entry of entries) {
    const { add, keep } = changeOf(entry);
    const [first = "", ...rest] = [...add, ...keep];
    const at = serverAt(whole, entry);
    if (entry.shape === "joined") at["command"] = [first, ...rest];
    else if (entry.shape === "nested") Object.assign(at["command"] as object, { path: first, args: rest });
    else Object.assign(at, { command: first, args: rest });
  }
  return whole;
}

/** A name that stands twice leads to one of the two, which may be no server. */
function serverAt(whole: unknown, { name, place }: JsonEntry): Record<string, unknown> {
  let at = whole;
  for (const key of place) at = isTree(at) && Object.hasOwn(at, key) ? at[String(key)] : undefined;
  if (!isTree(at)) throw new NotEditable(`what is called ${name} stands there more than once`);
  return at;
}

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

interface Editing {
  readonly entry: JsonEntry;
  readonly change: Change;
}

function editsOf(text: string, tree: Node, { entry, change }: Editing): readonly Edit[] {
  const { shape, place, command } = entry;
  const { add, keep } = change;
  const gone = command.length - keep.length;
  const find = (...keys: readonly string[]): Node | undefined => findNodeAtLocation(tree, [...place, ...keys]);
  if (shape === "joined") return [listEdit(text, find("command"), { add, gone })];
  const [own, list] =
    shape === "nested" ? [find("command", "path"), find("command", "args")] : [find("command"), find("args")];
  if (own === undefined) throw new NotEditable(`the command of ${entry.name} stands there more than once`);
  const [first = "", ...rest] = [...add, ...keep];
  const renamed = { from: own.offset, to: own.offset + own.length, text: JSON.stringify(first) };
  if (list === undefined) return rest.length === 0 ? [renamed] : [renamed, newList(text, own, rest)];
  // The command itself is the first word: when words come before it, it moves into the list.
  const moved = gone > 0 ? { add: [], gone } : { add: [...add.slice(1), command[0] ?? ""], gone: 0 };
  return [renamed, listEdit(text, list, moved)];
}

/** Words before the first of a list, or its first words taken out; what stands between the others stays. */
function listEdit(
  text: string,
  list: Node | undefined,
  { add, gone }: { readonly add: readonly string[]; readonly gone: number },
): Edit {
  if (list?.type !== "array") throw new NotEditable("a list of words stands there more than once");
  const items = list.children ?? [];
  const begin = list.offset + 1;
  const [first] = items;
  if (gone > 0 && first !== undefined) {
    const next = items[gone];
    const last = items.at(-1) as Node;
    return { from: first.offset, to: next?.offset ?? last.offset + last.length, text: "" };
  }
  const words = add.map((word) => JSON.stringify(word));
  if (first === undefined) return { from: begin, to: begin, text: words.join(", ") };
  const space = text.slice(begin, first.offset);
  const between = /^\s*\n\s*$/u.test(space) ? `,${space}` : ", ";
  return { from: first.offset, to: first.offset, text: words.map((word) => `${word}${between}`).join("") };
}

/** A list behind the command, on a line of its own where the command has one. */
function newList(text: string, own: Node, words: readonly string[]): Edit {
  const before = text.slice(0, own.parent?.offset ?? own.offset);
  const space = /\s*$/u.exec(before)?.[0] ?? "";
  const end = own.offset + own.length;
  const list = `"args": [${words.map((word) => JSON.stringify(word)).join(", ")}]`;
  return { from: end, to: end, text: `,${space.includes("\n") ? space : " "}${list}` };
}

/** The text for a person's eyes: values that are handed to servers are not shown. */
export function maskJson(text: string, entries: readonly JsonEntry[]): string {
  const tree = readTree(text);
  if (tree === null) return text;
  const edits = entries.flatMap(({ place }) =>
    ["env", "environment", "headers"].flatMap((key) =>
      (findNodeAtLocation(tree, [...place, key])?.children ?? []).flatMap((property): readonly Edit[] => {
        const value = property.children?.[1];
        return value === undefined ? [] : [{ from: value.offset, to: value.offset + value.length, text: '"…"' }];
      }),
    ),
  );
  return applied(text, edits);
}
