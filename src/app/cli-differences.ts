/** Two values beside each other in a terminal: only where they differ, with one line for each side. */
import type { Pen } from "../surfaces/cli/pen.ts";

/** Behind so many places nobody reads on; all of it is in the answer with --json. */
const placesMax = 12;
/** Of a side that is longer, what stands around the first difference. */
const sideCharsMax = 240;
const sideCharsBefore = 60;
/** Values of agents are redacted to this depth; deeper ones are compared as text. */
const depthMax = 64;

interface Place {
  readonly at: string;
  /** Undefined where this side has nothing there. */
  readonly recorded: unknown;
  readonly made: unknown;
}

/** `-` is what the record says, `+` what came of it now. */
export function differenceLines(recorded: unknown, made: unknown, pen: Pen): readonly string[] {
  const places = told(placesOf({ at: "", recorded, made }, 0));
  const more = places.length - placesMax;
  return [
    ...places.slice(0, placesMax).flatMap((place) => placeLines(place, pen)),
    ...(more > 0 ? [pen.paint("dim", `  and ${more} more places; all of it with --json`)] : []),
  ];
}

/** A digest says that something differs, and nothing to whom the difference itself can be shown. */
function told(places: readonly Place[]): readonly Place[] {
  const speaking = places.filter(({ at }) => !/(?:Digest|Ref)$/u.test(at));
  return speaking.length > 0 ? speaking : places;
}

function placesOf({ at, recorded, made }: Place, depth: number): readonly Place[] {
  if (textOf(recorded) === textOf(made)) return [];
  if (!isNode(recorded) || !isNode(made) || Array.isArray(recorded) !== Array.isArray(made) || depth >= depthMax)
    return [{ at, recorded, made }];
  const [a, b] = [recorded as Readonly<Record<string, unknown>>, made as Readonly<Record<string, unknown>>];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.flatMap((name) =>
    placesOf({ at: at === "" ? name : `${at}.${name}`, recorded: own(a, name), made: own(b, name) }, depth + 1),
  );
}

const isNode = (value: unknown): value is object => typeof value === "object" && value !== null;
const own = (node: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(node, name) ? node[name] : undefined;
const textOf = (value: unknown): string => JSON.stringify(value) ?? "";

function placeLines({ at, recorded, made }: Place, pen: Pen): readonly string[] {
  const [then, now] = [textOf(recorded), textOf(made)];
  const from = firstDifference(then, now);
  const side = (text: string): string => pen.line(`${at === "" ? "" : `${at}: `}${excerpt(text, from)}`);
  return [
    ...(then === "" ? [] : [pen.paint("red", `  - ${side(then)}`)]),
    ...(now === "" ? [] : [pen.paint("green", `  + ${side(now)}`)]),
  ];
}

function firstDifference(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) if (a[at] !== b[at]) return at;
  return length;
}

function excerpt(text: string, differsAt: number): string {
  if (text.length <= sideCharsMax) return text;
  const from = Math.min(Math.max(0, differsAt - sideCharsBefore), text.length - sideCharsMax);
  const end = from + sideCharsMax;
  return `${from > 0 ? "…" : ""}${text.slice(from, end)}${end < text.length ? "…" : ""}`;
}
