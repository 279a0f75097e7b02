/** The event stream as clients meet it: replay, filters, resuming without a seam, and a hub that comes back. */
import assert from "node:assert/strict";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, test } from "vitest";
import { freePort } from "../kit/free-port.ts";
import { type EventReader, readEvents } from "./kit/event-reader.ts";
import { type Json, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { briefToEnd } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

let room: Room;
let hub: RunningHub;
beforeAll(async () => {
  room = await createRoom();
  hub = await startHub({ stateDir: room.stateDir });
  const folder = await room.sample("first");
  await briefToEnd(hub, { folder, allowWrite: true });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

const seqsOf = (events: readonly Json[]): number[] =>
  events.flatMap((each) => (each.seq > 0 ? [each.seq as number] : []));
const headSeq = async (): Promise<number> => (await hub.get("/healthz")).headSeq ?? (await firstFrame()).data.headSeq;

async function firstFrame(): Promise<Json> {
  await using reader = await readEvents(hub, "");
  const [first] = await reader.waitFor("the first frame", (events) => events.length > 0);
  return first;
}

/** Emits `count` durable events, many at a time, until all are stored. */
async function emitMany(count: number, marker: string): Promise<void> {
  const atOnce = 10;
  for (let index = 0; index < count; index += atOnce) {
    await Promise.all(
      Array.from({ length: atOnce }, (_, each) =>
        hub.post("/tasks/enqueue", {
          kind: "fs.list",
          payload: { folder: room.path, limit: 1 },
          delayMs: 3_000_000,
          idemKey: `${marker}-${index + each}`,
        }),
      ),
    );
  }
}

const assertSeamless = (seqs: readonly number[], fromSeq: number): void => {
  assert.deepEqual(
    seqs,
    Array.from(seqs, (_, index) => fromSeq + index),
    "each event once, in order, none missing",
  );
};

test("the first frame says what follows, and replay gives the newest", async () => {
  await using reader = await readEvents(hub, "?replay=5");
  const events = await reader.waitFor("the replay", (all) => seqsOf(all).length >= 5);
  assert.equal(reader.status, 200);
  assert.equal(events[0].kind, "service.connected");
  assert.deepEqual([events[0].data.replay, events[0].data.resumeFrom], [{ mode: "recent", count: 5 }, null]);
  assert.equal(reader.frames[0]?.id, "", "the first frame moves no cursor");
  assertSeamless(seqsOf(events.slice(1, 6)), events[0].data.headSeq - 4);
  for (const frame of reader.frames.slice(1, 6)) assert.equal(frame.id, String(JSON.parse(frame.data).seq));
  for (const frame of reader.frames) assert.equal(frame.event, JSON.parse(frame.data).kind);
});

test("prefixes may be repeated, joined by commas, and in any case", async () => {
  const kinds = async (query: string): Promise<string[]> => {
    await using reader = await readEvents(hub, query);
    const events = await reader.waitFor("events", (all) => seqsOf(all).length >= 3);
    return [...new Set(events.slice(1).map((each) => each.kind.split(".")[0] as string))].toSorted();
  };
  const both = await kinds("?replay=500&prefix=Beliefs.&prefix=INTENTS.");
  assert.deepEqual(both, ["beliefs", "intents"]);
  assert.deepEqual(await kinds("?replay=500&prefix=beliefs.,intents."), both);
  assert.ok(!(await kinds("?replay=500&prefix=observations.")).includes("beliefs"));
});

test("positions that cannot be are refused before the stream begins", async () => {
  for (const query of ["?after=-1", "?after=x", "?after=1.5", "?replay=-1", "?replay=1000000", "?surprise=1"]) {
    const { status, body } = await hub.send(`GET /events${query}`);
    assert.deepEqual([status, body.code], [400, "arw.invalid-input"], query);
  }
  const ahead = await hub.send("GET /events?after=999999999");
  assert.deepEqual([ahead.status, ahead.body.code], [400, "events.cursor-ahead"]);
  assert.ok(ahead.body.headSeq > 0);
  const header = { authorization: `Bearer ${hub.token}`, "last-event-id": "not-a-number" };
  assert.equal((await hub.send("GET /events", undefined, header)).status, 400);
});

test("clients that connect and resume under load see every event once and in order", async () => {
  const fromSeq = (await firstFrame()).data.headSeq as number;
  const emitting = emitMany(400, "load");
  const clients = Array.from({ length: 6 }, async (_, index) => {
    const seen: number[] = [];
    // Each client breaks off early and often, and comes back with the id that it saw last.
    for (let round = 0; round < 5; round += 1) {
      const last = seen.at(-1) ?? fromSeq;
      await using reader = await readEvents(hub, "", { "last-event-id": String(last) });
      const wanted = round === 4 ? fromSeq + 400 - last : 20 + index * 7;
      const events = await reader.waitFor(
        `client ${index}, round ${round}`,
        (all) => seqsOf(all).length >= Math.min(wanted, fromSeq + 400 - last),
      );
      const seqs = seqsOf(events);
      assertSeamless(seqs, last + 1);
      seen.push(...seqs.slice(0, round === 4 ? seqs.length : wanted));
    }
    assertSeamless(seen, fromSeq + 1);
    assert.ok(seen.length >= 400);
  });
  await Promise.all([emitting, ...clients]);
});

test("an independent client follows the stream, and goes on by itself when the hub comes back", async () => {
  await using own = await createRoom();
  const port = await freePort();
  let server = await startHub({ stateDir: own.stateDir, flags: ["--port", String(port)] });
  const seen: number[] = [];
  const { token } = server;
  const source = new EventSource(`${server.url}/events?after=0&prefix=task.,service.`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
  });
  try {
    for (const kind of ["task.enqueued", "service.opened", "service.closed"]) {
      source.addEventListener(kind, (message) => seen.push(JSON.parse(message.data).seq));
    }
    const enqueue = (): Promise<Json> =>
      server.post("/tasks/enqueue", { kind: "fs.list", payload: { folder: own.path }, delayMs: 3_000_000 });
    for (let index = 0; index < 5; index += 1) await enqueue();
    await until("the first events", () => (seen.length >= 6 ? true : undefined));
    await server.kill("SIGKILL");
    server = await startHub({ stateDir: own.stateDir, flags: ["--port", String(port)] });
    for (let index = 0; index < 5; index += 1) await enqueue();
    await until("the events after the restart", () => (seen.length >= 12 ? true : undefined));
    // The first event of all says what the hub is configured to; the second start has nothing new to say of that.
    assertSeamless(seen, 2);
  } finally {
    source.close();
    await server[Symbol.asyncDispose]();
  }
});

test("a reader who does not read loses the oldest, is told which, and holds up nobody", async () => {
  await using own = await createRoom();
  await using small = await startHub({ stateDir: own.stateDir, env: { ARW_BUS_CAP: "16" } });
  await using reader: EventReader = await readEvents(small, "?prefix=task.");
  await Promise.all(
    Array.from({ length: 300 }, (_, index) =>
      small.post("/tasks/enqueue", {
        kind: "fs.list",
        payload: { folder: own.path },
        delayMs: 3_000_000,
        idemKey: `n${index}`,
      }),
    ),
  );
  const events = await reader.waitFor("all events or gaps", (all) => {
    const skipped = all.filter((each) => each.kind === "bus.gap").reduce((sum, each) => sum + each.data.skipped, 0);
    return seqsOf(all).length + skipped >= 300;
  });
  const seqs = seqsOf(events);
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(seqs).size, seqs.length);
});

test("the head that the stream names is the journal's", async () => {
  assert.ok((await headSeq()) > 10);
});
