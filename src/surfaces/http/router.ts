/** Which row of the table a request means: a tree of path parts, in which a name goes before a parameter, and that before the rest. */
import { strict as assert } from "node:assert";
import { Problem } from "../../contract/problem.ts";
import { InvalidInput, NotFound } from "../../contract/standard-problems.ts";

/** What stands for parts of the address, by name; all that a `*` at the end took is under `*`. */
export type Params = Readonly<Record<string, string>>;

export interface Match<R> {
  readonly route: R;
  readonly params: Params;
}

export interface Router<R> {
  /** Null where nothing fits. `url` may bring its query along. Throws the problem of an address that is none. */
  match(method: string, url: string): Match<R> | null;
  /** What the address can be asked by, sorted; empty where nothing fits, whatever the method. Throws as `match` does. */
  methodsOf(url: string): readonly string[];
}

export interface Routed {
  readonly method: string;
  /** `/tasks/:taskId`, `/ui/*`; a colon that is meant is doubled. */
  readonly path: string;
}

interface Leaf<R> {
  readonly route: R;
  readonly names: readonly string[];
}

interface Node<R> {
  readonly named: Map<string, Node<R>>;
  any: Node<R> | null;
  /** By method: routes that end here, and those that take whatever comes behind. */
  readonly ends: Map<string, Leaf<R>>;
  readonly rests: Map<string, Leaf<R>>;
}

/** Keys of view rows may be 500 characters, percent-encoded three times that. */
const paramLengthMax = 1_536;
/** The name of what a route takes that goes on from its own path. */
export const restName = "*";

export function createRouter<R extends Routed>(routes: readonly R[]): Router<R> {
  const root = createNode<R>();
  for (const route of routes) add(root, route);
  return {
    match(method, url) {
      const parts = partsOf(url);
      // What answers GET answers HEAD; its body is never sent.
      return find(root, parts, method) ?? (method === "HEAD" ? find(root, parts, "GET") : null);
    },
    methodsOf(url) {
      const methods = new Set<string>();
      gather(root, partsOf(url), methods);
      if (methods.has("GET")) methods.add("HEAD");
      return [...methods].toSorted();
    },
  };
}

function createNode<R>(): Node<R> {
  return { named: new Map(), any: null, ends: new Map(), rests: new Map() };
}

function add<R extends Routed>(root: Node<R>, route: R): void {
  const names: string[] = [];
  let node = root;
  const parts = route.path.slice(1).split("/");
  const isOpen = parts.at(-1) === restName;
  for (const part of isOpen ? parts.slice(0, -1) : parts) {
    const name = /^:([^:].*)$/.exec(part)?.[1];
    if (name === undefined) {
      const word = part.replaceAll("::", ":");
      const next = node.named.get(word) ?? createNode<R>();
      node.named.set(word, next);
      node = next;
    } else {
      names.push(name);
      node = node.any ??= createNode<R>();
    }
  }
  const leaves = isOpen ? node.rests : node.ends;
  assert(!leaves.has(route.method), `${route.method} ${route.path} is served twice`);
  leaves.set(route.method, { route, names: isOpen ? [...names, restName] : names });
}

/** Decoded part by part, so that no encoded slash makes two of one. A whole URL, or a star, is no path and has none. */
function partsOf(url: string): readonly string[] {
  const end = url.search(/[?#]/);
  const path = end === -1 ? url : url.slice(0, end);
  if (!path.startsWith("/")) return [];
  const parts = path.slice(1).split("/");
  if (!path.includes("%")) return parts;
  try {
    return parts.map(decodeURIComponent);
  } catch (error) {
    throw new Problem(InvalidInput, "The address is not a valid URL path.", { cause: error });
  }
}

function find<R>(root: Node<R>, parts: readonly string[], method: string): Match<R> | null {
  const values: string[] = [];
  const leaf = walk(root, { parts, method, values }, 0);
  if (leaf === null) return null;
  const params: Record<string, string> = {};
  leaf.names.forEach((name, place) => (params[name] = values[place] ?? ""));
  return { route: leaf.route, params };
}

interface Walk {
  readonly parts: readonly string[];
  readonly method: string;
  /** What the parameters on the way here stand for. */
  readonly values: string[];
}

function walk<R>(node: Node<R>, on: Walk, at: number): Leaf<R> | null {
  const { parts, method, values } = on;
  const part = parts[at];
  if (part === undefined) return node.ends.get(method) ?? null;
  const named = node.named.get(part);
  const found = named === undefined ? null : walk(named, on, at + 1);
  if (found !== null) return found;
  if (node.any !== null) {
    const depth = values.push(part);
    const below = walk(node.any, on, at + 1);
    if (below !== null && part.length > paramLengthMax)
      throw new Problem(NotFound, "A part of the address is too long to name anything.");
    if (below !== null) return below;
    values.length = depth - 1;
  }
  const rest = node.rests.get(method);
  if (rest === undefined) return null;
  values.push(parts.slice(at).join("/"));
  return rest;
}

/** Every route that fits counts, not only the first: an address may be read under its name and written as a parameter. */
function gather<R>(node: Node<R>, parts: readonly string[], methods: Set<string>): void {
  const [part, ...behind] = parts;
  if (part === undefined) {
    for (const method of node.ends.keys()) methods.add(method);
    return;
  }
  const named = node.named.get(part);
  if (named !== undefined) gather(named, behind, methods);
  if (node.any !== null && part.length <= paramLengthMax) gather(node.any, behind, methods);
  for (const method of node.rests.keys()) methods.add(method);
}
