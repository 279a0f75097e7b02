/**
 * P6: may this key pass? Asked twice for every call, so it must not cost more with more rules. The keys come again and again,
 * as those of a table do: what is measured is a gate that knows them.
 */
import { strict as assert } from "node:assert";
import { alternate, type Contestant, lap } from "../harness/alternate.ts";
import { amount, type Bench } from "../harness/bench.ts";
import { figure, type Row } from "../harness/rows.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { matchesKey } from "../../src/contract/caller.ts";
import { createGate } from "../../src/domains/gating/gate.ts";
import { createQuotas } from "../../src/domains/gating/quotas.ts";
import { createRuleBook } from "../../src/domains/gating/rule-book.ts";
import { createDenyGate } from "../../src/domains/gating/service.ts";
import { fileSource } from "../../src/domains/gating/sources.ts";

const ruleOf = (index: number): string =>
  `area${index % 97}:part${index % 13}:verb${index}${index % 3 === 0 ? "*" : ""}`;
/** Three of four pass, as in a hub where little is denied. */
const keysOf = (rules: number): readonly string[] =>
  Array.from({ length: 64 }, (_, index) =>
    index % 4 === 0 ? ruleOf((index * 7919) % rules).replace("*", "") : `area${index}:part${index % 13}:other${index}`,
  );

function askAll(name: string, turns: number, ask: { keys: readonly string[]; isDenied: (key: string) => boolean }) {
  const { keys, isDenied } = ask;
  const run = () => {
    let denied = 0;
    const done = lap(turns, () => {
      for (let turn = 0; turn < turns; turn += 1) if (isDenied(keys[turn & 63] as string)) denied += 1;
    });
    assert.equal(denied, turns / 4);
    return done;
  };
  return { name, run } satisfies Contestant;
}

function trieOf(rules: number, turns: number): Contestant {
  const written = Array.from({ length: rules }, (_, index) => ({ pattern: ruleOf(index), source: "bench" }));
  const gate = createDenyGate(written, systemClock);
  const isDenied = (key: string): boolean => gate.check(key, null) !== null;
  return askAll("gate", turns, { keys: keysOf(rules), isDenied });
}

/** The same rules as contracts of one agent in a window of time, and as many that are about others. */
function windowsOf(contracts: number, turns: number): Contestant {
  const book = createRuleBook();
  const validToMs = systemClock.nowMs() + 86_400_000;
  book.source(fileSource("bench")).replace(
    Array.from({ length: contracts }, (_, index) => ({
      contract: {
        id: `c${index}`,
        patterns: [ruleOf(index)],
        validFromMs: 0,
        validToMs,
        subjectAgent: index % 8 === 1 ? "other" : "scout",
      },
    })),
  );
  const quotas = createQuotas(systemClock, () => Promise.resolve());
  const self = { role: "edge", node: "bench", tags: [] };
  const gate = createGate({ book, quotas, clock: systemClock, self: () => self, isWayOut: () => false });
  const scout = { kind: "agent", id: "scout" } as const;
  // Keys of contracts about others pass, so that a quarter is denied here, too.
  const keys = keysOf(contracts).map((key, index) => (index % 4 === 0 ? ruleOf(8 * index).replace("*", "") : key));
  return askAll("gate", turns, { keys, isDenied: (key) => gate.check(key, scout) !== null });
}

function scanOf(rules: number, turns: number): Contestant {
  const patterns = Array.from({ length: rules }, (_, index) => ruleOf(index));
  const isDenied = (key: string): boolean => patterns.some((pattern) => matchesKey(pattern, key));
  return askAll("linear scan", turns, { keys: keysOf(rules), isDenied });
}

export const benchGate: Bench = async (options) => {
  const rows: Row[] = [];
  const turns = amount(options, 640_000, 6_400);
  for (const [rules, atLeast] of [
    [1_000, 80],
    [100_000, 5_000],
  ] as const) {
    const scanTurns = Math.max(64, 64 * Math.ceil(turns / 64 / rules));
    const race = { path: "P6", what: `gate check, ${rules.toLocaleString("en")} rules`, rounds: options.rounds };
    const contestants = [scanOf(rules, scanTurns), trieOf(rules, turns)];
    rows.push(
      ...(await alternate({
        ...race,
        contestants,
        comparisons: [{ ours: "gate", peer: "linear scan", target: { atLeast } }],
      })),
    );
  }
  rows.push(
    await growth("gate check, time at 100,000 rules against 10", options, [trieOf(10, turns), trieOf(100_000, turns)]),
    await growth("gate check, time at 100,000 contracts with windows and subjects against 1,000", options, [
      windowsOf(1_000, turns),
      windowsOf(100_000, turns),
    ]),
  );
  return rows;
};

async function growth(
  what: string,
  { rounds }: Parameters<Bench>[0],
  [few, many]: readonly [Contestant, Contestant],
): Promise<Row> {
  for (const each of [few, many]) await each.run();
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const first = round % 2 === 0 ? few : many;
    const one = await first.run();
    const other = await (first === few ? many : few).run();
    const [a, b] = first === few ? [one, other] : [other, one];
    ratios.push(b.durationMs / a.durationMs);
  }
  return figure({ path: "P6", what, peer: "itself", values: ratios, unit: "x", target: { atMost: 1.5 } });
}
