/** A committed or live event with its one JSON text, and the hash chain that its row is part of. */
import { hash as hashOnce } from "node:crypto";
import { type Envelope, jsonText } from "../contract/event.ts";
import type { StoredEvent } from "./ports.ts";

/** Format of a journal row: which columns there are and what the hash covers. */
export const rowFormat = 1;

/** The text after the data's hash: everything else that the chain protects, one field a line. No field can hold a newline. */
export function chainHash(row: Omit<StoredEvent, "hash" | "data">): string {
  return hashOnce(
    "sha256",
    `${row.prevHash}\n${row.format}\n${row.seq}\n${row.id}\n${row.timeMs}\n${row.kind}\n${row.version}\n${row.corrId}\n${JSON.stringify(row.causeId)}\n${row.node}\n${row.caller}\n${row.dataHash}`,
    "hex",
  );
}

export const textHash = (text: string): string => hashOnce("sha256", text, "hex");

/**
 * The envelope as everybody sees it. The JSON text is put together from the row's own text on first use and kept: journal,
 * every stream and the tee share it. Every head field is free of characters that JSON would escape.
 */
export class Recorded<Data = unknown> implements Envelope<Data> {
  /** Given by the journal at the commit, before anybody else sees the envelope; 0 for live events. */
  seq: number;
  readonly id: string;
  readonly timeMs: number;
  readonly kind: string;
  readonly version: number;
  readonly corrId: string;
  readonly causeId: string | null;
  readonly node: string;
  readonly caller: string;
  readonly data: Data;
  declare readonly dropped?: true;
  readonly #dataJson: string | null;
  #json: string | null = null;

  constructor(head: Omit<Envelope, "data">, data: Data, dataJson: string | null) {
    this.seq = head.seq;
    this.id = head.id;
    this.timeMs = head.timeMs;
    this.kind = head.kind;
    this.version = head.version;
    this.corrId = head.corrId;
    this.causeId = head.causeId;
    this.node = head.node;
    this.caller = head.caller;
    this.data = data;
    this.#dataJson = dataJson;
  }

  /** Puts the event at its position. Only for the journal, and only before the event is shown to anybody. */
  place(seq: number): void {
    this.seq = seq;
  }

  /** The row that stores this event behind the one with `prevHash`. Only durable events have one. */
  toRow(prevHash: string): StoredEvent {
    const dataJson = this.#dataJson ?? JSON.stringify(this.data);
    const row = {
      seq: this.seq,
      format: rowFormat,
      id: this.id,
      timeMs: this.timeMs,
      kind: this.kind,
      version: this.version,
      corrId: this.corrId,
      causeId: this.causeId,
      node: this.node,
      caller: this.caller,
      data: dataJson,
      dataHash: textHash(dataJson),
      prevHash,
      hash: "",
    };
    row.hash = chainHash(row);
    return row;
  }

  get [jsonText](): string {
    if (this.#json !== null) return this.#json;
    const dataJson = this.#dataJson ?? JSON.stringify(this.data);
    const cause = this.causeId === null ? "null" : `"${this.causeId}"`;
    const seq = this.seq === 0 ? "" : `"seq":${this.seq},`;
    this.#json = `{${seq}"id":"${this.id}","timeMs":${this.timeMs},"kind":"${this.kind}","version":${this.version},"corrId":"${this.corrId}","causeId":${cause},"node":"${this.node}","caller":"${this.caller}","data":${dataJson}${this.dropped === undefined ? "" : `,"dropped":true`}}`;
    return this.#json;
  }
}

/** A stored row as an envelope; a tombstone's data is `null`. */
export const fromStored = (row: StoredEvent): Envelope =>
  row.data === null ? tombstoneOf(row) : new Recorded(row, JSON.parse(row.data), row.data);

function tombstoneOf(row: StoredEvent): Envelope {
  return Object.assign(new Recorded(row, null, "null"), { dropped: true as const });
}
