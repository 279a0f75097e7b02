/** A queue between one producer and one slow reader: endless memory is not an option, so it drops or refuses. */

export interface BoundedQueueOptions {
  /** Values held at most. */
  readonly capacity: number;
  /** What a push into a full queue does: forget the oldest value, or take nothing. */
  readonly overflow: "dropOldest" | "refuse";
  /** Ends the queue at once: values held are forgotten and the reader gets `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

export interface BoundedQueue<T> extends AsyncIterable<T> {
  readonly size: number;
  /** Values the reader will never see because the queue was full. */
  readonly dropped: number;
  readonly isClosed: boolean;
  /** True when the value was taken. */
  push(value: T): boolean;
  /** No more values come; the reader ends after those held. */
  close(): void;
  /** One reader only: a second iterator throws TypeError. Leaving the loop closes the queue and forgets what it holds. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined>;
}

/** Beyond this many spent slots the array is moved up, which keeps a push and a take constant on average. */
const spentSlotsMax = 1_024;

export function createBoundedQueue<T>(options: BoundedQueueOptions): BoundedQueue<T> {
  const { capacity, overflow, signal } = options;
  if (!Number.isInteger(capacity) || capacity < 1)
    throw new RangeError(`A queue holds at least one value, not ${capacity}.`);
  const line = createLine<T>();
  let dropped = 0;
  let isClosed = false;
  let hasReader = false;
  let waiter: PromiseWithResolvers<IteratorResult<T, undefined>> | undefined;

  const end = (): void => {
    isClosed = true;
    signal?.removeEventListener("abort", abort);
  };
  const settle = (): PromiseWithResolvers<IteratorResult<T, undefined>> | undefined => {
    const waiting = waiter;
    waiter = undefined;
    return waiting;
  };
  const abort = (): void => {
    end();
    line.clear();
    settle()?.reject(signal?.reason);
  };
  if (signal?.aborted === true) abort();
  else signal?.addEventListener("abort", abort, { once: true });

  const next = (): Promise<IteratorResult<T, undefined>> => {
    if (waiter !== undefined) return Promise.reject(new TypeError("The queue has one reader, which waits already."));
    if (line.size > 0) return Promise.resolve({ done: false, value: line.shift() });
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (isClosed) return Promise.resolve({ done: true, value: undefined });
    waiter = Promise.withResolvers();
    return waiter.promise;
  };

  const close = (): void => {
    if (isClosed) return;
    end();
    settle()?.resolve({ done: true, value: undefined });
  };

  return {
    get size() {
      return line.size;
    },
    get dropped() {
      return dropped;
    },
    get isClosed() {
      return isClosed;
    },
    push(value) {
      if (isClosed) return false;
      const waiting = settle();
      if (waiting !== undefined) {
        waiting.resolve({ done: false, value });
        return true;
      }
      if (line.size === capacity) {
        dropped += 1;
        if (overflow === "refuse") return false;
        line.shift();
      }
      line.push(value);
      return true;
    },
    close,
    [Symbol.asyncIterator]() {
      if (hasReader) throw new TypeError("The queue has one reader.");
      hasReader = true;
      return {
        next,
        return() {
          line.clear();
          close();
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}

/** First in, first out, on an array whose spent front is cut now and then. */
function createLine<T>() {
  let items: (T | undefined)[] = [];
  let head = 0;
  return {
    get size() {
      return items.length - head;
    },
    push(value: T): void {
      items.push(value);
    },
    /** Callers look at `size` first, hence the assertion on type. */
    shift(): T {
      const value = items[head] as T;
      // The slot must not keep the value alive until the front is cut.
      items[head] = undefined;
      head += 1;
      if (head === items.length) {
        items = [];
        head = 0;
      } else if (head >= spentSlotsMax && head * 2 >= items.length) {
        items = items.slice(head);
        head = 0;
      }
      return value;
    },
    clear(): void {
      items = [];
      head = 0;
    },
  };
}
