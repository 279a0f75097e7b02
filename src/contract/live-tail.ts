/**
 * The present of a stream. What has happened already comes item by item; from there on a reader that serves many clients
 * takes what waits in batches, without a promise per item and client. Everybody else iterates and sees one stream.
 */

export const liveTail: unique symbol = Symbol.for("arw.liveTail");

export interface LiveTail<T = unknown> extends Disposable {
  /** Takes what waits, at most `count`, without waiting. */
  take(count: number): readonly T[];
  /** Calls once when something waits, or when nothing will any more. */
  onReady(run: () => void): void;
  readonly isOver: boolean;
  /** What it has lost so far, because its reader was too slow; absent where nothing is ever lost. */
  readonly lostCount?: number;
}

/** A stream that can be asked for its past alone: it ends by giving its tail, or nothing when it is over. */
export interface TailedItems<T = unknown> extends AsyncIterable<T> {
  [liveTail](): AsyncGenerator<T, LiveTail<T> | undefined>;
}

export const isTailed = (items: AsyncIterable<unknown>): items is TailedItems => liveTail in items;

/** Past and present as one stream, for whoever takes items one by one. */
export function tailed<T>(past: () => AsyncGenerator<T, LiveTail<T> | undefined>): TailedItems<T> {
  return { [liveTail]: past, [Symbol.asyncIterator]: () => walk(past) };
}

/** Items taken per turn: large enough to amortise the wake-up, small enough to let others run. */
const batchItems = 256;

async function* walk<T>(past: () => AsyncGenerator<T, LiveTail<T> | undefined>): AsyncGenerator<T> {
  using tail = yield* past();
  while (tail !== undefined && !tail.isOver) {
    const batch = tail.take(batchItems);
    if (batch.length > 0) yield* batch;
    else await new Promise<void>((resolve) => tail.onReady(resolve));
  }
}
