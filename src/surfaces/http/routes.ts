/** Which addresses exist, for the refusals: the router only knows what it matched. */

export interface RouteIndex {
  /** Methods of every route whose form fits the path; empty when there is none. */
  methodsOf(path: string): readonly string[];
}

interface Known {
  readonly method: string;
  /** null stands for a parameter. */
  readonly parts: readonly (string | null)[];
}

/** Looked at only for requests that matched nothing, so a plain walk over some hundred rows is enough. */
export function createRouteIndex(routes: readonly { readonly method: string; readonly path: string }[]): RouteIndex {
  const known: readonly Known[] = routes.map(({ method, path }) => ({ method, parts: path.split("/").map(partOf) }));
  return {
    methodsOf(path) {
      const parts = path.split("/");
      const methods = new Set(known.filter((route) => fits(route.parts, parts)).map((route) => route.method));
      if (methods.has("GET")) methods.add("HEAD");
      return [...methods].toSorted();
    },
  };
}

const partOf = (part: string): string | null => (/^:[^:]/.test(part) ? null : part.replaceAll("::", ":"));

function fits(pattern: readonly (string | null)[], parts: readonly string[]): boolean {
  const isOpen = pattern.at(-1) === "*";
  const fixed = isOpen ? pattern.slice(0, -1) : pattern;
  if (isOpen ? parts.length < pattern.length : parts.length !== pattern.length) return false;
  return fixed.every((part, index) => (part === null ? parts[index] !== "" : part === parts[index]));
}
