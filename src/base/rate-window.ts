/**
 * How often may each key do something? An exact sliding window: per key the times of the last `limit` grants are kept,
 * so never more than `limit` fall into any span of `windowMs`, and a refusal names the moment the next one is free.
 * (Two counted buckets would take less memory and let almost twice the limit through at their border.)
 */

export interface RateWindowOptions {
  readonly limit: number;
  readonly windowMs: number;
  /** Keys remembered. Memory is at most `keysMax` x `limit` x 8 bytes, and grows only with what was granted. */
  readonly keysMax: number;
}

export type RateAnswer = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };

export interface RateWindow {
  /** Keys remembered now. */
  readonly size: number;
  /** Counts when it grants; a refusal costs the key nothing. */
  take(key: string, nowMs: number): RateAnswer;
  /** What `take` would answer. */
  peek(key: string, nowMs: number): RateAnswer;
}

/** Above this the times of one key take most of a megabyte: such a limit wants a counter, not a window. */
const limitMax = 100_000;

/** The times of grants as a ring: once it is full, `head` is the oldest. */
interface Grants {
  readonly timesMs: number[];
  head: number;
  newestMs: number;
}

const granted: RateAnswer = { ok: true };

export function createRateWindow(options: RateWindowOptions): RateWindow {
  const { limit, windowMs, keysMax } = options;
  refuseOutside("limit", limit, limitMax);
  refuseOutside("windowMs", windowMs, Number.MAX_SAFE_INTEGER);
  refuseOutside("keysMax", keysMax, 2 ** 24);
  const toSteadyMs = createSteadyClock();
  // Both in order of the last grant. Keys at their limit are kept apart, so that a flood of new keys pushes out
  // other new keys first, and nobody frees himself by flooding.
  const open = new Map<string, Grants>();
  const full = new Map<string, Grants>();
  // Stands last already, so that the usual case, one key again and again, moves nothing.
  let newest: Grants | null = null;

  const answer = (grants: Grants | undefined, timeMs: number): RateAnswer => {
    if (grants === undefined || grants.timesMs.length < limit) return granted;
    const freeAtMs = (grants.timesMs[grants.head] ?? 0) + windowMs;
    return timeMs >= freeAtMs ? granted : { ok: false, retryAfterMs: freeAtMs - timeMs };
  };

  const record = (key: string, grants: Grants, timeMs: number): void => {
    const wasFull = grants.timesMs.length === limit;
    if (!wasFull) grants.timesMs.push(timeMs);
    else {
      grants.timesMs[grants.head] = timeMs;
      grants.head = (grants.head + 1) % limit;
    }
    grants.newestMs = timeMs;
    const isFull = grants.timesMs.length === limit;
    if (grants === newest && isFull === wasFull) return;
    newest = grants;
    open.delete(key);
    full.delete(key);
    (isFull ? full : open).set(key, grants);
  };

  const makeRoom = (timeMs: number): void => {
    forgetIdle(open, timeMs - windowMs);
    forgetIdle(full, timeMs - windowMs);
    if (open.size + full.size < keysMax) return;
    const victims = open.size > 0 ? open : full;
    for (const key of victims.keys()) {
      victims.delete(key);
      return;
    }
  };

  return {
    get size() {
      return open.size + full.size;
    },
    peek: (key, nowMs) => answer(open.get(key) ?? full.get(key), toSteadyMs(nowMs)),
    take(key, nowMs) {
      const timeMs = toSteadyMs(nowMs);
      const known = open.get(key) ?? full.get(key);
      const result = answer(known, timeMs);
      if (!result.ok) return result;
      if (known === undefined && open.size + full.size >= keysMax) makeRoom(timeMs);
      record(key, known ?? { timesMs: [], head: 0, newestMs: timeMs }, timeMs);
      return result;
    },
  };
}

/** The oldest come first, so this stops at the first key that still matters: constant on average. */
function forgetIdle(keys: Map<string, Grants>, beforeMs: number): void {
  for (const [key, grants] of keys) {
    if (grants.newestMs > beforeMs) return;
    keys.delete(key);
  }
}

/** A clock set back stands still for that moment and then goes on, so nobody waits for the time to be made up. */
function createSteadyClock(): (nowMs: number) => number {
  let lastMs = Number.NEGATIVE_INFINITY;
  let offsetMs = 0;
  return (nowMs) => {
    if (nowMs < lastMs) offsetMs += lastMs - nowMs;
    lastMs = nowMs;
    return nowMs + offsetMs;
  };
}

function refuseOutside(name: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw new RangeError(`${name} is a whole number from 1 to ${max}.`);
}
