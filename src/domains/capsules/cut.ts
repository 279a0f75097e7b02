/** Takes secrets out of what leaves the hub. What a secret stood in is no longer what the agent saw, and says so. */
import { canonicalJson } from "../../base/canonical-json.ts";
import type { Cutter } from "./port.ts";
import type { SliceRow } from "./lines.ts";

/** Instead of every digest of an event that something was cut out of: a digest would let a short secret be guessed. */
export const noDigest = `sha256:${"0".repeat(64)}`;
const digestForm = /^sha256:[0-9a-f]{64}$/;

export interface CutRows {
  readonly rows: readonly SliceRow[];
  /** Positions of the events that something was cut out of. */
  readonly cut: ReadonlySet<number>;
}

/** When anything was cut, no row keeps its hashes: they cover what was cut. */
export function cutRows(rows: readonly SliceRow[], cutter: Cutter): CutRows {
  const cut = new Set<number>();
  const cleaned = rows.map((row) => {
    const data = row.data === null ? null : cutText(row.data, cutter);
    if (data === row.data) return row;
    cut.add(row.seq);
    return { ...row, data };
  });
  return { rows: cut.size === 0 ? rows : cleaned.map((row) => ({ ...row, hashes: null })), cut };
}

function cutText(json: string, cutter: Cutter): string {
  const value: unknown = JSON.parse(json);
  const clean = cutter.value(value);
  if (clean === value && !cutter.isHeld(json)) return json;
  // What only shows in the text, across the members of a value, goes with the whole of it.
  const left = cutter.isHeld(JSON.stringify(clean)) ? { isCut: true } : clean;
  return JSON.stringify(withoutDigests(left));
}

function withoutDigests(value: unknown): unknown {
  if (typeof value === "string") return digestForm.test(value) ? noDigest : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutDigests);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutDigests(member)]));
}

/** Whether a recorded content holds a secret. JSON is looked at value by value, as it was before it was recorded. */
export function holdsSecret(bytes: Uint8Array, cutter: Cutter): boolean {
  const text = Buffer.from(bytes).toString("utf8");
  if (cutter.isHeld(text)) return true;
  const value = parsedOr(text);
  return value === undefined ? cutter.text(text) !== text : cutter.value(value) !== value;
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A part that is all ours, such as the configuration, without its secrets. */
export const cutPart = (value: unknown, cutter: Cutter): Uint8Array => Buffer.from(canonicalJson(cutter.value(value)));
