/** P1 and P2: publishing inside the process, to everybody and to whoever asked for a prefix. */
import { strict as assert } from "node:assert";
import { EventEmitter } from "node:events";
import { alternate, type Contestant, type Lap, lap } from "../harness/alternate.ts";
import { amount, type Bench } from "../harness/bench.ts";
import { loadPeer } from "../harness/peers.ts";
import type { Row } from "../harness/rows.ts";
import { sampleCorrId, sampleData } from "../harness/subject.ts";
import { createBus, type OwnedBus } from "../../src/kernel/bus.ts";
import { Recorded } from "../../src/kernel/envelope.ts";

const capacity = 1024;
const replay = 1000;

const sampleOf = (kind: string, index: number): Recorded =>
  new Recorded(
    {
      seq: index + 1,
      id: `0190a000-0000-7000-8000-${String(index).padStart(12, "0")}`,
      timeMs: 1_760_000_000_000 + index,
      kind,
      version: 1,
      corrId: sampleCorrId(index),
      causeId: null,
      node: "bench-node",
      caller: "system:bench",
    },
    sampleData(index),
    null,
  );

const newBus = (): OwnedBus =>
  createBus({
    capacity,
    replay,
    onDefect: (error) => {
      throw error;
    },
  });

/** Each subscriber is a closure of its own, as in a program. */
interface Sum {
  total: number;
}
const listener = (sum: Sum) => (envelope: Recorded) => {
  sum.total += envelope.seq;
};

/**
 * Each contestant is called from a loop of its own, as a program calls it: in a loop that they share neither would be
 * inlined, and the call would be measured instead of the work.
 */
function publishTo(subscribers: number, ops: number): { ours: Contestant; peer: Contestant } {
  const envelope = sampleOf("bench.sample", 0);
  const { kind } = envelope;
  // As the journal holds it.
  const bus = newBus();
  const { publish } = bus;
  const emitter = new EventEmitter().setMaxListeners(0);
  const busSum: Sum = { total: 0 };
  const emitterSum: Sum = { total: 0 };
  for (let index = 0; index < subscribers; index += 1) {
    bus.listen([], listener(busSum) as never);
    emitter.on(kind, listener(emitterSum));
  }
  const expected = ops * subscribers;
  const publishAll = (): void => {
    for (let turn = 0; turn < ops; turn += 1) publish(envelope);
  };
  const emitAll = (): void => {
    for (let turn = 0; turn < ops; turn += 1) emitter.emit(kind, envelope);
  };
  return {
    ours: { name: "bus", run: checked({ ops, expected, sum: busSum }, publishAll) },
    peer: { name: "EventEmitter", run: checked({ ops, expected, sum: emitterSum }, emitAll) },
  };
}

interface Checked {
  readonly ops: number;
  readonly expected: number;
  readonly sum: Sum;
}

const checked =
  ({ ops, expected, sum }: Checked, work: () => void) =>
  (): Lap => {
    sum.total = 0;
    const done = lap(ops, work);
    assert.equal(sum.total, expected);
    return done;
  };

interface Mitt {
  readonly default: () => {
    on(kind: "*", run: (kind: string, envelope: Recorded) => void): void;
    emit(kind: string, envelope: Recorded): void;
  };
}

/** Five of the subscribers match; the others wait for kinds that never come. */
function publishFiltered(subscribers: number, ops: { readonly bus: number; readonly mitt: number }, mitt: Mitt | null) {
  const envelopes = Array.from({ length: 200 }, (_, index) =>
    sampleOf(`area${index % 20}.sub${index % 7}.op${index}`, index),
  );
  const prefixes = Array.from({ length: subscribers }, (_, index) => (index < 5 ? `area${index}.` : `never${index}.`));
  const matching = envelopes.map(({ kind }) => prefixes.filter((prefix) => kind.startsWith(prefix)).length);
  const perCycle = matching.reduce((sum, count, index) => sum + count * (index + 1), 0);
  const bus = newBus();
  const { publish } = bus;
  const busSum: Sum = { total: 0 };
  for (const prefix of prefixes) bus.listen([prefix], listener(busSum) as never);
  const cycles = { bus: Math.ceil(ops.bus / envelopes.length), mitt: Math.ceil(ops.mitt / envelopes.length) };
  const publishAll = (): void => {
    for (let cycle = 0; cycle < cycles.bus; cycle += 1) for (const envelope of envelopes) publish(envelope);
  };
  const job = (count: number, sum: Sum): Checked => ({
    ops: count * envelopes.length,
    expected: count * perCycle,
    sum,
  });
  const ours: Contestant = { name: "bus", run: checked(job(cycles.bus, busSum), publishAll) };
  if (mitt === null) return [ours, { name: "mitt", absent: "the package mitt is not installed" }];
  const emitter = mitt.default();
  const mittSum: Sum = { total: 0 };
  for (const prefix of prefixes) {
    const run = listener(mittSum);
    emitter.on("*", (kind, envelope) => {
      if (kind.startsWith(prefix)) run(envelope);
    });
  }
  const emitAll = (): void => {
    for (let cycle = 0; cycle < cycles.mitt; cycle += 1)
      for (const envelope of envelopes) emitter.emit(envelope.kind, envelope);
  };
  return [ours, { name: "mitt", run: checked(job(cycles.mitt, mittSum), emitAll) }];
}

export const benchBus: Bench = async (options) => {
  const rows: Row[] = [];
  const { rounds } = options;
  for (const [subscribers, atLeast] of [
    [1, 0.9],
    [10, 1.3],
    [100, 1.3],
  ] as const) {
    const { ours, peer } = publishTo(subscribers, Math.ceil(amount(options, 4e6, 1e5) / subscribers));
    const race = { path: "P1", what: `publish to ${subscribers}`, contestants: [peer, ours], rounds: rounds + 4 };
    rows.push(
      ...(await alternate({ ...race, comparisons: [{ ours: "bus", peer: "EventEmitter", target: { atLeast } }] })),
    );
  }
  const mitt = await loadPeer<Mitt>("mitt");
  for (const [subscribers, atLeast] of [
    [10, 10],
    [100, 40],
    [1000, 400],
  ] as const) {
    const ops = { bus: amount(options, 8e6, 1e4), mitt: Math.ceil(amount(options, 8e6, 1e5) / subscribers) };
    const contestants = publishFiltered(subscribers, ops, mitt);
    const what = `publish past ${subscribers} prefixes, 5 match`;
    const comparisons = [{ ours: "bus", peer: "mitt", target: { atLeast } }];
    rows.push(...(await alternate({ path: "P2", what, contestants, rounds, comparisons })));
  }
  return rows;
};
