import assert from "node:assert/strict";
import { test } from "vitest";
import { createEventStore } from "./event-store.ts";
import { openSharedStream, type SharedStreamOptions } from "./shared-stream.ts";

type Channel = SharedStreamOptions["channel"];

/** A browser: tabs that share a channel and one lock, and a hub whose stream stays open. */
function browser() {
  const channels = new Map<string, Channel>();
  const waiting: (() => unknown)[] = [];
  let isHeld = false;
  const connects: string[] = [];
  const open = (tabId: string) => {
    const store = createEventStore({ now: () => 0, after: () => {}, isHidden: () => false });
    const channel: Channel = {
      onmessage: null,
      postMessage: (data: unknown) => {
        for (const [id, other] of channels)
          if (id !== tabId) other.onmessage?.call(other as BroadcastChannel, { data } as MessageEvent);
      },
    };
    channels.set(tabId, channel);
    const locks = {
      request: (_name: string, run: () => unknown) => {
        if (isHeld) waiting.push(run);
        else run();
        isHeld = true;
        return new Promise(() => {});
      },
    } as unknown as LockManager;
    const fetch = (async (url: string, init: RequestInit) => {
      connects.push(`${tabId} ${url} ${new Headers(init.headers).get("last-event-id") ?? "-"}`);
      const text = [1, 2, 3].map((seq) => `data: ${JSON.stringify({ seq, kind: "a.b" })}\n\n`).join("");
      return new Response(new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode(text)) }));
    }) as unknown as typeof globalThis.fetch;
    const stream = openSharedStream({ store, tabId, fetch, after: async () => {}, locks, channel });
    return { store, stream };
  };
  const close = (tabId: string): void => {
    channels.delete(tabId);
    waiting.shift()?.();
  };
  return { open, close, connects };
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

test("the second tab gets what the first one has, over no connection of its own", async () => {
  const { open, connects } = browser();
  const first = open("one");
  await settled();
  const second = open("two");
  await settled();
  assert.deepEqual([first.store.ring.lastSeq, second.store.ring.lastSeq], [3, 3]);
  assert.deepEqual(connects, ["one /events?replay=200 -"]);
  assert.equal(second.store.status().phase, "live");
});

test("when the reading tab closes, the next one goes on from the last position", async () => {
  const { open, close, connects } = browser();
  open("one");
  await settled();
  open("two");
  await settled();
  close("one");
  await settled();
  assert.deepEqual(connects, ["one /events?replay=200 -", "two /events 3"]);
});

test("a tab that asks to read again is served by the reading tab, and every tab begins anew", async () => {
  const { open, connects } = browser();
  const first = open("one");
  await settled();
  const second = open("two");
  await settled();
  second.stream.restart({ after: 2 });
  await settled();
  assert.equal(connects.at(-1), "one /events 2");
  assert.deepEqual([first.store.ring.epoch, second.store.ring.epoch], [1, 1]);
});
