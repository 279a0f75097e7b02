/** One connection to the hub's event stream: reads, reconnects from the last position, and says how it stands. */
import type { HubEvent } from "../shapes.ts";
import type { Phase } from "./event-store.ts";
import { readFrames, type SseFrame } from "./sse-parser.ts";

export interface ConnectionOptions {
  readonly fetch: typeof fetch;
  readonly after: (delayMs: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Journal position to go on from; null begins with the newest events. */
  readonly position: () => number | null;
  /** How many of the newest events to begin with. */
  readonly replay: number;
  readonly onEvents: (events: readonly HubEvent[]) => void;
  readonly onPhase: (phase: Phase) => void;
  /** The position belongs to another journal: everything known is void. */
  readonly onReset: () => void;
}

const pauseMsFirst = 250;
/** A hub that comes back is noticed within this time. */
const pauseMsMax = 4_000;

type Ending = "ended" | "locked" | "ahead";

/** Runs until the signal aborts or the hub asks for a sign-in. */
export async function connect(options: ConnectionOptions): Promise<void> {
  let pauseMs = pauseMsFirst;
  while (!options.signal.aborted) {
    const ending = await readOnce(options, () => (pauseMs = pauseMsFirst)).catch((): Ending => "ended");
    if (options.signal.aborted) return;
    if (ending === "locked") return options.onPhase("locked");
    if (ending === "ahead") options.onReset();
    options.onPhase("reconnecting");
    await options.after(pauseMs, options.signal);
    pauseMs = Math.min(pauseMs * 2, pauseMsMax);
  }
}

async function readOnce(options: ConnectionOptions, onLive: () => void): Promise<Ending> {
  const position = options.position();
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (position !== null) headers["last-event-id"] = String(position);
  const query = position === null ? `?replay=${options.replay}` : "";
  const response = await options.fetch(`/events${query}`, {
    headers,
    credentials: "same-origin",
    signal: options.signal,
  });
  if (response.status === 401) return "locked";
  if (response.status === 400 && position !== null) return "ahead";
  if (!response.ok || !response.body) return "ended";
  options.onPhase("live");
  onLive();
  await readBody(response.body, options.onEvents);
  return "ended";
}

async function readBody(body: ReadableStream<Uint8Array>, onEvents: ConnectionOptions["onEvents"]): Promise<void> {
  let batch: HubEvent[] = [];
  const take = (frame: SseFrame): void => {
    const item = JSON.parse(frame.data) as HubEvent;
    // The greeting of each connection, and the problem document that ends a failed one, are no events of the hub.
    if (typeof item.kind === "string" && item.kind !== "service.connected") batch.push(item);
  };
  await readFrames(body, take, () => {
    if (batch.length > 0) onEvents(batch);
    batch = [];
  });
}
