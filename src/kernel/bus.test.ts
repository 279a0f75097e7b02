import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import type { Envelope } from "../contract/event.ts";
import { createBus } from "./bus.ts";
import type { Delivery, GapMark, Subscription } from "./kernel.ts";

const envelope = (over: Partial<Envelope>): Envelope => ({
  seq: 0,
  id: "id",
  timeMs: 0,
  kind: "notes.written",
  version: 1,
  corrId: "x",
  causeId: null,
  node: "n",
  caller: "person:admin",
  data: {},
  ...over,
});

const isGap = (delivery: Delivery): delivery is GapMark => "skipped" in delivery;

const makeBus = (options: { readonly capacity?: number; readonly replay?: number } = {}) => {
  const defects: unknown[] = [];
  return {
    defects,
    bus: createBus({
      capacity: options.capacity ?? 8,
      replay: options.replay ?? 8,
      onDefect: (error) => void defects.push(error),
    }),
  };
};

const kinds = ["models.download.started", "models.loaded", "notes.written", "note", "tasks.done"] as const;
const prefixes = ["", "models.", "Models.D", "note", "notes.", "tasks.done", "tasks.done.late", "zebra"] as const;
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom(...kinds), corrId: fc.constantFrom("x", "y"), isLive: fc.boolean() }),
  },
  // Reads whatever reader it names; a reader that is never named is stalled for good.
  { weight: 2, arbitrary: fc.record({ reader: fc.nat(3), count: fc.integer({ min: 1, max: 5 }) }) },
);
const reader = fc.record({
  prefixes: fc.subarray([...prefixes], { maxLength: 3 }),
  capacity: fc.integer({ min: 1, max: 5 }),
  corrId: fc.option(fc.constantFrom("x", "y"), { nil: undefined }),
});

interface Reader {
  readonly prefixes: readonly string[];
  readonly corrId: string | undefined;
}
const wants = ({ prefixes: wanted, corrId }: Reader, { kind, corrId: has }: Envelope): boolean =>
  (corrId === undefined || corrId === has) &&
  (wanted.length === 0 || wanted.some((prefix) => kind.startsWith(prefix.toLowerCase())));

/** Whatever was lost since the last read is one gap, and it comes first. */
function takeOnce(subscription: Subscription, count: number): readonly Delivery[] {
  const taken = subscription.take(count);
  assert.ok(taken.length <= count && taken.slice(1).every((each) => !isGap(each)), "a gap comes once, and first");
  return taken;
}

/** What a reader was told, held against everything that was published for it. */
function assertWhole(told: readonly Delivery[], published: readonly Envelope[]): void {
  let at = 0;
  for (const delivery of told) {
    if (!isGap(delivery)) {
      assert.equal(delivery, published[at]);
      at += 1;
      continue;
    }
    const lost = published.slice(at, at + delivery.skipped);
    assert.equal(lost.length, delivery.skipped);
    const seqs = lost.map((each) => each.seq).filter((seq) => seq > 0);
    if (seqs.length > 0) assert.deepEqual([delivery.fromSeq, delivery.toSeq], [seqs[0], seqs.at(-1)]);
    else assert.equal(delivery.fromSeq, delivery.toSeq);
    at += delivery.skipped;
  }
  assert.equal(at, published.length);
}

test("what a reader is told and what it is told to have lost is what was published for it, in order", () => {
  fc.assert(
    fc.property(
      fc.array(reader, { minLength: 1, maxLength: 4 }),
      fc.array(step, { maxLength: 60 }),
      (readers, steps) => {
        const { bus } = makeBus();
        const open = readers.map((each, index) => ({
          each,
          published: [] as Envelope[],
          told: [] as Delivery[],
          subscription: bus.subscribe({
            name: `reader ${index}`,
            prefixes: each.prefixes,
            capacity: each.capacity,
            ...(each.corrId === undefined ? {} : { corrId: each.corrId }),
          }),
        }));
        let seq = 0;
        for (const each of steps) {
          if ("reader" in each) {
            const one = open[each.reader];
            one?.told.push(...takeOnce(one.subscription, each.count));
            continue;
          }
          const published = envelope({ kind: each.kind, corrId: each.corrId, seq: each.isLive ? 0 : (seq += 1) });
          bus.publish(published);
          for (const one of open) {
            if (wants(one.each, published)) one.published.push(published);
            assert.ok(one.subscription.pending <= one.each.capacity);
          }
        }
        for (const one of open) {
          one.told.push(...takeOnce(one.subscription, 1000));
          assertWhole(one.told, one.published);
          const lost = one.told.reduce((sum, each) => sum + (isGap(each) ? each.skipped : 0), 0);
          assert.equal(one.subscription.skipped, lost);
          one.subscription[Symbol.dispose]();
        }
        assert.deepEqual([bus.subscribers.length, bus.counters().receivers], [0, 0]);
      },
    ),
    runs(100),
  );
});

