/**
 * The live part of all streams, in rounds: whoever has something waiting is served together, and clients that are given the
 * same events share one run of bytes. The first event after a pause goes out at once; under load a round waits for company.
 */
import type { LiveTail } from "../../contract/live-tail.ts";
import type { Clock } from "../../kernel/ports.ts";
import type { StreamFormat } from "./frames.ts";

/** Between two rounds, in milliseconds: nobody sees it, and it turns a write per event into one for many. */
const roundMs = 5;
/** A round that took long is followed by a pause as long, so that the hub has half of its time for others. */
const pauseMsMax = 50;
/** Events of one run of bytes. Few enough that even the largest events make no run that hurts. */
const runItems = 32;
/** Different runs remembered per round: as many as there are common filters. */
const runsMax = 16;

export interface LiveReader {
  readonly tail: LiveTail;
  readonly format: StreamFormat;
  /** Bytes given to this reader in one round at most. */
  readonly roundBytesMax: number;
  /** Whether the client cannot take more now; it enters again when it can. */
  isBlocked(): boolean;
  isOver(): boolean;
  write(bytes: Uint8Array): void;
  /** Called once: over, or failed. */
  end(error?: unknown): void;
}

export interface LiveRounds {
  /** Has the reader looked at in the next round. */
  enter(reader: LiveReader): void;
}

type Runs = { readonly items: readonly unknown[]; readonly format: StreamFormat; readonly bytes: Uint8Array }[];

export interface LiveRoundsOptions {
  readonly clock: Clock;
  /** The frame of one item; throws what ends the stream. */
  readonly frameOf: (item: unknown, format: StreamFormat) => string;
}

export function createLiveRounds({ clock, frameOf }: LiveRoundsOptions): LiveRounds {
  let due = new Set<LiveReader>();
  let isPlanned = false;
  let endedAtMs = Number.NEGATIVE_INFINITY;
  let pauseMs = roundMs;

  const bytesOf = (items: readonly unknown[], format: StreamFormat, runs: Runs): Uint8Array => {
    const known = runs.find((run) => run.format === format && isSame(run.items, items));
    if (known !== undefined) return known.bytes;
    const bytes = Buffer.from(items.map((item) => frameOf(item, format)).join(""));
    if (runs.length < runsMax) runs.push({ items, format, bytes });
    return bytes;
  };
  const serve = (reader: LiveReader, runs: Runs): void => {
    for (let given = 0; !reader.isOver() && !reader.isBlocked(); ) {
      if (given >= reader.roundBytesMax) return enter(reader);
      const items = reader.tail.take(runItems);
      if (items.length === 0) return reader.tail.isOver ? reader.end() : reader.tail.onReady(() => enter(reader));
      const bytes = bytesOf(items, reader.format, runs);
      given += bytes.length;
      reader.write(bytes);
    }
    if (reader.isOver()) reader.end();
  };
  const run = (): void => {
    const startedAtMs = clock.monotonicMs();
    const readers = due;
    due = new Set();
    const runs: Runs = [];
    for (const reader of readers) {
      try {
        serve(reader, runs);
      } catch (error) {
        reader.end(error);
      }
    }
    // Node hands the bytes to the system after this turn: only then is it known what the round cost.
    clock.soon(() => {
      endedAtMs = clock.monotonicMs();
      pauseMs = Math.min(pauseMsMax, Math.max(roundMs, endedAtMs - startedAtMs));
      isPlanned = false;
      if (due.size > 0) plan();
    });
  };
  const plan = (): void => {
    isPlanned = true;
    const waitMs = endedAtMs + pauseMs - clock.monotonicMs();
    if (waitMs > 0) clock.after(waitMs, run);
    else clock.soon(run);
  };
  const enter = (reader: LiveReader): void => {
    due.add(reader);
    if (!isPlanned) plan();
  };
  return { enter };
}

const isSame = (left: readonly unknown[], right: readonly unknown[]): boolean =>
  left.length === right.length && left.every((item, index) => item === right[index]);
