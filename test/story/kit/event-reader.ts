/** Reads a hub's events as frames, as any client of the standard would. */
import { createSseParser, type SseFrame } from "../../../src/base/sse-parser.ts";
import type { Json, RunningHub } from "./hub-process.ts";
import { until } from "./until.ts";

export interface EventReader extends AsyncDisposable {
  readonly status: number;
  readonly frames: readonly SseFrame[];
  /** The data of each frame, parsed. */
  readonly events: () => readonly Json[];
  waitFor(what: string, isThere: (events: readonly Json[]) => boolean, deadlineMs?: number): Promise<readonly Json[]>;
}

export async function readEvents(
  hub: RunningHub,
  query: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventReader> {
  const controller = new AbortController();
  const response = await fetch(`${hub.url}/events${query}`, {
    headers: { accept: "text/event-stream", authorization: `Bearer ${hub.token}`, ...headers },
    signal: controller.signal,
  });
  const frames: SseFrame[] = [];
  const parsed: Json[] = [];
  const reading = (async () => {
    const parser = createSseParser();
    for await (const chunk of response.body ?? []) {
      for (const frame of parser.push(chunk)) {
        frames.push(frame);
        parsed.push(JSON.parse(frame.data));
      }
    }
  })().catch(() => undefined);
  return {
    status: response.status,
    frames,
    events: () => parsed,
    waitFor: (what, isThere, deadlineMs) => until(what, () => (isThere(parsed) ? parsed : undefined), deadlineMs),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await reading;
    },
  };
}
