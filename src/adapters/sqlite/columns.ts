/**
 * How events and rows stand in the columns of the file: as they are, or sealed. Sealed are an event's data, and, as one value in
 * the column of the caller, the caller and the three hashes: a hash would confirm a guess at the data. Apart from each other, as
 * retention drops the data alone. Of a row its JSON is sealed.
 */
import type { SQLInputValue } from "node:sqlite";
import { type StoredEvent, StoreFault } from "../../kernel/ports.ts";
import { SealFault, type Sealer } from "../sealed-state/sealer.ts";

/** Versions of the file's layout. A file with a higher one was written by a newer ARW and is refused untouched. */
export const plainFormat = 1;
export const sealedFormat = 2;
export const storeFormat = sealedFormat;

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
  eventOf: (values) => ({
    seq: values[0],
    format: values[1],
    id: values[2],
    timeMs: values[3],
    kind: values[4],
    version: values[5],
    corrId: values[6],
    causeId: values[7],
    node: values[8],
    caller: values[9] as string,
    data: values[10] as string | null,
    dataHash: values[11] ?? "",
    prevHash: values[12] ?? "",
    hash: values[13] ?? "",
  }),
  rowValue: (_view, _key, json) => json,
  jsonOf: (_view, _key, value) => value as string,
};

const hashBytes = 32;

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
  const headOf = (seq: number, value: string | Uint8Array) => {
    const packed = open(value, headPlace(seq));
    const hash = (index: number): string => packed.toString("hex", index * hashBytes, (index + 1) * hashBytes);
    return { dataHash: hash(0), prevHash: hash(1), hash: hash(2), caller: packed.toString("utf8", 3 * hashBytes) };
  };
  return {
    format: sealedFormat,
    hashColumn: "caller",
    hashOf: (seq, value) => headOf(seq, value).hash,
    addEvent(values, e) {
      const head = Buffer.concat([Buffer.from(e.dataHash + e.prevHash + e.hash, "hex"), Buffer.from(e.caller)]);
      const data = e.data === null ? null : sealer.seal(Buffer.from(e.data), dataPlace(e.seq));
      values.push(e.seq, e.format, e.id, e.timeMs, e.kind, e.version, e.corrId, e.causeId);
      values.push(e.node, sealer.seal(head, headPlace(e.seq)), data, "", "", "");
    },
    eventOf(values) {
      const [seq, data] = [values[0], values[10]];
      return {
        seq,
        format: values[1],
        id: values[2],
        timeMs: values[3],
        kind: values[4],
        version: values[5],
        corrId: values[6],
        causeId: values[7],
        node: values[8],
        data: data === null ? null : open(data, dataPlace(seq)).toString("utf8"),
        ...headOf(seq, values[9]),
      };
    },
    rowValue: (view, key, json) => sealer.seal(Buffer.from(json), rowPlace(view, key)),
    jsonOf: (view, key, value) => open(value, rowPlace(view, key)).toString("utf8"),
  };
}

const headPlace = (seq: number): string => `event ${seq}`;
const dataPlace = (seq: number): string => `data of event ${seq}`;
/** No name of a view has a space. */
const rowPlace = (view: string, key: string): string => `row ${view} ${key}`;

export const envelopeColumns = "seq,format,id,timeMs,kind,version,corrId,causeId,node,caller,data";
export const hashColumns = "dataHash,prevHash,hash";