test("what was published for each receiver is delivered, lost or waiting, and never two of them", () => {
  const move = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom(...kinds), corrId: fc.constantFrom("x", "y") }) },
    { weight: 3, arbitrary: fc.record({ reader: fc.nat(3), count: fc.integer({ min: 1, max: 5 }) }) },
    { weight: 1, arbitrary: fc.record({ close: fc.nat(3) }) },
  );
  fc.assert(
    fc.property(fc.array(reader, { maxLength: 4 }), fc.array(move, { maxLength: 60 }), (readers, moves) => {
      const { bus } = makeBus();
      let handed = 0;
      let [offered, dropped, before] = [0, 0, 0];
      bus.listen(["models."], () => void (handed += 1));
      const open = readers.map((each, index) => ({
        each,
        isOpen: true,
        subscription: bus.subscribe({
          name: `reader ${index}`,
          prefixes: each.prefixes,
          capacity: each.capacity,
          ...(each.corrId === undefined ? {} : { corrId: each.corrId }),
        }),
      }));
      for (const each of moves) {
        if ("close" in each) {
          const one = open[each.close];
          dropped += one?.isOpen ? one.subscription.pending : 0;
          one?.subscription[Symbol.dispose]();
          if (one !== undefined) one.isOpen = false;
        } else if ("reader" in each) {
          handed += open[each.reader]?.subscription.take(each.count).filter((one) => !isGap(one)).length ?? 0;
        } else {
          const published = envelope(each);
          bus.publish(published);
          offered += open.filter((one) => one.isOpen && wants(one.each, published)).length;
          offered += each.kind.startsWith("models.") ? 1 : 0;
        }
        const { delivered, lagged } = bus.counters();
        const waiting = bus.subscribers.reduce((sum, { pending }) => sum + pending, 0);
        assert.equal(delivered, handed);
        assert.equal(delivered + lagged + waiting + dropped, offered);
        assert.ok(delivered >= before, "a counter goes up");
        before = delivered;
      }
    }),
    runs(100),
  );
});

test("an event that closes a reader while it goes round is not counted as delivered to it", () => {
  const { bus } = makeBus();
  bus.listen([], () => subscription[Symbol.dispose]());
  const subscription = bus.subscribe({ name: "one", prefixes: [] });
  bus.publish(envelope({ seq: 1 }));
  assert.deepEqual([bus.counters().delivered, bus.subscribers.length], [1, 0]);
});

test("an iterating reader sleeps until something comes, and ends when it is closed", async () => {
  const { bus } = makeBus({ capacity: 3 });
  const subscription = bus.subscribe({ name: "one", prefixes: ["notes."] });
  const told: Delivery[] = [];
  const done = (async () => {
    for await (const each of subscription) told.push(each);
  })();
  for (let seq = 1; seq <= 2; seq += 1) bus.publish(envelope({ seq }));
  await new Promise<void>((resolve) => setImmediate(resolve));
  for (let seq = 3; seq <= 8; seq += 1) bus.publish(envelope({ seq }));
  await new Promise<void>((resolve) => setImmediate(resolve));
  subscription[Symbol.dispose]();
  await done;
  assert.deepEqual(
    told.map((each) => (isGap(each) ? each : each.seq)),
    [1, 2, { fromSeq: 3, toSeq: 5, skipped: 3 }, 6, 7, 8],
  );
  assert.deepEqual(bus.subscribers, []);
});

