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
  const { channel, tabId } = options;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target; only this origin hears it
  const tell: Tell = (message) => channel.postMessage(message);
  const leader = createLeader(options, tell);
  const follower = createFollower(options, tell);
  let isLeader = false;

  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the port is one handler, and assigning it starts the channel
  channel.onmessage = (received: MessageEvent) => {
    const message = received.data as Message;
    if (isLeader) leader.answer(message);
    else follower.hear(message);
  };
  const begin = (): Promise<never> => {
    isLeader = true;
    tell({ type: "leading" });
    leader.lead({ after: null, replay: replayFirst });
    // Held until the tab closes.
    return new Promise<never>(() => {});
  };
  if (options.locks) void options.locks.request("arw-event-stream", begin);
  else void begin();
  tell({ type: "hello", from: tabId });

  return {
    restart({ after, replay }) {
      const start = { after: after ?? null, replay: replay ?? replayFirst };
      if (isLeader) leader.restart(start);
      else tell({ type: "restart", ...start });
    },
  };
}

type Tell = (message: Message) => void;

interface Start {
  readonly after: number | null;
  readonly replay: number;
}

/** The tab that reads: everything it takes in, the others hear. */
function createLeader({ store, fetch, after }: SharedStreamOptions, tell: Tell) {
  let connection: AbortController | undefined;
  const setPhase = (phase: Phase): void => {
    store.setPhase(phase);
    tell({ type: "phase", phase });
  };
  const reset = (): void => {
    store.reset();
    tell({ type: "reset" });
  };
  const lead = (start: Start): void => {
    connection?.abort();
    connection = new AbortController();
    void connect({
      fetch,
      after,
      signal: connection.signal,
      replay: start.replay,
      position: () => (store.ring.lastSeq > 0 ? store.ring.lastSeq : start.after),
      onEvents: (events) => {
        store.ingest(events);
        tell({ type: "events", events });
      },
      onPhase: setPhase,
      onReset: reset,
    });
  };
  const restart = (start: Start): void => {
    // Before the reset, which tells every view: a locked view must not lock itself again.
    setPhase("connecting");
    reset();
    lead(start);
  };
  const answer = (message: Message): void => {
    if (message.type === "restart") restart(message);
    if (message.type !== "hello") return;
    tell({ type: "history", to: message.from, events: newest(store, historyMax), phase: store.status().phase });
  };
  return { lead, restart, answer };
}

/** A tab that listens. */
function createFollower({ store, tabId }: SharedStreamOptions, tell: Tell) {
  // News before the history would leave a hole behind them, so a new tab waits for the history first.
  let hasHistory = false;
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
  return { hear };
}

function newest(store: EventStore, count: number): HubEvent[] {
  const events: HubEvent[] = [];
  for (let position = Math.max(store.ring.start, store.ring.end - count); position < store.ring.end; position += 1) {
    const event = store.ring.at(position);
    if (event) events.push(event);
  }
  return events;
}
