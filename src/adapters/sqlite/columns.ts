/**
 * How events and rows stand in the columns of the file: as they are, or sealed. Of an event its caller, its data and the three
 * hashes are sealed, as one value in the column of the caller: a hash would confirm a guess at the data. Of a row its JSON is.
 */
import type { SQLInputValue } from "node:sqlite";
import { type StoredEvent, StoreFault } from "../../kernel/ports.ts";
import { SealFault, type Sealer } from "../sealed-state/sealer.ts";

/** Versions of the file's layout. A file with a higher one was written by a newer ARW and is refused untouched. */
export const plainFormat = 1;
export const sealedFormat = 2;
export const storeFormat = Math.max(plainFormat, sealedFormat);

/** In the order of `envelopeColumns` and `hashColumns`. */
export type EventValues = readonly [
  ...[seq: number, format: number, id: string, timeMs: number, kind: string, version: number, corrId: string],
  ...[causeId: string | null, node: string, caller: string | Uint8Array, data: string | Uint8Array | null],
  ...[dataHash?: string, prevHash?: string, hash?: string],
];

export interface Columns {
  readonly format: number;
  /** The column that holds an event's hash. */
  readonly hashColumn: "hash" | "caller";
  hashOf(seq: number, value: string | Uint8Array): string;
  addEvent(values: SQLInputValue[], event: StoredEvent): void;
  eventOf(values: EventValues): StoredEvent;
  /** The column of the caller without the data; null where the data has a column of its own to be emptied. */
  readonly dropped: ((seq: number, value: Uint8Array) => Uint8Array) | null;
  rowValue(view: string, key: string, json: string): string | Uint8Array;
  jsonOf(view: string, key: string, value: string | Uint8Array): string;
}

export const plainColumns: Columns = {
  format: plainFormat,
  hashColumn: "hash",
  hashOf: (_seq, value) => String(value),
  addEvent(values, e) {
    values.push(e.seq, e.format, e.id, e.timeMs, e.kind, e.version, e.corrId, e.causeId);
    values.push(e.node, e.caller, e.data, e.dataHash, e.prevHash, e.hash);
  },
  // Caller and data are texts in a plain file: nothing else was ever written there.
  eventOf: (values) =>
    eventWith(values, {
      caller: values[9] as string,
      data: values[10] as string | null,
      dataHash: values[11] ?? "",
      prevHash: values[12] ?? "",
      hash: values[13] ?? "",
    }),
  dropped: null,
  rowValue: (_view, _key, json) => json,
  jsonOf: (_view, _key, value) => value as string,
};

const hashBytes = 32;
/** Hashes, how long the caller is, and whether there is data. */
const headBytes = 3 * hashBytes + 3;

export function sealedColumns(sealer: Sealer): Columns {
  const open = (value: string | Uint8Array, place: string): Buffer => {
    if (typeof value === "string") throw new StoreFault("corrupt", `${place} is not encrypted, as it should be`);
    try {
      return sealer.open(value, place);
    } catch (error) {
      if (!(error instanceof SealFault)) throw error;
      throw new StoreFault("corrupt", error.message, { cause: error });
    }
  };
  return {
    format: sealedFormat,
    hashColumn: "caller",
    hashOf: (seq, value) => open(value, eventPlace(seq)).toString("hex", 2 * hashBytes, 3 * hashBytes),
    addEvent(values, e) {
      values.push(e.seq, e.format, e.id, e.timeMs, e.kind, e.version, e.corrId, e.causeId);
      values.push(e.node, sealer.seal(packed(e), eventPlace(e.seq)), null, "", "", "");
    },
    eventOf: (values) => eventWith(values, unpacked(open(values[9], eventPlace(values[0])))),
    dropped: (seq, value) =>
      sealer.seal(packed({ ...unpacked(open(value, eventPlace(seq))), data: null }), eventPlace(seq)),
    rowValue: (view, key, json) => sealer.seal(Buffer.from(json), rowPlace(view, key)),
    jsonOf: (view, key, value) => open(value, rowPlace(view, key)).toString("utf8"),
  };
}

const eventPlace = (seq: number): string => `event ${seq}`;
/** No name of a view has a space. */
const rowPlace = (view: string, key: string): string => `row ${view} ${key}`;

type Packed = Pick<StoredEvent, "caller" | "data" | "dataHash" | "prevHash" | "hash">;

/** What stands in columns of its own in either form, and the rest. */
const eventWith = (values: EventValues, { caller, data, dataHash, prevHash, hash }: Packed): StoredEvent => ({
  seq: values[0],
  format: values[1],
  id: values[2],
  timeMs: values[3],
  kind: values[4],
  version: values[5],
  corrId: values[6],
  causeId: values[7],
  node: values[8],
  caller,
  data,
  dataHash,
  prevHash,
  hash,
});

function packed({ caller, data, dataHash, prevHash, hash }: Packed): Buffer {
  const callerBytes = Buffer.byteLength(caller);
  const bytes = Buffer.allocUnsafe(headBytes + callerBytes + (data === null ? 0 : Buffer.byteLength(data)));
  bytes.write(dataHash, 0, "hex");
  bytes.write(prevHash, hashBytes, "hex");
  bytes.write(hash, 2 * hashBytes, "hex");
  bytes.writeUInt16BE(callerBytes, 3 * hashBytes);
  bytes[headBytes - 1] = data === null ? 0 : 1;
  bytes.write(caller, headBytes);
  if (data !== null) bytes.write(data, headBytes + callerBytes);
  return bytes;
}

function unpacked(bytes: Buffer): Packed {
  const dataFrom = headBytes + bytes.readUInt16BE(3 * hashBytes);
  return {
    caller: bytes.toString("utf8", headBytes, dataFrom),
    data: bytes[headBytes - 1] === 0 ? null : bytes.toString("utf8", dataFrom),
    dataHash: bytes.toString("hex", 0, hashBytes),
    prevHash: bytes.toString("hex", hashBytes, 2 * hashBytes),
    hash: bytes.toString("hex", 2 * hashBytes, 3 * hashBytes),
  };
}

export const envelopeColumns = "seq,format,id,timeMs,kind,version,corrId,causeId,node,caller,data";
export const hashColumns = "dataHash,prevHash,hash";
