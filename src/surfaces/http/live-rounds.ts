/**
 * The live part of all streams, in rounds: whoever has something waiting is served together, and clients that are given the
 * same events share one run of bytes. The first event after a pause goes out at once; under load a round waits for company.
 */
import type { LiveTail } from "../../contract/live-tail.ts";
import type { Clock } from "../../kernel/ports.ts";
import type { StreamFormat } from "./frames.ts";

/** Between two rounds, in milliseconds: nobody sees it, and it turns a write per event into one for many. */
const roundMs = 5;
/**
 * A round that took long is followed by a pause twice as long: the hub has most of its time for others, and the next round
 * more to give at once. What a round costs is the number of clients, hardly what each is given.
 */
const pauseTimes = 2;
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
  /** One write to the system, of whatever number of runs. */
  write(runs: readonly Run[]): void;
  /** Has this reader looked at in the next round. Kept by whoever makes the reader, so that waiting makes nothing new. */
  enter(): void;
  /** Called once: over, or failed. */
  end(error?: unknown): void;
}

export interface LiveRounds {
  /** Has the reader looked at in the next round. */
  enter(reader: LiveReader): void;
}

/** Events that are given to several clients, as the bytes that all of them share. */
export interface Run {
  readonly bytes: Uint8Array;
  /** The same as one whole chunk of a chunked answer (RFC 9112, 7.1), which needs no more than to be written. */
  readonly chunk: Uint8Array;
}

interface KnownRun extends Run {
  readonly items: readonly unknown[];
  readonly format: StreamFormat;
}

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

  const runOf = (items: readonly unknown[], format: StreamFormat, runs: KnownRun[]): Run => {
    const known = runs.find((run) => run.format === format && isSame(run.items, items));
    if (known !== undefined) return known;
    const made = { items, format, ...chunkOf(items.map((item) => frameOf(item, format)).join("")) };
    if (runs.length < runsMax) runs.push(made);
    return made;
  };
  /** What the reader is given in this round; false when nothing waits any more. */
  const gather = (reader: LiveReader, given: Run[], runs: KnownRun[]): boolean => {
    for (let sizeBytes = 0; sizeBytes < reader.roundBytesMax; ) {
      const items = reader.tail.take(runItems);
      if (items.length === 0) return false;
      const made = runOf(items, reader.format, runs);
      given.push(made);
      sizeBytes += made.bytes.length;
    }
    return true;
  };
  const serve = (reader: LiveReader, runs: KnownRun[]): void => {
    if (reader.isOver()) return reader.end();
    if (reader.isBlocked()) return undefined;
    const given: Run[] = [];
    let hasMore = false;
    try {
      hasMore = gather(reader, given, runs);
    } finally {
      if (given.length > 0) reader.write(given);
    }
    if (reader.isOver()) return reader.end();
    if (hasMore) return enter(reader);
    return reader.tail.isOver ? reader.end() : reader.tail.onReady(reader.enter);
  };
  const run = (): void => {
    const startedAtMs = clock.monotonicMs();
    const readers = due;
    due = new Set();
    const runs: KnownRun[] = [];
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
      pauseMs = Math.min(pauseMsMax, Math.max(roundMs, pauseTimes * (endedAtMs - startedAtMs)));
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

/** Events are never an empty text, which would end the answer. */
function chunkOf(text: string): Run {
  const head = `${Buffer.byteLength(text).toString(16)}\r\n`;
  const chunk = Buffer.from(`${head}${text}\r\n`);
  return { chunk, bytes: chunk.subarray(head.length, -2) };
}

const isSame = (left: readonly unknown[], right: readonly unknown[]): boolean =>
  left.length === right.length && left.every((item, index) => item === right[index]);
