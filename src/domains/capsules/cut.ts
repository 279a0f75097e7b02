/** Takes secrets out of what leaves the hub. What a secret stood in is no longer what the agent saw, and says so. */
import { canonicalJson } from "../../base/canonical-json.ts";
import type { SliceRow } from "./lines.ts";
import { type Breathe, inPieces } from "./pieces.ts";
import type { Cutter } from "./port.ts";

/** Instead of every digest of an event that something was cut out of: a digest would let a short secret be guessed. */
export const noDigest = `sha256:${"0".repeat(64)}`;
const digests = /sha256:[0-9a-f]{64}/g;

export interface CutRows {
  readonly rows: readonly SliceRow[];
  /** Positions of the events that something was cut out of. */
  readonly cut: ReadonlySet<number>;
}

/** When anything was cut, no row keeps its hashes: they cover what was cut. */
export async function cutRows(rows: readonly SliceRow[], cutter: Cutter, breathe: Breathe): Promise<CutRows> {
  const cut = new Set<number>();
  const cleaned = await inPieces(rows, breathe, (row) => {
    const data = row.data === null ? null : cutText(row.data, cutter);
    if (data === row.data) return row;
    cut.add(row.seq);
    return { ...row, data };
  });
  return { rows: cut.size === 0 ? rows : cleaned.map(withoutHashes), cut };
}

const withoutHashes = (row: SliceRow): SliceRow => ({ ...row, hashes: null });

interface Traces {
  /** Whether an event, by its place, may hold a digest of what was cut. */
  readonly isSuspect: (place: number) => boolean;
  /** Digests of what goes along whole say nothing that it does not say itself. */
  readonly isKept: (digest: string) => boolean;
}

/** Behind a cut no digest stays but of what goes along: one of arguments, answers or files could let a secret be guessed. */
export const withoutTraces = (rows: readonly SliceRow[], { isSuspect, isKept }: Traces): readonly SliceRow[] =>
  rows.map((row, place) => {
    const data = row.data === null || !isSuspect(place) ? row.data : withoutDigests(row.data, isKept);
    return { ...row, data, hashes: null };
  });

function cutText(json: string, cutter: Cutter): string {
  const value: unknown = JSON.parse(json);
  const clean = cutter.value(value);
  if (clean === value && !cutter.isHeld(json)) return json;
  // What only shows in the text, across the members of a value, goes with the whole of it.
  const left = cutter.isHeld(JSON.stringify(clean)) ? { isCut: true } : clean;
  return withoutDigests(JSON.stringify(left));
}

/** Wherever they stand; none of their signs is ever escaped. */
const withoutDigests = (json: string, isKept: Traces["isKept"] = () => false): string =>
  json.replace(digests, (digest) => (isKept(digest) ? digest : noDigest));

export const digestsIn = (text: string): readonly string[] => text.match(digests) ?? [];

/** Whether a recorded content holds a secret. JSON is looked at value by value, as it was before it was recorded. */
export function holdsSecret(bytes: Uint8Array, cutter: Cutter): boolean {
  const text = Buffer.from(bytes).toString("utf8");
  if (cutter.isHeld(text) || wideTexts(bytes).some((wide) => cutter.text(wide) !== wide)) return true;
  const value = parsedOr(text);
  return value === undefined ? cutter.text(text) !== text : cutter.value(value) !== value;
}

/** A file in UTF-16, which Windows writes: in either order of its bytes, from either byte on. */
const wideTexts = (bytes: Uint8Array): readonly string[] =>
  bytes.includes(0)
    ? ["utf-16le", "utf-16be"].flatMap((order) =>
        [0, 1].map((from) => new TextDecoder(order).decode(bytes.subarray(from))),
      )
    : [];

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A part that is all ours, such as the configuration, without its secrets. */
export const cutPart = (value: unknown, cutter: Cutter): Uint8Array => Buffer.from(canonicalJson(cutter.value(value)));
