/** Names for things that happen: UUIDv7 in the order of their making, and the ids that callers bring along. */

export interface IdsOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** As many random bytes as asked. */
  readonly randomBytes: (count: number) => Uint8Array;
}

export interface Ids {
  /** A UUIDv7 greater, as text, than every one before it. */
  next(): string;
}

/** 12 bits of `rand_a`. */
const counterMax = 0xfff;

/** Half of the counter is left free for the ids of one millisecond (RFC 9562, 6.2, method 1: seeded at random below). */
const counterSeedMask = 0x7ff;

/** Milliseconds that a UUIDv7 can hold. */
const timeMsMax = 2 ** 48 - 1;

/**
 * Order holds within one millisecond by a counter, and when the clock goes back by staying at the last time seen.
 * A counter that is used up borrows the next millisecond.
 */
export function createIds({ now, randomBytes }: IdsOptions): Ids {
  let timeMs = -1;
  let counter = 0;
  // Kept, for many ids are made in one millisecond.
  let textMs = -1;
  let text = "";
  return {
    next() {
      const bytes = randomBytes(10);
      if (bytes.length < 10) throw new RangeError("An id takes 10 random bytes.");
      const seed = ((byteAt(bytes, 8) << 8) | byteAt(bytes, 9)) & counterSeedMask;
      const nowMs = Math.min(timeMsMax, Math.max(0, Math.floor(now())));
      if (nowMs > timeMs) {
        timeMs = nowMs;
        counter = seed;
      } else if (counter < counterMax) {
        counter += 1;
      } else {
        timeMs += 1;
        counter = seed;
      }
      if (textMs !== timeMs) {
        textMs = timeMs;
        text = timeText(timeMs);
      }
      return format(text, counter, bytes);
    },
  };
}

function format(time: string, counter: number, bytes: Uint8Array): string {
  const byte = (index: number): string => hexBytes[byteAt(bytes, index)] as string;
  const variant = hexBytes[(byteAt(bytes, 0) & 0x3f) | 0x80] as string;
  const low = hexBytes[counter & 0xff] as string;
  return `${time}-7${hexDigits[counter >> 8] as string}${low}-${variant}${byte(1)}-${byte(2)}${byte(3)}${byte(4)}${byte(5)}${byte(6)}${byte(7)}`;
}

/** The first 13 characters of an id: 48 bits of time. */
function timeText(timeMs: number): string {
  const digits = timeMs.toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

/** Every byte as two digits: an id asks for ten of them, and an event takes an id. */
const hexBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const hexDigits = Array.from({ length: 16 }, (_, digit) => digit.toString(16));

/** Any version, lower or upper case. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text);
}

export interface TraceParent {
  readonly traceId: string;
  readonly parentId: string;
}

/** The ids of a W3C `traceparent` header, or null when it is not one. Versions after 00 are read by what they share with it. */
export function parseTraceparent(header: string): TraceParent | null {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.{0,400})?$/.exec(header.trim());
  const [, version, traceId, parentId, more] = match ?? [];
  if (version === undefined || traceId === undefined || parentId === undefined) return null;
  if (version === "ff" || (version === "00" && more !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return null;
  return { traceId, parentId };
}

/** What a caller may send as the id that ties its work together: short, and safe in a header, a log and a file name. */
export function isCorrelationId(text: string): boolean {
  return /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(text);
}
