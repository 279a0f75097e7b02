/** Who calls whom among the domains, read from the imports of their code. */
import { cyclesOf } from "./cycles.ts";
import type { Fault, Node, Source } from "./source.ts";

export type EdgeKind = "calls" | "folds" | "emits" | "words";

/** `from` uses `names` of the contract of `to`. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
  readonly names: readonly string[];
}

const contractOf = /^src\/domains\/([^/]+)\/contract\.ts$/;

export function domainEdges(sources: readonly Source[]): Edge[] {
  const definers = new Map(
    sources.filter(({ file }) => contractOf.test(file)).map((source) => [source.file, definersOf(source)]),
  );
  const found = new Map<string, { from: string; to: string; kind: EdgeKind; names: Set<string> }>();
  for (const source of sources) {
    if (source.room !== "domains" || source.isTest) continue;
    for (const { target, names } of source.imports) {
      const to = contractOf.exec(target ?? "")?.[1];
      if (to === undefined || to === source.part) continue;
      for (const { imported, isTypeOnly } of names) {
        const kind = isTypeOnly ? "words" : edgeKind(source.file, definers.get(target ?? "")?.get(imported));
        const key = `${source.part} ${to} ${kind}`;
        const edge = found.get(key) ?? { from: source.part, to, kind, names: new Set<string>() };
        found.set(key, edge);
        edge.names.add(imported);
      }
    }
  }
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { from, to, kind, names }]) => ({ from, to, kind, names: [...names].toSorted() }));
}

/** A ring of calls cannot be understood, tested or stopped from one place; facts may flow in both directions. */
export function domainCycleFaults(sources: readonly Source[]): Fault[] {
  const calls = Map.groupBy(
    domainEdges(sources).filter(({ kind }) => kind === "calls"),
    ({ from }) => from,
  );
  const graph = new Map([...calls].map(([from, edges]) => [from, edges.map(({ to }) => to)]));
  return cyclesOf(graph).map((cycle) => ({
    file: `src/domains/${cycle[0]}/contract.ts`,
    line: 1,
    rule: "cycles",
    message: `domains call in a ring: ${[...cycle, cycle[0]].join(" -> ")}`,
  }));
}

function edgeKind(file: string, definer: string | undefined): EdgeKind {
  if (definer === "op") return "calls";
  if (definer !== "event") return "words";
  return file.endsWith("/views.ts") ? "folds" : "emits";
}

/** `op`, `event` or `problem` for each exported name of a contract. */
function definersOf({ body }: Source): Map<string, string> {
  const names = new Map<string, string>();
  for (const statement of body) {
    if (statement.type !== "ExportNamedDeclaration" || statement.declaration?.type !== "VariableDeclaration") continue;
    for (const { id, init } of statement.declaration.declarations) {
      if (id.type === "Identifier") names.set(id.name, calleeName(init));
    }
  }
  return names;
}

const calleeName = (node: Node | null): string =>
  node?.type === "CallExpression" && node.callee.type === "Identifier" ? node.callee.name : "";
