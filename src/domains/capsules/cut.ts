/** Takes secrets out of what leaves the hub. What a secret stood in is no longer what the agent saw, and says so. */
import { canonicalJson } from "../../base/canonical-json.ts";
import type { SliceRow } from "./lines.ts";
import type { Manifest } from "./manifest.ts";
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
  const cleaned = await inPieces(rows, { breathe, phase: "looking for secrets in" }, (row) => {
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
  const left = cutter.isHeld(JSON.stringify(clean)) ? wholeCut : withoutAnswers(clean, value, cutter.isHeld(json));
  return withoutDigests(JSON.stringify(left));
}

const wholeCut = { isCut: true } as const;

type Members = Readonly<Record<string, unknown>>;
const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Beside a text there may be what was made of it, such as its words, one by one: a list of words holds no secret, and tells it
 * all the same. So no answer stays out of which anything was cut, nor any beside a secret that was handed over.
 */
function withoutAnswers(clean: unknown, was: unknown, isHeld: boolean): unknown {
  if (!isMembers(clean) || !isMembers(was)) return clean;
  const { recorded, output } = clean;
  const isCut =
    isHeld || (isMembers(was["recorded"]) && isMembers(recorded) && recorded["result"] !== was["recorded"]["result"]);
  return {
    ...clean,
    ...(isCut && isMembers(recorded) && "result" in recorded ? { recorded: { ...recorded, result: wholeCut } } : {}),
    ...(isHeld && output !== undefined ? { output: wholeCut } : {}),
  };
}

/** Wherever they stand; none of their signs is ever escaped. */
const withoutDigests = (json: string, isKept: Traces["isKept"] = () => false): string =>
  json.replace(digests, (digest) => (isKept(digest) ? digest : noDigest));

export const digestsIn = (text: string): readonly string[] => text.match(digests) ?? [];

/** What stands where something was cut out of an event, or out of what it names. */
const cutMark = new RegExp(`\\[redacted:|"isCut":true|${noDigest}`, "u");

/** Positions of the events in which something may have been cut. */
export const markedRows = (rows: readonly SliceRow[]): ReadonlySet<number> =>
  new Set(rows.filter(({ data }) => data !== null && cutMark.test(data)).map(({ seq }) => seq));

/**
 * What is said of cuts and cannot be, or null. Behind a cut a replay judges nothing, so whoever speaks of one where nothing was
 * cut would hide what differs: a cut takes the hashes along, ends what can be replayed, and leaves its mark.
 */
export function cutFault({ cuts, chain, replayable }: Manifest, marked: ReadonlySet<number>): string | null {
  const { events, blobs } = cuts;
  if (events + blobs === 0) return null;
  if (chain !== "none") return "the manifest speaks of cuts, and every event is proven to be as it was";
  if (replayable.gapSeq === undefined) return "the manifest speaks of cuts, and of a record without a gap";
  if (marked.size < events)
    return `the manifest speaks of ${events} events that were cut, and ${marked.size} bear a mark of it`;
  return marked.size === 0
    ? "the manifest speaks of contents that were left out, and no event lost the name of one"
    : null;
}

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
