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
  if (!Number.isInteger(capacity) || capacity < 1) {
    throw new RangeError(`A queue holds at least one value, not ${capacity}.`);
  }
  const line = createLine<T>();
  const reader = createReader<T>();
  let dropped = 0;
  let isClosed = false;
  let isRead = false;

  const end = (): void => {
    isClosed = true;
    signal?.removeEventListener("abort", abort);
  };
  const abort = (): void => {
    end();
    line.clear();
    reader.fail(signal?.reason);
  };
  if (signal?.aborted === true) abort();
  else signal?.addEventListener("abort", abort, { once: true });

  const next = (): Promise<Step<T>> => {
    if (line.size > 0) return Promise.resolve({ done: false, value: line.shift() });
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return isClosed ? Promise.resolve(lastStep) : reader.wait();
  };
  const push = (value: T): boolean => {
    if (isClosed) return false;
    if (reader.give(value)) return true;
    if (line.size === capacity) {
      dropped += 1;
      if (overflow === "refuse") return false;
      line.shift();
    }
    line.push(value);
    return true;
  };
  const close = (): void => {
    if (isClosed) return;
    end();
    reader.finish();
  };
  const leave = (): Promise<Step<T>> => {
    line.clear();
    close();
    return Promise.resolve(lastStep);
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
    push,
    close,
    [Symbol.asyncIterator]() {
      if (isRead) throw new TypeError("The queue has one reader.");
      isRead = true;
      return { next, return: leave };
    },
  };
}

type Step<T> = IteratorResult<T, undefined>;

const lastStep = { done: true, value: undefined } as const;

/** The one reader, while it waits for a value. Each answer ends the wait. */
function createReader<T>() {
  let waiting: PromiseWithResolvers<Step<T>> | undefined;
  const release = (): PromiseWithResolvers<Step<T>> | undefined => {
    const released = waiting;
    waiting = undefined;
    return released;
  };
  return {
    wait(): Promise<Step<T>> {
      if (waiting !== undefined) return Promise.reject(new TypeError("The queue has one reader, which waits already."));
      waiting = Promise.withResolvers();
      return waiting.promise;
    },
    /** False when nobody waits. */
    give(value: T): boolean {
      const released = release();
      released?.resolve({ done: false, value });
      return released !== undefined;
    },
    finish: (): void => release()?.resolve(lastStep),
    fail: (reason: unknown): void => release()?.reject(reason),
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
