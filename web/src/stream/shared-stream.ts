/**
 * One event source for all tabs of a browser. The tab that holds the lock reads the stream and passes it on; when it closes,
 * the lock falls to the next tab, which goes on from the last position it saw.
 */
import type { HubEvent } from "../shapes.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import type { EventStore, Phase } from "./event-store.ts";

type Message =
  | { readonly type: "events"; readonly events: readonly HubEvent[] }
  | { readonly type: "phase"; readonly phase: Phase }
  | { readonly type: "leading" }
  | { readonly type: "hello"; readonly from: string }
  | { readonly type: "history"; readonly to: string; readonly events: readonly HubEvent[]; readonly phase: Phase }
  | { readonly type: "reset" }
  | { readonly type: "restart"; readonly after: number | null; readonly replay: number };

export interface SharedStreamOptions {
  readonly store: EventStore;
  readonly tabId: string;
  readonly fetch: typeof fetch;
  readonly after: ConnectionOptions["after"];
  /** Absent where the browser lacks it (pages that are not served from this machine): each tab then reads for itself. */
  readonly locks: Pick<LockManager, "request"> | undefined;
  readonly channel: Pick<BroadcastChannel, "postMessage" | "onmessage">;
}

export interface SharedStream {
  /** Connects anew: after a sign-in, to read again from a position, or to begin with more of the newest events. */
  restart(from: { readonly after?: number; readonly replay?: number }): void;
}

/** Enough for the first screen of the event list; more is a press away. */
const replayFirst = 200;
/** What a new tab gets from the leader. */
const historyMax = 2_000;

export function openSharedStream(options: SharedStreamOptions): SharedStream {
  const { store, channel, tabId } = options;
  let isLeader = false;
  // News before the history would leave a hole behind them, so a new tab waits for the history first.
  let hasHistory = false;
  let connection: AbortController | undefined;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target; only this origin hears it
  const tell = (message: Message): void => channel.postMessage(message);

  const lead = (start: { readonly after: number | null; readonly replay: number }): void => {
    connection?.abort();
    connection = new AbortController();
    void connect({
      fetch: options.fetch,
      after: options.after,
      signal: connection.signal,
      replay: start.replay,
      position: () => (store.ring.lastSeq > 0 ? store.ring.lastSeq : start.after),
      onEvents: (events) => {
        store.ingest(events);
        tell({ type: "events", events });
      },
      onPhase: (phase) => {
        store.setPhase(phase);
        tell({ type: "phase", phase });
      },
      onReset: () => {
        store.reset();
        tell({ type: "reset" });
      },
    });
  };
  const restart = (after: number | null, replay: number): void => {
    // Before the reset, which tells every view: a locked view must not lock itself again.
    store.setPhase("connecting");
    tell({ type: "phase", phase: "connecting" });
    store.reset();
    tell({ type: "reset" });
    lead({ after, replay });
  };

  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the port is one handler, and assigning it starts the channel
  channel.onmessage = (received: MessageEvent) => {
    const message = received.data as Message;
    if (isLeader) answer(message);
    else hear(message);
  };
  const answer = (message: Message): void => {
    if (message.type === "restart") restart(message.after, message.replay);
    if (message.type !== "hello") return;
    const events = newest(store, historyMax);
    tell({ type: "history", to: message.from, events, phase: store.status().phase });
  };
  const hear = (message: Message): void => {
    if (message.type === "leading" && !hasHistory) tell({ type: "hello", from: tabId });
    else if (message.type === "events" && hasHistory) store.ingest(message.events);
    else if (message.type === "phase") store.setPhase(message.phase);
    else if (message.type === "reset") store.reset();
    else if (message.type === "history" && message.to === tabId) {
      hasHistory = true;
      store.ingest(message.events);
      store.setPhase(message.phase);
    }
  };

  const begin = (): Promise<never> => {
    isLeader = true;
    tell({ type: "leading" });
    lead({ after: null, replay: replayFirst });
    // Held until the tab closes.
    return new Promise<never>(() => {});
  };
  if (options.locks) void options.locks.request("arw-event-stream", begin);
  else void begin();
  tell({ type: "hello", from: tabId });

  return {
    restart({ after, replay }) {
      if (isLeader) restart(after ?? null, replay ?? replayFirst);
      else tell({ type: "restart", after: after ?? null, replay: replay ?? replayFirst });
    },
  };
}

function newest(store: EventStore, count: number): HubEvent[] {
  const events: HubEvent[] = [];
  for (let position = Math.max(store.ring.start, store.ring.end - count); position < store.ring.end; position += 1) {
    const event = store.ring.at(position);
    if (event) events.push(event);
  }
  return events;
}
