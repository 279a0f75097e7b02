/** One view of the hub, kept up by its own stream: a snapshot, then patches, and after a break on from where it was. */
import type { Phase } from "./event-store.ts";
import { createNotifier, type NotifierOptions } from "./notifier.ts";
import { applyRowPatches, type RowPatch } from "./row-patch.ts";
import { readFrames } from "./sse-parser.ts";

const pauseMsFirst = 250;
/** A hub that comes back is noticed within this time. */
const pauseMsMax = 4_000;

export interface WatchedView<Row> {
  /** By key; null until the first snapshot. */
  rows(): ReadonlyMap<string, Row> | null;
  phase(): Phase;
  /** Reads until the signal aborts. */
  follow(signal: AbortSignal): Promise<void>;
  readonly subscribe: (listener: () => void) => () => void;
  readonly version: () => number;
  readonly wake: () => void;
}

export interface ViewWatchOptions {
  /** As `/state/consumers/-/watch`. */
  readonly path: string;
  readonly fetch: typeof fetch;
  readonly pause: (delayMs: number, signal: AbortSignal) => Promise<void>;
  readonly notifier: NotifierOptions;
}

interface WatchItem<Row> {
  readonly kind: "snapshot" | "patch";
  readonly seq: number;
  readonly rows?: Readonly<Record<string, Row>>;
  readonly patch?: readonly RowPatch[];
}

export function watchView<Row>(options: ViewWatchOptions): WatchedView<Row> {
  const notifier = createNotifier(options.notifier);
  let rows: ReadonlyMap<string, Row> | null = null;
  let seq: number | null = null;
  let phase: Phase = "connecting";
  const setPhase = (next: Phase): void => {
    phase = next;
    notifier.mark();
  };
  const take = (item: WatchItem<Row>): void => {
    if (item.kind === "snapshot") rows = new Map(Object.entries(item.rows ?? {}));
    else if (item.kind === "patch") rows = applyRowPatches(rows ?? new Map<string, Row>(), item.patch ?? []);
    else return;
    ({ seq } = item);
    notifier.mark();
  };
  const readOnce = async (signal: AbortSignal): Promise<boolean> => {
    const query = seq === null ? "" : `?after=${seq}`;
    const headers = { accept: "text/event-stream" };
    const response = await options.fetch(options.path + query, { headers, credentials: "same-origin", signal });
    if (response.status === 401) {
      setPhase("locked");
      return true;
    }
    if (!response.ok || !response.body) return false;
    setPhase("live");
    await readFrames(response.body, (frame) => take(JSON.parse(frame.data) as WatchItem<Row>));
    return false;
  };
  return {
    rows: () => rows,
    phase: () => phase,
    async follow(signal) {
      let pauseMs = pauseMsFirst;
      while (!signal.aborted) {
        const isLocked = await readOnce(signal).catch((error: unknown) => {
          // A patch that does not fit: only a fresh snapshot is true.
          if (error instanceof RangeError) seq = null;
          return false;
        });
        if (signal.aborted || isLocked) return;
        pauseMs = phase === "live" ? pauseMsFirst : Math.min(pauseMs * 2, pauseMsMax);
        setPhase("reconnecting");
        await options.pause(pauseMs, signal);
      }
    },
    subscribe: notifier.subscribe,
    version: notifier.version,
    wake: notifier.wake,
  };
}
