import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { type Kit, makeKernel, startMs, turn, until } from "../../../test/kit/kernel.ts";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import { event } from "../../contract/event.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import type { Store } from "../../kernel/ports.ts";
import { ConsumerCreated, ConsumerDiffers, type Consumer, type Message } from "./contract.ts";
import { CursorAhead } from "../events/contract.ts";
import { type ConsumerReaders, createConsumers } from "./service.ts";

const Added = event({ kind: "models.added", about: "A thing was added.", data: closed({ n: Type.Integer() }) });
const Other = event({ kind: "other.happened", about: "Something else.", data: closed({ n: Type.Integer() }) });

function start(store: Store = createMemoryStore(), readers: ConsumerReaders = new Map()): Promise<Kit> {
  const clock = createManualClock(startMs);
  return makeKernel({
    store,
    clock,
    domains: (parts) => [
      { name: "models", operations: [], events: [Added, Other], views: [], families: ["models", "other"] },
      createConsumers({ parts, clock, readers }),
    ],
  });
}

async function answer<T>(kit: Kit, operation: string, input: unknown): Promise<T> {
  const { outcome } = await kit.call(operation, input);
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: T }).output;
}

const actor = (kit: Kit) => kit.kernel.parts.act({ caller: { kind: "person", id: "admin" }, corrId: "c" });
const pull = async (kit: Kit, count = 10): Promise<readonly Message[]> =>
  (await answer<{ messages: Message[] }>(kit, "consumers.pull", { name: "w", count })).messages;
const seqs = (messages: readonly Message[]): number[] => messages.map((each) => each.seq);
const row = (kit: Kit): Consumer =>
  kit.kernel.views.list({ name: "consumers" } as never, { limit: 1 }).rows[0]?.row as Consumer;

test("messages are filtered, shared between two pulls, and gone once acknowledged", async () => {
  await using kit = await start();
  await answer(kit, "consumers.create", { name: "w", prefix: ["models."] });
  for (let n = 0; n < 4; n += 1) await actor(kit).emit(n % 2 === 0 ? Added : Other, { n });
  await actor(kit).emit(Added, { n: 9 });
  const first = await pull(kit, 2);
  const second = await pull(kit, 2);
  assert.deepEqual(
    [...first, ...second].map((each) => (each.event.data as { n: number }).n),
    [0, 2, 9],
  );
  assert.equal(
    await answer(kit, "consumers.ack", { name: "w", seqs: seqs(first) }).then((a) => (a as { acked: number }).acked),
    2,
  );
  assert.deepEqual(await answer(kit, "consumers.ack", { name: "w", seqs: seqs(first) }), { acked: 0 });
  assert.deepEqual(await pull(kit), []);
  await answer(kit, "consumers.ack", { name: "w", seqs: seqs(second) });
  assert.deepEqual([row(kit).doneAbove, row(kit).returned], [[], []]);
});

test("a start beyond the newest event is refused, and whoever is ahead all the same lags by nothing", async () => {
  await using kit = await start();
  const headSeq = kit.kernel.journal.headSeq();
  await assert.rejects(kit.call("consumers.create", { name: "w", start: headSeq + 1 }), (error) => {
    assert.ok(isProblem(error) && error.definition.code === CursorAhead.code);
    assert.equal(error.extra["headSeq"], headSeq);
    return true;
  });
  await answer(kit, "consumers.create", { name: "w", start: headSeq });
  await answer(kit, "consumers.remove", { name: "w" });
  const settings = { name: "w", prefixes: [], ackWaitMs: 1000, deliverMax: 2, pendingMax: 10 };
  await actor(kit).emit(ConsumerCreated, { ...settings, startSeq: 1_000 });
  assert.deepEqual(await answer(kit, "consumers.pull", { name: "w" }), { messages: [], lag: 0 });
});

test("an unanswered message comes again after its time, and is buried after its last delivery", async () => {
  await using kit = await start();
  await answer(kit, "consumers.create", { name: "w", prefix: ["models."], ackWaitMs: 1000, deliverMax: 2 });
  await actor(kit).emit(Added, { n: 1 });
  const [first] = await pull(kit);
  assert.equal(first?.attempt, 1);
  assert.deepEqual(await pull(kit), []);
  kit.clock.advance(600);
  await answer(kit, "consumers.working", { name: "w", seqs: [first?.seq ?? 0] });
  kit.clock.advance(600);
  assert.deepEqual(await pull(kit), [], "working on it gave it more time");
  kit.clock.advance(500);
  const [again] = await pull(kit);
  assert.deepEqual([again?.seq, again?.attempt], [first?.seq, 2]);
  kit.clock.advance(1001);
  assert.deepEqual(await pull(kit), []);
  assert.deepEqual([row(kit).buried, row(kit).buriedCount], [[first?.seq], 1]);
});

