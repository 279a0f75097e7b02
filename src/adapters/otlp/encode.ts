/** The JSON mapping of OTLP's `ExportTraceServiceRequest`: ids in hexadecimal, 64-bit integers as text, enums as numbers. */
import type { Attributes, Span } from "./span.ts";

const kindInternal = 1;
const statusError = 2;
/** Sampled (bit 0), and the parent is known not to be remote (bit 8 set, bit 9 clear). */
const flags = 0x101;
const nanosecondsPerMs = 1_000_000n;

export function spanJson(span: Span): string {
  const startMs = Math.round(span.startMs);
  return JSON.stringify({
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
    flags,
    name: span.name,
    kind: kindInternal,
    startTimeUnixNano: nanoseconds(startMs),
    // A clock that was set back must not make a span that ends before it begins.
    endTimeUnixNano: nanoseconds(Math.max(startMs, Math.round(span.endMs))),
    attributes: keyValues(span.attributes),
    ...(span.moments.length === 0 ? {} : { events: span.moments.map(eventOf) }),
    status: span.errorCode === null ? {} : { code: statusError, message: span.errorCode },
  });
}

const eventOf = ({ name, timeMs, attributes }: Span["moments"][number]) => ({
  timeUnixNano: nanoseconds(Math.round(timeMs)),
  name,
  attributes: keyValues(attributes),
});

const nanoseconds = (timeMs: number): string => String(BigInt(timeMs) * nanosecondsPerMs);

function keyValues(attributes: Attributes): readonly { readonly key: string; readonly value: object }[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: string | number | boolean): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

export interface Origin {
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
}

/** A request around spans that are JSON already, so that their sizes are known before they are put together. */
export function requestJson({ resource, scope }: Origin, spans: readonly string[]): string {
  const head = JSON.stringify({ attributes: keyValues(resource) });
  return `{"resourceSpans":[{"resource":${head},"scopeSpans":[{"scope":${JSON.stringify(scope)},"spans":[${spans.join(",")}]}]}]}`;
}
