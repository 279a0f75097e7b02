/** Says in words what a pattern allows, for whoever typed something else: a regular expression is no answer to a person. */

/** `^[a-z][a-z0-9-]{0,39}$`: fixed text in front, which may be left out, one character of some kinds, then more of some kinds. */
const simpleForm =
  /^\^(?:\(([a-z0-9:]+)\)\?)?([A-Za-z0-9:-]*)(?:\[([^\]^]+)\])?\[([^\]^]+)\](?:\*|\+|\{(\d+)(?:,(\d+))?\})\$$/;
const notBlank = "\\S";

/** `must be 1 to 40 small letters, digits or "-", and begin with a small letter`; null for what is no such form. */
export function patternWords(pattern: string): string | null {
  if (pattern === notBlank) return "must not be blank";
  const [, spared, prefix = "", first, rest, from, to] = simpleForm.exec(pattern) ?? [];
  const kinds = rest === undefined ? null : kindsOf(rest);
  const begin = first === undefined ? [] : kindsOf(first);
  if (kinds === null || begin === null) return null;
  const count = countWords({ from, to, isMore: first !== undefined });
  const free = spared === undefined ? "" : `, with or without ${JSON.stringify(spared)} in front`;
  const words = `${count}${listed(kinds.map(({ many }) => many))}${free}`;
  if (prefix !== "") return `must be ${JSON.stringify(prefix)} and ${words}`;
  const isNarrower = first !== undefined && first !== rest;
  return `must be ${words}${isNarrower ? `, and begin with a ${listed(begin.map(({ one }) => one))}` : ""}`;
}

interface Count {
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** There is one more in front of those that are counted. */
  readonly isMore: boolean;
}

function countWords({ from, to, isMore }: Count): string {
  if (from === undefined) return "";
  const least = Number(from) + (isMore ? 1 : 0);
  const most = Number(to ?? from) + (isMore ? 1 : 0);
  return least === most ? `${least} ` : `${least} to ${most} `;
}

interface Kind {
  readonly one: string;
  readonly many: string;
}

/** Wider ranges first. */
const ranges: readonly (readonly [range: string, kind: string])[] = [
  ["A-Za-z", "letter"],
  ["A-Z", "capital"],
  ["a-z", "small letter"],
  ["0-9", "digit"],
  ["a-f", "letter from a to f"],
];

/** Null where the class holds what these words do not say. */
function kindsOf(characters: string): readonly Kind[] | null {
  const kinds: Kind[] = [];
  let left = characters;
  for (const [range, kind] of ranges) {
    if (!left.includes(range)) continue;
    left = left.replace(range, "");
    kinds.push({ one: kind, many: kind.replace("letter", "letters").replace(/(?<=capital|digit)$/, "s") });
  }
  if (!/^[^-\\]*-?$/.test(left)) return null;
  for (const each of left) kinds.push({ one: JSON.stringify(each), many: JSON.stringify(each) });
  return kinds;
}

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