test("a message given back with a delay waits for it, and a long poll hears of it", async () => {
  await using kit = await start();
  await answer(kit, "consumers.create", { name: "w", prefix: ["models."] });
  await actor(kit).emit(Added, { n: 1 });
  const [message] = await pull(kit);
  await answer(kit, "consumers.nack", { name: "w", seq: message?.seq, delayMs: 5000 });
  assert.deepEqual(await pull(kit), []);
  let got: { messages: Message[] } | null = null;
  void answer<{ messages: Message[] }>(kit, "consumers.pull", { name: "w", waitMs: 60_000 }).then(
    (each) => (got = each),
  );
  for (let step = 0; step < 20 && got === null; step += 1) {
    kit.clock.advance(500);
    await turn();
    await turn();
  }
  await until(() => got !== null, "the long poll ends");
  assert.equal((got as unknown as { messages: Message[] }).messages[0]?.attempt, 2);
});

test("a long poll is woken by a new matching event", async () => {
  await using kit = await start();
  await answer(kit, "consumers.create", { name: "w", prefix: ["models."] });
  let got: { messages: Message[] } | null = null;
  void answer<{ messages: Message[] }>(kit, "consumers.pull", { name: "w", waitMs: 60_000 }).then(
    (each) => (got = each),
  );
  for (let turns = 0; turns < 5; turns += 1) await turn();
  await actor(kit).emit(Other, { n: 0 });
  assert.equal(got, null);
  await actor(kit).emit(Added, { n: 7 });
  await until(() => got !== null, "the long poll ends");
});

test("creating it again finds it, other settings are refused, and an unknown one is a problem", async () => {
  await using kit = await start();
  const made = await answer<Consumer>(kit, "consumers.create", { name: "w", start: "all" });
  assert.deepEqual(await answer(kit, "consumers.create", { name: "w", start: "all" }), made);
  await assert.rejects(kit.call("consumers.create", { name: "w", ackWaitMs: 500 }), (error) =>
    isProblem(error, ConsumerDiffers),
  );
  await answer(kit, "consumers.remove", { name: "w" });
  await assert.rejects(kit.call("consumers.pull", { name: "w" }), /no consumer w/);
});

/** What a worker may do with the message it holds, and what may happen to the hub meanwhile. */
const step = fc.oneof(
  fc.record({ do: fc.constant("emit" as const), matches: fc.boolean() }),
  fc.record({ do: fc.constant("pull" as const), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constantFrom("ack" as const, "nack" as const), pick: fc.nat(9) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 3000 }) }),
  fc.record({ do: fc.constant("restart" as const) }),
);

test("every matching event is acknowledged exactly once or buried, whatever happens in between", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const store = createMemoryStore();
      let kit = await start(store);
      await answer(kit, "consumers.create", {
        name: "w",
        prefix: ["models."],
        ackWaitMs: 2000,
        deliverMax: 1000,
        start: "all",
      });
      const matching = new Set<number>();
      const acked = new Map<number, number>();
      let held: number[] = [];
      for (const each of steps) {
        if (each.do === "emit") {
          const { seq } = await actor(kit).emit(each.matches ? Added : Other, { n: 1 });
          if (each.matches) matching.add(seq);
        } else if (each.do === "pull") held.push(...seqs(await pull(kit, each.count)));
        else if (each.do === "wait") kit.clock.advance(each.ms);
        else if (each.do === "restart") {
          await kit[Symbol.asyncDispose]();
          kit = await start(store);
        } else {
          const seq = held[each.pick % Math.max(1, held.length)];
          if (seq === undefined) continue;
          held = held.filter((one) => one !== seq);
          if (each.do === "nack") await answer(kit, "consumers.nack", { name: "w", seq });
          else if ((await answer<{ acked: number }>(kit, "consumers.ack", { name: "w", seqs: [seq] })).acked === 1)
            acked.set(seq, (acked.get(seq) ?? 0) + 1);
        }
      }
      for (let rounds = 0; rounds < 60 && acked.size < matching.size; rounds += 1) {
        kit.clock.advance(2001);
        const messages = await pull(kit, 100);
        if (messages.length > 0) await answer(kit, "consumers.ack", { name: "w", seqs: seqs(messages) });
        for (const seq of seqs(messages)) acked.set(seq, (acked.get(seq) ?? 0) + 1);
      }
      assert.deepEqual(
        [...acked.keys()].toSorted((a, b) => a - b),
        [...matching],
      );
      assert.ok([...acked.values()].every((count) => count === 1));
      const last = row(kit);
      assert.deepEqual([last.doneAbove, last.returned], [[], []]);
      await kit[Symbol.asyncDispose]();
    }),
    { numRuns: 60 },
  );
});

test("what is in flight is counted until it is answered, given back, or its consumer is gone", async () => {
  const readers: ConsumerReaders = new Map();
  await using kit = await start(createMemoryStore(), readers);
  const inFlight = (): number => readers.get("w")?.inFlight() ?? 0;
  await answer(kit, "consumers.create", { name: "w", prefix: ["models."] });
  for (let n = 0; n < 4; n += 1) await actor(kit).emit(Added, { n });
  assert.equal(inFlight(), 0);
  const [first, second, third] = seqs(await pull(kit, 3));
  assert.equal(inFlight(), 3);
  await answer(kit, "consumers.ack", { name: "w", seqs: [first] });
  assert.equal(inFlight(), 2);
  await answer(kit, "consumers.nack", { name: "w", seq: second });
  assert.equal(inFlight(), 1);
  assert.notEqual(third, undefined);
  await answer(kit, "consumers.remove", { name: "w" });
  assert.equal(inFlight(), 0);
});
