import assert from "node:assert/strict";
import { test } from "vitest";
import { createManualClock } from "../../adapters/memory/clock.ts";
import type { LiveTail } from "../../contract/live-tail.ts";
import { sse } from "./frames.ts";
import { createLiveRounds, type LiveReader, type LiveRounds, type Run } from "./live-rounds.ts";

const startMs = 1_000;

interface Client {
  readonly reader: LiveReader;
  readonly writes: Uint8Array[];
  readonly runs: Run[];
  readonly ends: unknown[];
  isBlocked: boolean;
  give(...items: unknown[]): void;
  close(): void;
}

function createClient(rounds: LiveRounds): Client {
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
      write(runs) {
        client.runs.push(...runs);
        client.writes.push(...runs.map((run) => run.bytes));
      },
      enter: () => rounds.enter(client.reader),
      end: (error) => void client.ends.push(error),
    },
    writes: [],
    runs: [],
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
  const clients = [createClient(rounds), createClient(rounds)] as const;
  for (const { reader } of clients) reader.enter();
  return { clock, clients };
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
  const { clock, clients } = setUp();
  const [one, two] = clients;
  one.isBlocked = true;
  one.give(1);
  await turns();
  assert.deepEqual(one.writes, []);
  one.isBlocked = false;
  one.reader.enter();
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
  const [one, two] = [createClient(rounds), createClient(rounds)];
  for (const { reader } of [one, two]) reader.enter();
  one.give("huge");
  two.give("small");
  await turns();
  assert.deepEqual([one.ends, texts(two)], [[fault], ['data: "small"\n\n']]);
});

test("an event is framed once for any number of clients, and its chunk is ready to be written", async () => {
  const clock = createManualClock(startMs);
  let framed = 0;
  const rounds = createLiveRounds({
    clock,
    frameOf(item, format) {
      framed += 1;
      return format.item(item);
    },
  });
  const clients = Array.from({ length: 200 }, () => createClient(rounds));
  for (const { reader } of clients) reader.enter();
  for (const client of clients) client.give("é", "b");
  await turns();
  assert.equal(framed, 2);
  assert.equal(new Set(clients.flatMap(({ runs }) => runs)).size, 1);
  const chunk = Buffer.from(clients[0]?.runs[0]?.chunk ?? []).toString();
  assert.equal(chunk, '17\r\ndata: "é"\n\ndata: "b"\n\n\r\n');
});

test("a round ends at its bytes, and the rest of a client's events comes in the next", async () => {
  const clock = createManualClock(startMs);
  const rounds = createLiveRounds({ clock, frameOf: (item, format) => format.item(item) });
  const client = createClient(rounds);
  client.reader.enter();
  const text = "x".repeat(1_000);
  client.give(...Array.from({ length: 100 }, () => text));
  await turns();
  const first = client.writes.reduce((sum, bytes) => sum + bytes.length, 0);
  assert.ok(first >= 65_536 && first < 100_000);
  clock.advance(50);
  await turns();
  assert.equal(texts(client).join("").length, 100 * `data: "${text}"\n\n`.length);
});
