/** A journal slice as lines: the columns in one order, then the data as it was written, so that every hash can be taken again. */
import type { Envelope } from "../../contract/event.ts";
import { checkerOf } from "../../contract/schema.ts";
import type { Archive } from "../../kernel/archive.ts";
import type { StoredEvent } from "../../kernel/ports.ts";
import { ExportedRow } from "../journal/contract.ts";
import { type Breathe, inPieces } from "./pieces.ts";
import { unsound } from "./refusal.ts";

/** Events hold no more than a few levels beside a recorded result, which is redacted to 64. */
const depthMax = 100;

/** A row of a slice; without hashes where something was cut out of the slice. */
export interface SliceRow extends Omit<StoredEvent, "format" | "dataHash" | "prevHash" | "hash"> {
  readonly hashes: Pick<StoredEvent, "format" | "dataHash" | "prevHash" | "hash"> | null;
}

export const sliceRow = ({ format, dataHash, prevHash, hash, ...row }: StoredEvent): SliceRow => ({
  ...row,
  hashes: { format, dataHash, prevHash, hash },
});

export function lineOf({ data, hashes, ...row }: SliceRow): string {
  const { seq, id, timeMs, kind, version, corrId, causeId, node, caller } = row;
  const columns = { seq, id, timeMs, kind, version, corrId, causeId, node, caller, ...orderedHashes(hashes) };
  const head = JSON.stringify(data === null ? { ...columns, dropped: true } : columns).slice(0, -1);
  return `${head},"data":${data ?? "null"}}`;
}

const orderedHashes = (hashes: SliceRow["hashes"]) => {
  if (hashes === null) return {};
  const { format, dataHash, prevHash, hash } = hashes;
  return { format, dataHash, prevHash, hash };
};

/** Some 65,000 events of fifty values each fit into a capsule; in memory so many take a third of what a hub may have. */
export const valuesMax = 5_000_000;

/** What a capsule may still hold, value by value: a few bytes of JSON become some fifty in memory. */
export interface Room {
  values: number;
}

/** Takes what this text needs. Throws `CapsuleUnsound` where there is too little left. */
export function takeRoom(room: Room, values: number): void {
  room.values -= values;
  if (room.values < 0) throw unsound("too-large", "its events and answers hold more values than any run");
}

/** Reads what `lineOf` wrote. Throws `CapsuleUnsound` for a line that is not exactly that. */
export function readLine(line: string, room: Room): SliceRow {
  const { depth, values } = shapeOf(line);
  if (depth > depthMax) throw unsound("malformed", `an event is nested deeper than ${depthMax}`);
  takeRoom(room, values);
  const value = parsed(line);
  if (!isExported(value)) throw unsound("malformed", "a line of the journal is no event");
  const row = rowOf(value);
  if (lineOf(row) !== line)
    throw unsound("not-canonical", `event ${row.seq} is not written in the one way that counts`);
  return row;
}

const isExported = (value: unknown): value is ExportedRow => checkerOf(ExportedRow).check(value);

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) throw unsound("malformed", "a line of the journal is no JSON");
    throw error;
  }
}

function rowOf({ data, dropped, format, dataHash, prevHash, hash, ...head }: ExportedRow): SliceRow {
  const isHashed = format !== undefined && dataHash !== undefined && prevHash !== undefined && hash !== undefined;
  const text = dropped === true ? null : JSON.stringify(data);
  return { ...head, data: text, hashes: isHashed ? { format, dataHash, prevHash, hash } : null };
}

/** Brackets inside one another, and at least as many values as a text of JSON holds, counted without building anything. */
export function shapeOf(text: string): { readonly depth: number; readonly values: number } {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  let isString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (isString) {
      if (char === backslash) at += 1;
      else if (char === quote) isString = false;
    } else if (char === quote) isString = true;
    else if (char === comma) values += 1;
    else if (char === brace || char === bracket) {
      values += 1;
      deepest = Math.max(deepest, (depth += 1));
    } else if (char === braceEnd || char === bracketEnd) depth -= 1;
  }
  return { depth: deepest, values };
}
const comma = 0x2c;
const [quote, backslash, brace, braceEnd, bracket, bracketEnd] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];

/** The row as everybody sees an event. */
export function envelopeOf({ hashes: _proofs, data, ...head }: SliceRow): Envelope {
  return data === null ? { ...head, data: null, dropped: true } : { ...head, data: JSON.parse(data) as unknown };
}

export type Seal = Archive["seal"];

export interface Proving {
  readonly seal: Seal;
  readonly breathe: Breathe;
}

export interface ChainFacts {
  readonly chain: "whole" | "gaps" | "none";
  /** Rows that name the hash of the row right before them. */
  readonly links: number;
}

/** Holds the rows against their own hashes and against one another. Throws `CapsuleUnsound` where one does not fit. */
export async function chainOf(rows: readonly SliceRow[], { seal, breathe }: Proving): Promise<ChainFacts> {
  if (rows.some(({ hashes }) => hashes === null)) {
    if (rows.some(({ hashes }) => hashes !== null)) throw unsound("inconsistent", "only some events have their hashes");
    return { chain: "none", links: 0 };
  }
  let links = 0;
  let isWhole = true;
  await inPieces(rows, { breathe, phase: "checking" }, (row, place) => {
    proveRow(row, seal);
    const before = rows[place - 1];
    if (before === undefined) return;
    if (row.seq <= before.seq) throw unsound("inconsistent", `event ${row.seq} stands behind event ${before.seq}`);
    if (row.seq > before.seq + 1) isWhole = false;
    else if (row.hashes?.prevHash === before.hashes?.hash) links += 1;
    else throw unsound("forged-digest", `event ${row.seq} does not name the event before it`);
  });
  return { chain: isWhole ? "whole" : "gaps", links };
}

/** A row is sealed as the journal seals it, and comes to the hashes that it names or was not written so. */
function proveRow({ hashes, data, ...head }: SliceRow, seal: Seal): void {
  if (hashes === null) return;
  const { dataHash, prevHash, hash, format } = hashes;
  const found = seal(data === null ? { ...head, data, dataHash } : { ...head, data }, { hash: prevHash });
  if (found.format !== format || found.dataHash !== dataHash || found.hash !== hash)
    throw unsound("forged-digest", `event ${head.seq} is not what was written: its hash is another one`);
}
