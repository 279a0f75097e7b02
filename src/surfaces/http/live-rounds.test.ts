import assert from "node:assert/strict";
import { test } from "vitest";
import { createManualClock } from "../../adapters/memory/clock.ts";
import type { LiveTail } from "../../contract/live-tail.ts";
import { sse } from "./frames.ts";
import { createLiveRounds, type LiveReader } from "./live-rounds.ts";

const startMs = 1_000;

interface Client {
  readonly reader: LiveReader;
  readonly writes: Uint8Array[];
  readonly ends: unknown[];
  isBlocked: boolean;
  give(...items: unknown[]): void;
  close(): void;
}

function createClient(): Client {
  const waiting: unknown[] = [];
  let isOver = false;
  let wake: (() => void) | null = null;
  const wakeUp = (): void => {
    const run = wake;
    wake = null;
    run?.();
  };
  const tail: LiveTail = {
    take: (count) => waiting.splice(0, count),
    onReady(run) {
      if (isOver || waiting.length > 0) run();
      else wake = run;
    },
    get isOver() {
      return isOver;
    },
    [Symbol.dispose]: () => undefined,
  };
  const client: Client = {
    reader: {
      tail,
      format: sse,
      roundBytesMax: 65_536,
      isBlocked: () => client.isBlocked,
      isOver: () => false,
      write: (bytes) => void client.writes.push(bytes),
      end: (error) => void client.ends.push(error),
    },
    writes: [],
    ends: [],
    isBlocked: false,
    give(...items) {
      waiting.push(...items);
      wakeUp();
    },
    close() {
      isOver = true;
      wakeUp();
    },
  };
  return client;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const turns = async (): Promise<void> => {
  await turn();
  await turn();
  await turn();
};
const texts = ({ writes }: Client): string[] => writes.map((bytes) => Buffer.from(bytes).toString());

function setUp() {
  const clock = createManualClock(startMs);
  const rounds = createLiveRounds({ clock, frameOf: (item, format) => format.item(item) });
  const clients = [createClient(), createClient()] as const;
  for (const { reader } of clients) rounds.enter(reader);
  return { clock, rounds, clients };
}

test("the first event goes out at once, what follows shortly after goes out together, and the bytes are shared", async () => {
  const { clock, clients } = setUp();
  const [one, two] = clients;
  await turns();
  clock.advance(1_000);
  for (const client of clients) client.give(1);
  await turns();
  assert.deepEqual(texts(one), ["data: 1\n\n"]);
  for (const item of [2, 3]) for (const client of clients) client.give(item);
  await turns();
  assert.equal(one.writes.length, 1);
  clock.advance(5);
  await turns();
  assert.deepEqual(texts(one), ["data: 1\n\n", "data: 2\n\ndata: 3\n\n"]);
  assert.equal(one.writes[1], two.writes[1]);
});

test("clients with other events get their own", async () => {
  const { clients } = setUp();
  const [one, two] = clients;
  one.give(1, 2, 4);
  two.give(1, 3, 4);
  await turns();
  assert.deepEqual(
    [texts(one), texts(two)],
    [["data: 1\n\ndata: 2\n\ndata: 4\n\n"], ["data: 1\n\ndata: 3\n\ndata: 4\n\n"]],
  );
});

test("who is blocked is passed over until it enters again, and who is over is ended once", async () => {
  const { clock, rounds, clients } = setUp();
  const [one, two] = clients;
  one.isBlocked = true;
  one.give(1);
  await turns();
  assert.deepEqual(one.writes, []);
  one.isBlocked = false;
  rounds.enter(one.reader);
  two.close();
  clock.advance(50);
  await turns();
  assert.deepEqual(texts(one), ["data: 1\n\n"]);
  assert.deepEqual([one.ends, two.ends], [[], [undefined]]);
});

test("an item that cannot be framed ends its own stream alone", async () => {
  const clock = createManualClock(startMs);
  const fault = new RangeError("too large");
  const rounds = createLiveRounds({
    clock,
    frameOf(item, format) {
      if (item === "huge") throw fault;
      return format.item(item);
    },
  });
  const [one, two] = [createClient(), createClient()];
  for (const { reader } of [one, two]) rounds.enter(reader);
  one.give("huge");
  two.give("small");
  await turns();
  assert.deepEqual([one.ends, texts(two)], [[fault], ['data: "small"\n\n']]);
});
