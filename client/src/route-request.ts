/** Turns an operation's route and input into a request. Imports nothing, and is shared with the hub's command line. */

export interface RouteRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  /** JSON text; undefined for methods without a body. */
  readonly body: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fills `{name}` in the path from the input; the rest becomes the query of GET and DELETE, else the JSON body. */
export function routeRequest(route: string, input: Fields): RouteRequest {
  const [method = "GET", template = "/"] = route.split(" ");
  const used = new Set<string>();
  const path = template.replace(/\{([^}]+)\}/g, (_whole, name: string) => {
    const value = input[name];
    if (value === undefined || value === "") throw new TypeError(`The path needs ${name}.`);
    used.add(name);
    return encodeURIComponent(plainText(value));
  });
  const rest = Object.entries(input).filter(([name, value]) => !used.has(name) && value !== undefined);
  if (method !== "GET" && method !== "DELETE") return { method, path, body: JSON.stringify(Object.fromEntries(rest)) };
  const query = rest.flatMap(([name, value]) => queryPairs(name, value)).join("&");
  return { method, path: query === "" ? path : `${path}?${query}`, body: undefined };
}

/** Lists repeat their name; objects travel as JSON. */
function queryPairs(name: string, value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.map((entry) => `${encodeURIComponent(name)}=${encodeURIComponent(plainText(entry))}`);
}

const plainText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
