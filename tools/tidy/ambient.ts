/** Clock, chance, environment, console, timers and network reach the code through parameters; replay depends on it. */
import { type Fault, faultAt, type Node, type Source, walk } from "./source.ts";

/** Globals that are the world themselves. */
const globals: Readonly<Record<string, string>> = {
  process: "read it in app and pass it on",
  console: "use a Log or return the text",
  fetch: "use a port",
  XMLHttpRequest: "use a port",
  WebSocket: "use a port",
  performance: "use the Clock port",
  setTimeout: "use the Clock port",
  setInterval: "use the Clock port",
  setImmediate: "use the Clock port",
};
/** Members of globals that are otherwise harmless. */
const members: Readonly<Record<string, string>> = {
  "Date.now": "use ctx.now() or the Clock port",
  "Math.random": "use ctx.random() or the Chance port",
  "crypto.randomUUID": "use ctx.id() or the Chance port",
  "crypto.getRandomValues": "use the Chance port",
};
/** Names of `node:crypto` that draw from the machine. */
const chanceImports = new Set([
  "randomUUID",
  "randomUUIDv7",
  "randomBytes",
  "randomInt",
  "randomFill",
  "randomFillSync",
  "getRandomValues",
]);
const freeRooms = new Set(["app", "adapters"]);
/** The surface that listens to the network takes Node's server in this file, late, and nothing else of the world. */
const listener = { file: "src/surfaces/http/listener.ts", takes: "process.getBuiltinModule" };

export function ambientFaults(source: Source): Fault[] {
  if (source.area !== "src" || freeRooms.has(source.room) || source.isTest) return [];
  const own = declaredNames(source.body);
  const faults: Fault[] = [];
  const add = (node: Node, name: string, advice: string): void => {
    faults.push(faultAt(source, node.start, ["ambient", `${name} is the outside world; ${advice}`]));
  };
  for (const entry of source.imports) {
    if (entry.specifier !== "node:crypto") continue;
    for (const { imported, isTypeOnly } of entry.names) {
      if (chanceImports.has(imported) && !isTypeOnly)
        faults.push(faultAt(source, entry.at, ["ambient", `${imported} is chance; use the Chance port`]));
    }
  }
  walk(source.body, (node, parent) => {
    if (isType(node)) return false;
    if (node.type === "Identifier" && isReference(node, parent) && !own.has(node.name) && !listens(source, parent)) {
      const advice = globals[node.name];
      if (advice !== undefined) add(node, node.name, advice);
    }
    if (node.type === "MemberExpression") {
      const name = memberName(node);
      const advice =
        members[name] ?? (name.startsWith("globalThis.") ? globals[name.slice("globalThis.".length)] : undefined);
      if (advice !== undefined) add(node, name, advice);
    }
    if (node.type === "NewExpression" && isNamed(node.callee, "Date") && node.arguments.length === 0) {
      add(node, "new Date()", "use ctx.now() or the Clock port");
    }
    return true;
  });
  return faults;
}

const listens = ({ file }: Source, parent: Node | undefined): boolean =>
  file === listener.file && parent?.type === "MemberExpression" && memberName(parent) === listener.takes;

/** Types are erased: `typeof fetch` in one reaches nothing. */
const isType = (node: Node): boolean =>
  /^TS(Type|Interface|Method|Property|Call|Construct|Function|Index|Union|Intersection|Import|Array|Tuple|Conditional|Mapped)/.test(
    node.type,
  ) && node.type !== "TSTypeAssertion";

function isReference(node: Node, parent: Node | undefined): boolean {
  if (parent?.type === "MemberExpression") return parent.object === node || parent.computed;
  if (parent?.type === "Property") return parent.value === node || parent.computed;
  if (parent?.type === "MethodDefinition" || parent?.type === "PropertyDefinition")
    return parent.key !== node || parent.computed;
  return true;
}

/** Names that the file declares itself, as parameters or otherwise: an injected `fetch` is not the ambient one. */
function declaredNames(body: readonly Node[]): ReadonlySet<string> {
  const names = new Set<string>();
  const bind = (node: Node): void => {
    if (node.type === "Identifier") names.add(node.name);
    if (node.type === "AssignmentPattern") bind(node.left);
    if (node.type === "RestElement") bind(node.argument);
    if (node.type === "ArrayPattern") for (const element of node.elements) if (element) bind(element);
    if (node.type === "ObjectPattern")
      for (const entry of node.properties) bind(entry.type === "Property" ? entry.value : entry);
  };
  walk(body, (node) => {
    if (node.type === "VariableDeclarator") bind(node.id);
    if (
      node.type === "ImportSpecifier" ||
      node.type === "ImportDefaultSpecifier" ||
      node.type === "ImportNamespaceSpecifier"
    )
      bind(node.local);
    if ("params" in node && Array.isArray(node.params)) for (const parameter of node.params) bind(parameter);
    if (node.type === "FunctionDeclaration" && node.id) bind(node.id);
  });
  return names;
}

function memberName(node: Extract<Node, { type: "MemberExpression" }>): string {
  const object =
    node.object.type === "MemberExpression"
      ? memberName(node.object)
      : node.object.type === "Identifier"
        ? node.object.name
        : "";
  const property = node.property.type === "Identifier" ? node.property.name : "";
  return `${object}.${property}`.replace(/^globalThis\.(?=[^.]+\.)/, "");
}

const isNamed = (node: Node, name: string): boolean => node.type === "Identifier" && node.name === name;
