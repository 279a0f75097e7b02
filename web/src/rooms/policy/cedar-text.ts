/** Splits the text of a policy into what is worth a colour. The pieces, put together, are the text. */

export type CedarSort = "comment" | "annotation" | "text" | "word" | "type" | "plain";

export interface CedarPiece {
  readonly sort: CedarSort;
  readonly text: string;
  /** Where it begins. */
  readonly at: number;
}

const words = "permit|forbid|when|unless|principal|action|resource|context|in|has|is|like|if|then|else|true|false";
const pieces = new RegExp(
  `(?<comment>//[^\\n]*)|(?<annotation>@[a-z_]\\w*)|(?<text>"(?:[^"\\\\\\n]|\\\\.)*")|(?<type>[A-Za-z_]\\w*(?=::))|(?<word>\\b(?:${words})\\b)`,
  "giu",
);

export function cedarPieces(text: string): readonly CedarPiece[] {
  const found: CedarPiece[] = [];
  let end = 0;
  for (const match of text.matchAll(pieces)) {
    if (match.index > end) found.push({ sort: "plain", text: text.slice(end, match.index), at: end });
    const [sort = "plain"] = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined) ?? [];
    found.push({ sort: sort as CedarSort, text: match[0], at: match.index });
    end = match.index + match[0].length;
  }
  if (end < text.length) found.push({ sort: "plain", text: text.slice(end), at: end });
  return found;
}
