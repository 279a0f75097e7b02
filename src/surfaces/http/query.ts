/** The query of an address, as names with their values. */
import { parse } from "node:querystring";

export type Query = Readonly<Record<string, string | readonly string[]>>;

const empty: Query = Object.freeze({});

export function queryOf(url: string): Query {
  const begin = url.indexOf("?");
  if (begin === -1) return empty;
  const end = url.indexOf("#", begin);
  const text = url.slice(begin + 1, end === -1 ? undefined : end);
  // As many as the header lines have room for.
  return text === "" ? empty : (parse(text, "&", "=", { maxKeys: 0, decodeURIComponent: decoded }) as Query);
}

/** What is no percent-encoding stays as it is: whether it means anything, the schema says. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
