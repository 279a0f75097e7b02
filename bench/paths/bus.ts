/** P1 and P2: publishing inside the process, to everybody and to whoever asked for a prefix. */
import { strict as assert } from "node:assert";
import { EventEmitter } from "node:events";
import { alternate, type Contestant, lap } from "../harness/alternate.ts";
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

function publishTo(subscribers: number, ops: number): { ours: Contestant; peer: Contestant } {
  const envelope = sampleOf("bench.sample", 0);
  const expected = ops * subscribers;
  const bus = newBus();
  const busSum: Sum = { total: 0 };
  const emitter = new EventEmitter().setMaxListeners(0);
  const emitterSum: Sum = { total: 0 };
  for (let index = 0; index < subscribers; index += 1) {
    bus.listen([], listener(busSum) as never);
    emitter.on(envelope.kind, listener(emitterSum));
  }
  const checked = (sum: Sum, publish: (envelope: Recorded) => void) => () => {
    sum.total = 0;
    const done = lap(ops, () => {
      for (let turn = 0; turn < ops; turn += 1) publish(envelope);
    });
    assert.equal(sum.total, expected);
    return done;
  };
  return {
    ours: { name: "bus", run: checked(busSum, (each) => bus.publish(each)) },
    peer: { name: "EventEmitter", run: checked(emitterSum, (each) => void emitter.emit(each.kind, each)) },
  };
}

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
  const checked = (turns: number, sum: Sum, publish: (envelope: Recorded) => void) => () => {
    sum.total = 0;
    const cycles = Math.ceil(turns / envelopes.length);
    const done = lap(cycles * envelopes.length, () => {
      for (let cycle = 0; cycle < cycles; cycle += 1) for (const envelope of envelopes) publish(envelope);
    });
    assert.equal(sum.total, perCycle * cycles);
    return done;
  };
  const bus = newBus();
  const busSum: Sum = { total: 0 };
  for (const prefix of prefixes) bus.listen([prefix], listener(busSum) as never);
  const ours: Contestant = { name: "bus", run: checked(ops.bus, busSum, (each) => bus.publish(each)) };
  if (mitt === null) return [ours, { name: "mitt", absent: "the package mitt is not installed" }];
  const emitter = mitt.default();
  const mittSum: Sum = { total: 0 };
  for (const prefix of prefixes) {
    const run = listener(mittSum);
    emitter.on("*", (kind, envelope) => {
      if (kind.startsWith(prefix)) run(envelope);
    });
  }
  return [ours, { name: "mitt", run: checked(ops.mitt, mittSum, (each) => emitter.emit(each.kind, each)) }];
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
    const ops = { bus: amount(options, 2e6, 1e4), mitt: Math.ceil(amount(options, 4e6, 1e5) / subscribers) };
    const contestants = publishFiltered(subscribers, ops, mitt);
    const what = `publish past ${subscribers} prefixes, 5 match`;
    const comparisons = [{ ours: "bus", peer: "mitt", target: { atLeast } }];
    rows.push(...(await alternate({ path: "P2", what, contestants, rounds, comparisons })));
  }
  return rows;
};
