/** A span as this hub makes it, and the ids that make sending it twice the same as sending it once. */
import { hash as hashOnce } from "node:crypto";

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanMoment {
  readonly name: string;
  readonly timeMs: number;
  readonly attributes: Attributes;
}

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Those that are undefined are left out. */
  readonly attributes: Attributes;
  readonly moments: readonly SpanMoment[];
  /** Code of what went wrong; null when nothing did. */
  readonly errorCode: string | null;
}

/** A correlation id of our own, or a trace id that a caller brought in a `traceparent`. */
const idPattern = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})$/u;
const traceDigits = 32;
const spanDigits = 16;
const noTrace = "0".repeat(traceDigits);

/**
 * An episode's own id without its hyphens, so that a person finds one by the other. A caller's trace id as it is: what it
 * began here belongs to its trace. Of any other text, the digest.
 */
export function traceIdOf(corrId: string): string {
  const digits = idPattern.test(corrId) ? corrId.replaceAll("-", "") : noTrace;
  return digits === noTrace ? digest(`trace\n${corrId}`).slice(0, traceDigits) : digits;
}

/** The same subject has the same span id, whoever asks and how often. */
export const spanIdOf = (sort: "run" | "step" | "task" | "approval" | "event", id: string): string =>
  digest(`${sort}\n${id}`).slice(0, spanDigits);

const digest = (text: string): string => hashOnce("sha256", text, "hex");
