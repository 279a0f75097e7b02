/** What a collector's answer means for the spans it was sent, as OTLP/HTTP has it. */

export interface Reply {
  readonly status: number;
  readonly retryAfter: string | null;
  /** Null when the answer was too long to be read. */
  readonly text: string | null;
}

export type Verdict =
  /** `rejectedSpans` of them were not taken, and must not be sent again. */
  | { readonly kind: "accepted"; readonly rejectedSpans: number; readonly warning: string | null }
  /** `afterMs` is null when the collector does not say how long to wait. */
  | { readonly kind: "again"; readonly afterMs: number | null; readonly detail: string }
  /** Too much at once. */
  | { readonly kind: "smaller"; readonly detail: string }
  /** These spans must not be sent again. */
  | { readonly kind: "dropped"; readonly detail: string }
  /** The address or the credentials are wrong, not the spans: nothing is sent until somebody mends them. */
  | { readonly kind: "stopped"; readonly detail: string };

const againStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const stoppedStatuses: ReadonlySet<number> = new Set([401, 403, 404, 405, 407]);
const tooLargeStatus = 413;
/** A collector that asks for more patience than this is asked again all the same. */
const retryAfterMsMax = 3_600_000;
/** What a collector says is shown in one line. */
const detailLengthMax = 200;

export function judge(reply: Reply, nowMs: number): Verdict {
  const { status, text, retryAfter } = reply;
  if (status >= 200 && status < 300) return accepted(text);
  const detail = `the collector answers ${status}${wordsOf(text)}`;
  if (againStatuses.has(status)) return { kind: "again", afterMs: waitMs(retryAfter, nowMs), detail };
  if (status === tooLargeStatus) return { kind: "smaller", detail };
  // A redirect is not followed: it would carry the credentials to an address that nobody chose.
  if (stoppedStatuses.has(status) || (status >= 300 && status < 400)) return { kind: "stopped", detail };
  return { kind: "dropped", detail };
}

function accepted(text: string | null): Verdict {
  if (text === null) return { kind: "dropped", detail: "the collector's answer is too long" };
  const partial = fieldOf(parsed(text), "partialSuccess");
  const rejected = Number(fieldOf(partial, "rejectedSpans") ?? 0);
  const message = fieldOf(partial, "errorMessage");
  return {
    kind: "accepted",
    rejectedSpans: Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0,
    warning: typeof message === "string" && message !== "" ? message.slice(0, detailLengthMax) : null,
  };
}

/** The `google.rpc.Status` of a failure, if there is one. */
function wordsOf(text: string | null): string {
  const message = fieldOf(parsed(text ?? ""), "message");
  return typeof message === "string" && message !== "" ? `: ${message.slice(0, detailLengthMax)}` : "";
}

/** Not every collector answers in JSON, and an empty answer says all that an empty object does. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;

/** Seconds, or a date. */
function waitMs(retryAfter: string | null, nowMs: number): number | null {
  if (retryAfter === null) return null;
  const text = retryAfter.trim();
  const wantedMs = /^\d{1,9}$/u.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(wantedMs) ? null : Math.min(retryAfterMsMax, Math.max(0, wantedMs));
}
