/** Where two runs part. Ids, times, hubs and hashes differ between any two runs; what is left is what they did. */
import { canonicalJson } from "../../base/canonical-json.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Static } from "../../contract/schema.ts";
import { type Diff, diffRowsMax, type Manifest } from "./contract.ts";
import { stepNamed, stepOf } from "./describe.ts";
import { type Breathe, inPieces } from "./pieces.ts";
import type { Recording } from "./recording.ts";

type Answer = Static<typeof Diff.output>;
type Row = Answer["differing"][number];
type Side = NonNullable<Row["a"]>;

interface Compared {
  readonly event: Envelope;
  /** What counts of it. */
  readonly text: string;
}

interface Telling {
  readonly tell: (event: Envelope) => string;
  readonly breathe: Breathe;
}

/** Edits that the search for the shortest difference looks at; behind that the rest of both counts as different. */
const editsMax = 500;
/** One side of a row; nobody reads more of it. */
const jsonCharsMax = 4_000;

export async function diffOf(a: Recording, b: Recording, { tell, breathe }: Telling): Promise<Answer> {
  const left = await comparedOf(a.events, breathe);
  const right = await comparedOf(b.events, breathe);
  let equalEvents = 0;
  while (equalEvents < left.length && left[equalEvents]?.text === right[equalEvents]?.text) equalEvents += 1;
  const isEqual = equalEvents === left.length && equalEvents === right.length;
  const rows = isEqual ? [] : pairs(left.slice(equalEvents), right.slice(equalEvents));
  const side = (each: Compared | null): Side | null => (each === null ? null : sideOf(each, tell));
  const differing = rows.slice(0, diffRowsMax).map((row) => ({ a: side(row.a), b: side(row.b) }));
  return {
    isEqual,
    equalEvents,
    firstStep: isEqual ? null : stepAt(left, right, equalEvents),
    first: differing[0] ?? null,
    differing,
    onlyA: rows.filter((row) => row.b === null).length,
    onlyB: rows.filter((row) => row.a === null).length,
    inForce: inForceDiff(a.manifest, b.manifest),
  };
}

const sideOf = ({ event, text }: Compared, tell: (event: Envelope) => string): Side => ({
  seq: event.seq,
  kind: event.kind,
  step: stepOf(event),
  text: tell(event),
  json: text.slice(0, jsonCharsMax),
});

/** The step that is under way there: the one behind all that ended before. */
function stepAt(left: readonly Compared[], right: readonly Compared[], at: number): number {
  const here = left[at] ?? right[at];
  const own = here === undefined ? null : stepNamed(here.event);
  if (own !== null) return own;
  return left.slice(0, at).reduce((most, { event }) => Math.max(most, stepOf(event) ?? 0), 0);
}

const uuidForm = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Books that the hub keeps beside a run: they say when and where, and nothing of what the run did. */
const untold = (kind: string): boolean => kind.startsWith("task.");

async function comparedOf(events: readonly Envelope[], breathe: Breathe): Promise<readonly Compared[]> {
  const names = new Map<string, string>();
  const named = (id: string): string => {
    const known = names.get(id) ?? `id ${names.size + 1}`;
    names.set(id, known);
    return known;
  };
  const told = events.filter(({ kind }) => !untold(kind));
  return await inPieces(told, { breathe, phase: "comparing" }, (event) => {
    const { kind, version, caller, data } = event;
    const text = canonicalJson({ kind, version, caller, data: timeless(data) });
    const own = text.replaceAll(event.corrId, "the run");
    return { event, text: own.replace(uuidForm, named) };
  });
}

function timeless(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(timeless);
  const members = Object.entries(value).filter(
    ([name, member]) => !(name.endsWith("Ms") && typeof member === "number"),
  );
  return Object.fromEntries(members.map(([name, member]) => [name, timeless(member)]));
}

interface Pair {
  readonly a: Compared | null;
  readonly b: Compared | null;
}

/** The shortest way from one to the other (Myers), with what was replaced beside what took its place. */
function pairs(left: readonly Compared[], right: readonly Compared[]): readonly Pair[] {
  const blocks = apart(left, right, ({ text }) => text);
  return blocks
    .flatMap(({ a, b }) => apart(a, b, ({ event }) => event.kind))
    .flatMap(({ a, b, end }) => [
      ...a.map((each): Pair => ({ a: each, b: null })),
      ...b.map((each): Pair => ({ a: null, b: each })),
      ...(end === null ? [] : [end]),
    ]);
}

interface Block {
  readonly a: readonly Compared[];
  readonly b: readonly Compared[];
  /** The place behind it that is the same on both sides. */
  readonly end: Pair | null;
}

/** What lies between the places that are the same by this measure. */
function apart(a: readonly Compared[], b: readonly Compared[], measure: (each: Compared) => string): readonly Block[] {
  const blocks: Block[] = [];
  let [x, y] = [0, 0];
  for (const [atX, atY] of [...commonOf(a.map(measure), b.map(measure)), [a.length, b.length] as const]) {
    const [endA, endB] = [a[atX], b[atY]];
    const end = endA === undefined || endB === undefined ? null : { a: endA, b: endB };
    blocks.push({ a: a.slice(x, atX), b: b.slice(y, atY), end });
    [x, y] = [atX + 1, atY + 1];
  }
  return blocks;
}

/** Places that are equal on both sides, in order; empty where the two have too little in common to look for more. */
function commonOf(a: readonly string[], b: readonly string[]): readonly (readonly [number, number])[] {
  const trail: Map<number, number>[] = [];
  let reach = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= Math.min(a.length + b.length, editsMax); edits += 1) {
    trail.push(new Map(reach));
    for (let k = -edits; k <= edits; k += 2) {
      const isDown = k === -edits || (k !== edits && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
      let x = isDown ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) return wayBack(trail, a.length, b.length);
    }
    reach = new Map(reach);
  }
  return [];
}

function wayBack(trail: readonly Map<number, number>[], endX: number, endY: number) {
  const same: (readonly [number, number])[] = [];
  let [x, y] = [endX, endY];
  for (let edits = trail.length - 1; edits >= 0; edits -= 1) {
    const reach = trail[edits] ?? new Map<number, number>();
    const k = x - y;
    const isDown = k === -edits || (k !== edits && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
    const beforeK = isDown ? k + 1 : k - 1;
    const beforeX = reach.get(beforeK) ?? 0;
    const beforeY = beforeX - beforeK;
    while (x > beforeX && y > beforeY && x > 0 && y > 0) {
      x -= 1;
      y -= 1;
      same.push([x, y]);
    }
    [x, y] = [beforeX, beforeY];
  }
  return same.toReversed();
}

function inForceDiff(a: Manifest, b: Manifest): Answer["inForce"] {
  const facts = (manifest: Manifest): Readonly<Record<string, string | null>> => ({
    agent: manifest.run.agent,
    model: manifest.run.model,
    policies: manifest.inForce.policyDigest,
    contracts: manifest.inForce.contractsDigest,
    allowances: manifest.inForce.allowancesDigest,
    version: manifest.program.version,
    "Node version": manifest.program.nodeVersion,
    table: manifest.program.tableHash,
    grants: canonicalJson(manifest.grants),
  });
  const [left, right] = [facts(a), facts(b)];
  return Object.keys(left)
    .filter((what) => left[what] !== right[what])
    .map((what) => ({ what, a: left[what] ?? "unknown", b: right[what] ?? "unknown" }));
}
