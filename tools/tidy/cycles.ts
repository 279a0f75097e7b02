/** Cycles in a graph, each named once by its shortest readable form. */
import type { Fault, Source } from "./source.ts";

/** Edges of what is loaded at run time; type-only imports are erased and cannot form a cycle. */
export function importGraph(sources: readonly Source[]): Map<string, readonly string[]> {
  return new Map(
    sources
      .filter((source) => !source.isTest)
      .map((source) => [
        source.file,
        source.imports.flatMap((entry) => (entry.target === null || entry.isTypeOnly ? [] : [entry.target])),
      ]),
  );
}

export const cycleFaults = (sources: readonly Source[]): Fault[] =>
  cyclesOf(importGraph(sources)).map((cycle) => ({
    file: cycle[0] ?? "",
    line: 1,
    rule: "cycles",
    message: `import cycle ${[...cycle, cycle[0]].join(" -> ")}`,
  }));

/** One cycle per back edge of a depth-first walk; none exactly when the graph has none. */
export function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const state = new Map<string, "open" | "done">();
  const trail: string[] = [];
  const enter = (node: string): void => {
    if (state.get(node) === "done") return;
    if (state.get(node) === "open") {
      found.push(trail.slice(trail.indexOf(node)));
      return;
    }
    state.set(node, "open");
    trail.push(node);
    for (const next of graph.get(node) ?? []) enter(next);
    trail.pop();
    state.set(node, "done");
  };
  for (const node of graph.keys()) enter(node);
  return found;
}