test("leaving the loop closes the reader", async () => {
  const { bus } = makeBus();
  const subscription = bus.subscribe({ name: "one", prefixes: [] });
  bus.publish(envelope({ seq: 1 }));
  for await (const _each of subscription) break;
  bus.publish(envelope({ seq: 2 }));
  assert.deepEqual([bus.counters().receivers, subscription.pending], [0, 0]);
});

test("a listener that throws is told about and stops nobody, and the publisher does not notice", () => {
  const { bus, defects } = makeBus();
  const heard: string[] = [];
  bus.listen(["notes."], () => {
    throw new RangeError("a listener of ours");
  });
  const stop = bus.listen(["Notes.", "notes.written"], ({ id }) => void heard.push(id));
  bus.publish(envelope({ id: "a" }));
  stop();
  stop();
  bus.publish(envelope({ id: "b" }));
  assert.deepEqual(heard, ["a"]);
  assert.deepEqual(defects.map(String), ["RangeError: a listener of ours", "RangeError: a listener of ours"]);
});

test("counters tell what was published, delivered, lost and wanted by nobody", () => {
  const { bus } = makeBus();
  bus.listen([], () => {});
  const slow = bus.subscribe({ name: "slow", prefixes: ["notes."], capacity: 1 });
  for (let seq = 1; seq <= 3; seq += 1) bus.publish(envelope({ seq }));
  bus.publish(envelope({ seq: 4, kind: "tasks.done" }));
  assert.deepEqual(bus.counters(), { published: 4, delivered: 4, lagged: 2, noReceivers: 0, receivers: 2 });
  const lastGap = { fromSeq: 1, toSeq: 2, skipped: 2 };
  assert.deepEqual(bus.subscribers, [{ name: "slow", pending: 1, skipped: 2, lastGap }]);
  assert.deepEqual([...bus.losses()], [["slow", 2]]);
  slow[Symbol.dispose]();
  const quiet = makeBus().bus;
  quiet.publish(envelope({ seq: 1 }));
  assert.equal(quiet.counters().noReceivers, 1);
});

test("counters stay right while listeners come and go, and through a flood of kinds", () => {
  const { bus } = makeBus();
  bus.publish(envelope({}));
  const stop = bus.listen(["notes."], () => stop());
  bus.publish(envelope({}));
  bus.publish(envelope({}));
  bus.listen(["notes."], () => {});
  for (let index = 0; index < 5_000; index += 1) bus.publish(envelope({ kind: `other.k${index}` }));
  bus.publish(envelope({}));
  assert.deepEqual(bus.counters(), { published: 5_004, delivered: 2, lagged: 0, noReceivers: 5_002, receivers: 1 });
});

test("a kind that was published before is delivered without a look into the trie", () => {
  const { bus } = makeBus();
  for (let index = 0; index < 2000; index += 1) bus.listen([`models.m${index}.`], () => {});
  bus.listen(["notes."], () => {});
  bus.publish(envelope({ seq: 1 }));
  const cold = bus.visits;
  assert.ok(cold > 0 && cold <= "notes.written".length + 1);
  for (let seq = 2; seq <= 100; seq += 1) bus.publish(envelope({ seq }));
  assert.equal(bus.visits, cold);
});

test("the newest events stay in memory as far back as the ring reaches", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      fc.nat(22),
      (replay, lives, afterSeq) => {
        const { bus } = makeBus({ replay });
        let seq = 0;
        for (const isLive of lives) bus.publish(envelope({ seq: isLive ? 0 : (seq += 1) }));
        const recent = bus.recent(afterSeq)?.map((each) => each.seq) ?? null;
        const oldestKept = Math.max(1, seq - replay + 1);
        const wanted =
          seq === 0 || afterSeq + 1 < oldestKept
            ? null
            : Array.from({ length: Math.max(0, seq - afterSeq) }, (_, index) => afterSeq + 1 + index);
        assert.deepEqual(recent, wanted);
      },
    ),
    runs(100),
  );
});
