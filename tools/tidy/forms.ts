/** Forms that the house does without: bare errors, star and default exports, `any`, enums, work at import time. */
import { type Fault, faultAt, type Node, type Source, walk } from "./source.ts";

/** Programs: what they do at the top is their purpose. */
const entries =
  /^(src\/app\/(main|cli)\.ts|src\/adapters\/[^/]+\/(worker|child)\.ts|web\/.*main\.tsx?|(tools|bench|test|web\/dev)\/.*)$/;
/** Tools ask for a default export here. */
const configs = /(^|\/)[a-z]+\.config\.ts$|^test\/reporter\.ts$/;
const bareErrors = new Set(["Error", "AggregateError"]);
/** Globals whose calls only make values. */
const pureGlobals = new Set([
  "Object",
  "Array",
  "String",
  "Number",
  "Boolean",
  "BigInt",
  "Symbol",
  "JSON",
  "Math",
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "WeakRef",
  "RegExp",
  "Uint8Array",
  "Uint16Array",
  "Uint32Array",
  "Int32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "ArrayBuffer",
  "DataView",
  "TextEncoder",
  "TextDecoder",
  "URL",
  "Intl",
  "Buffer",
  "Proxy",
  "Date",
]);

/** Methods of lists and texts, which make new ones whatever they are called on. */
const pureMethods = new Set(
  "at concat entries filter find flat flatMap includes indexOf join keys map reduce repeat replaceAll slice some split toReversed toSorted toUpperCase toLowerCase trim values".split(
    " ",
  ),
);

export function formFaults(source: Source): Fault[] {
  const faults: Fault[] = [];
  const add = (node: Node, rule: string, message: string): void => {
    faults.push(faultAt(source, node.start, [rule, message]));
  };
  if (source.body.length === 0 && /\S/.test(source.text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "")))
    add({ start: 0 } as Node, "syntax", "does not parse");
  walk(source.body, (node) => {
    if (node.type === "ThrowStatement" && isBareError(node.argument) && !source.isTest && source.area === "src") {
      add(node, "errors", "throw a Problem, or assert; RangeError and TypeError are for misuse");
    }
    if (node.type === "ExportAllDeclaration") add(node, "exports", "name what is exported instead of `export *`");
    if (node.type === "ExportDefaultDeclaration" && !configs.test(source.file))
      add(node, "exports", "export by name, not by default");
    if (node.type === "TSAnyKeyword" && !source.isGenerated) add(node, "any", "use unknown, narrowed by a schema");
    if (node.type === "TSEnumDeclaration") add(node, "erasable", "use a union of words instead of an enum");
    if (node.type === "TSModuleDeclaration" && !isAugmentation(node))
      add(node, "erasable", "use a module instead of a namespace");
    if (node.type === "TSParameterProperty") add(node, "erasable", "write the field out");
    if (node.type === "Decorator") add(node, "erasable", "call a function instead of decorating");
  });
  if (!source.isTest && !entries.test(source.file))
    for (const node of importEffects(source))
      add(node, "effects", "nothing happens at import time: move it into a function");
  return faults;
}

/** `declare module "name"` adds to another module's types and is erased. */
const isAugmentation = (node: Extract<Node, { type: "TSModuleDeclaration" }>): boolean =>
  node.declare && node.id.type === "Literal";

const isBareError = (node: Node): boolean =>
  (node.type === "NewExpression" || node.type === "CallExpression") &&
  node.callee.type === "Identifier" &&
  bareErrors.has(node.callee.name);

/** Top-level statements that do something, and top-level calls of what may do something. */
function importEffects(source: Source): Node[] {
  const callable = callableNames(source);
  return source.body.flatMap((statement) => {
    const node =
      statement.type === "ExportNamedDeclaration" && statement.declaration ? statement.declaration : statement;
    if (node.type === "VariableDeclaration")
      return node.declarations.flatMap(({ init }) => (init ? effectsIn(init, callable) : []));
    return isDeclaration(node) ? [] : [node];
  });
}

const isDeclaration = (node: Node): boolean =>
  /^(Import|Export|Function|Class|Empty|TS)/.test(node.type) ||
  ("directive" in node && node.directive !== null && node.directive !== undefined);

function effectsIn(node: Node, callable: ReadonlySet<string>): Node[] {
  const found: Node[] = [];
  walk([node], (inner) => {
    if (/^(ArrowFunctionExpression|FunctionExpression|ClassExpression)$/.test(inner.type)) return false;
    if (!isEffect(inner, callable)) return true;
    found.push(inner);
    return false;
  });
  return found;
}

function isEffect(node: Node, callable: ReadonlySet<string>): boolean {
  if (/^(AwaitExpression|AssignmentExpression|UpdateExpression|ImportExpression)$/.test(node.type)) return true;
  if (node.type !== "CallExpression" && node.type !== "NewExpression") return false;
  const isPureMethod =
    node.callee.type === "MemberExpression" &&
    node.callee.property.type === "Identifier" &&
    pureMethods.has(node.callee.property.name);
  if (isPureMethod) return false;
  const root = rootName(node.callee);
  return root !== "" && !callable.has(root);
}

/**
 * Base and contract do no I/O, so whatever comes from there only makes values, as does the file's own code outside `app` and
 * `adapters`, where the ambient rule keeps it from the world.
 */
function callableNames(source: Source): ReadonlySet<string> {
  const names = new Set(pureGlobals);
  for (const entry of source.imports) {
    const isPure =
      entry.target === null
        ? source.area === "web" || entry.specifier === "typebox"
        : isPureTarget(source, entry.target);
    if (isPure) for (const { local } of entry.names) names.add(local);
  }
  for (const node of source.body) for (const name of declared(node)) names.add(name);
  return names;
}

function isPureTarget(source: Source, target: string): boolean {
  if (source.area !== "src") return true;
  const [, room = ""] = target.split("/");
  return room === "base" || room === "contract" || (room === "domains" && source.room === "domains");
}

function declared(statement: Node): string[] {
  const node = statement.type === "ExportNamedDeclaration" && statement.declaration ? statement.declaration : statement;
  if ((node.type === "FunctionDeclaration" || node.type === "ClassDeclaration") && node.id) return [node.id.name];
  if (node.type !== "VariableDeclaration") return [];
  return node.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
}

/** `a` of `a.b(…).c(…)`; empty for literals and functions written in place, whose methods only make values. */
function rootName(node: Node): string {
  if (node.type === "Identifier") return node.name;
  if (node.type === "MemberExpression") return rootName(node.object);
  if (node.type === "CallExpression" || node.type === "NewExpression") return rootName(node.callee);
  if (
    node.type === "TSAsExpression" ||
    node.type === "TSNonNullExpression" ||
    node.type === "TSSatisfiesExpression" ||
    node.type === "ParenthesizedExpression"
  )
    return rootName(node.expression);
  if (node.type === "MetaProperty") return "import.meta";
  return "";
}
