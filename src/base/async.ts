/** Waiting, well behaved: a promise that is settled from outside, one that heeds a signal, turns by key, turns by number. */

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T | PromiseLike<T>): void;
  reject(reason?: unknown): void;
}

export interface WaitOptions {
  /** Heeded while the caller waits for its turn; once `fn` runs, heeding it is up to `fn`. */
  readonly signal?: AbortSignal | undefined;
}

export function deferred<T = void>(): Deferred<T> {
  return Promise.withResolvers<T>();
}

/**
 * Settles with the promise, or rejects with `signal.reason` when that comes first. The work behind the promise goes on:
 * pass the signal to it as well. Leaves no listener behind.
 */
export function abortable<T>(promise: PromiseLike<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return Promise.resolve(promise);
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    const settle = (): void => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    // Observed even after an abort, so that a late failure is not an unhandled rejection.
    promise.then(resolve, reject).then(settle, settle);
  });
}

export interface KeyedMutex {
  /** Keys that somebody holds or waits for. */
  readonly size: number;
  /** Runs `fn` when every earlier run of the same key has ended, well or badly. Calling it for the same key inside `fn` deadlocks. */
  run<T>(key: string, fn: () => T | PromiseLike<T>, options?: WaitOptions): Promise<T>;
}

/** One at a time per key, first come first served; a key costs nothing once nobody waits for it. */
export function createKeyedMutex(): KeyedMutex {
  const tails = new Map<string, Promise<void>>();
  return {
    get size() {
      return tails.size;
    },
    async run(key, fn, { signal } = {}) {
      signal?.throwIfAborted();
      const previous = tails.get(key);
      const turn = deferred();
      tails.set(key, turn.promise);
      const release = (): void => {
        turn.resolve();
        if (tails.get(key) === turn.promise) tails.delete(key);
      };
      if (previous !== undefined) {
        try {
          await abortable(previous, signal);
        } catch (reason) {
          // Whoever came later must still wait for whoever came earlier.
          void previous.then(release);
          throw reason;
        }
      }
      try {
        return await fn();
      } finally {
        release();
      }
    },
  };
}

export interface Limiter {
  readonly running: number;
  readonly waiting: number;
  /** Runs `fn` as soon as fewer than the limit run, first come first served. */
  run<T>(fn: () => T | PromiseLike<T>, options?: WaitOptions): Promise<T>;
}

/** At most `runningMax` at a time. The line is as long as its callers make it: they bound what they ask for. */
export function createLimiter(runningMax: number): Limiter {
  if (!Number.isInteger(runningMax) || runningMax < 1)
    throw new RangeError(`A limit is at least 1, not ${runningMax}.`);
  // A set keeps the order of arrival and lets one who gave up leave the middle of the line.
  const line = new Set<Deferred<void>>();
  let running = 0;

  const pass = (): void => {
    const [first] = line;
    if (first === undefined) {
      running -= 1;
      return;
    }
    // The place goes straight to the next in line, so nobody can slip in between.
    line.delete(first);
    first.resolve();
  };

  const enter = async (signal: AbortSignal | undefined): Promise<void> => {
    if (running < runningMax) {
      running += 1;
      return;
    }
    const turn = deferred();
    line.add(turn);
    try {
      await abortable(turn.promise, signal);
    } catch (reason) {
      // No longer in line means that the place was already given: hand it on.
      if (!line.delete(turn)) pass();
      throw reason;
    }
  };

  return {
    get running() {
      return running;
    },
    get waiting() {
      return line.size;
    },
    async run(fn, { signal } = {}) {
      signal?.throwIfAborted();
      await enter(signal);
      try {
        return await fn();
      } finally {
        pass();
      }
    },
  };
}
