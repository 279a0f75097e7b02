/** How one item of a stream looks on the wire. */
import { jsonText } from "../../contract/event.ts";
import { toCloudEvent } from "./cloud-events.ts";
import { type Problem, problemDocument } from "../../contract/problem.ts";

export interface StreamFormat {
  readonly media: string;
  item(item: unknown): string;
  /** The stream ends with this: something failed after it began. */
  failure(error: Problem, corrId: string): string;
  /** Keeps proxies and readers from taking silence for death. */
  readonly heartbeat: string;
}

interface Named {
  readonly kind?: unknown;
  readonly id?: unknown;
  readonly seq?: unknown;
  readonly [jsonText]?: string;
}

/** Items that know their JSON text are never serialised twice, however many clients read them. */
function jsonOf(item: unknown): string {
  if (typeof item !== "object" || item === null) return JSON.stringify(item) ?? "null";
  return (item as Named)[jsonText] ?? JSON.stringify(item);
}

/** What has a place in the journal names it, so that a client that comes back sends it as `Last-Event-ID`. */
function sseItem(item: unknown): string {
  const data = jsonOf(item);
  if (typeof item !== "object" || item === null) return `data: ${data}\n\n`;
  const { kind, id, seq } = item as Named;
  if (typeof kind !== "string" || (typeof id !== "string" && typeof seq !== "number")) return `data: ${data}\n\n`;
  if (typeof seq === "number" && seq > 0) return `id: ${seq}\nevent: ${kind}\ndata: ${data}\n\n`;
  return `event: ${kind}\ndata: ${data}\n\n`;
}

export const sse: StreamFormat = {
  media: "text/event-stream; charset=utf-8",
  item: sseItem,
  failure: (error, corrId) => `event: problem\ndata: ${JSON.stringify(problemDocument(error, corrId))}\n\n`,
  heartbeat: ":\n\n",
};

/** One JSON value per line; an empty line is a heartbeat, a last line with `type` and `status` a problem. */
export const ndjson: StreamFormat = {
  media: "application/x-ndjson; charset=utf-8",
  item: (item) => `${jsonOf(item)}\n`,
  failure: (error, corrId) => `${JSON.stringify(problemDocument(error, corrId))}\n`,
  heartbeat: "\n",
};

/** Events as structured CloudEvents 1.0 inside the framing of `format`; what is no event stays as it is. */
const asCloudEvents = (format: StreamFormat): StreamFormat => ({
  ...format,
  item: (item) => format.item(toCloudEvent(item)),
});
const cloudSse = asCloudEvents(sse);
const cloudNdjson = asCloudEvents(ndjson);

/**
 * `application/x-ndjson` asks for lines instead of SSE, `application/cloudevents+json` for CloudEvents instead of our own
 * envelope, in either.
 */
export function formatFor(accept: string | undefined): StreamFormat {
  if (accept === undefined) return sse;
  const isNdjson = accept.includes("application/x-ndjson");
  if (accept.includes("application/cloudevents+json")) return isNdjson ? cloudNdjson : cloudSse;
  return isNdjson ? ndjson : sse;
}
