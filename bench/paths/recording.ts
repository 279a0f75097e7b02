/** P14: what it costs that calls of programs outside of the hub are recorded, against the same calls unrecorded. */
import { strict as assert } from "node:assert";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { programFlags } from "../../bin/program-flags.mjs";
import { roundMsMax } from "../../src/domains/agents/outside-round.ts";
import { amount, type BenchOptions } from "../harness/bench.ts";
import { sendAll } from "../harness/load.ts";
import { stopChild } from "../harness/peers.ts";
import { figure, median, type Row } from "../harness/rows.ts";

interface Hub {
  readonly port: number;
  /** Processor time of all its threads until now. */
  cpuMs(): Promise<number>;
}

async function startHub(kind: "recorded" | "unrecorded", options: BenchOptions): Promise<Hub> {
  const child = fork(join(import.meta.dirname, "recording-hub.ts"), [kind, options.scratch], {
    execArgv: [...programFlags],
  });
  options.defer(() => stopChild(child));
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    port,
    async cpuMs() {
      const told = once(child, "message") as Promise<[{ cpuMs: number }]>;
      child.send("cpu");
      return (await told)[0].cpuMs;
    },
  };
}

interface Cost {
  readonly cpuUs: number;
  readonly elapsedUs: number;
}

/** One call behind the other, as an agent makes them. What is recorded after the last answer counts, too. */
async function callsOf(hub: Hub, tool: string, calls: number): Promise<Cost> {
  const body = JSON.stringify({ path: "note.md" });
  const head = [`POST /bench/${tool} HTTP/1.1`, `host: 127.0.0.1:${hub.port}`, "authorization: Bearer bench"];
  const request = `${[...head, "content-type: application/json", `content-length: ${body.length}`].join("\r\n")}\r\n\r\n${body}`;
  const check = (statusLine: string, answer: string): void => {
    assert.equal(statusLine, "HTTP/1.1 200 OK", answer);
  };
  const before = await hub.cpuMs();
  const sent = await sendAll({ port: hub.port, request, connections: 1, pipelined: 1, requests: calls, check });
  await pause(2 * roundMsMax);
  return { cpuUs: (((await hub.cpuMs()) - before) * 1000) / calls, elapsedUs: (sent.durationMs * 1000) / calls };
}

export async function outsideRows(options: BenchOptions): Promise<readonly Row[]> {
  const recorded = await startHub("recorded", options);
  const unrecorded = await startHub("unrecorded", options);
  const rows: Row[] = [];
  for (const [tool, what, calls] of [
    ["run", "a call from outside that runs a program", amount(options, 100, 10)],
    ["read", "a call from outside that reads a small file", amount(options, 1_000, 50)],
  ] as const) {
    const pairs: Pair[] = [];
    for (let pair = -pairsEach; pair < options.rounds * pairsEach; pair += 1) {
      const pairCosts = await pairOf(pair % 2 === 0, (hub) => callsOf(hub, tool, calls), { recorded, unrecorded });
      // The first ones warm up.
      if (pair >= 0) pairs.push(pairCosts);
    }
    rows.push(...rowsOf(what, pairs));
  }
  return rows;
}

/** Pairs of a round. Many short ones: what else the machine does falls on single pairs, and their median leaves it out. */
const pairsEach = 3;

interface Pair {
  readonly mine: Cost;
  readonly theirs: Cost;
}

/** The two take turns in being first. */
async function pairOf(
  isRecordedFirst: boolean,
  costOf: (hub: Hub) => Promise<Cost>,
  { recorded, unrecorded }: { readonly recorded: Hub; readonly unrecorded: Hub },
): Promise<Pair> {
  if (isRecordedFirst) {
    const mine = await costOf(recorded);
    return { mine, theirs: await costOf(unrecorded) };
  }
  const theirs = await costOf(unrecorded);
  return { mine: await costOf(recorded), theirs };
}

function rowsOf(what: string, pairs: readonly Pair[]): readonly Row[] {
  const us = (of: (pair: Pair) => number): string => `${median(pairs.map(of)).toFixed(0)} µs`;
  const row = (part: keyof Cost, words: string): Row =>
    figure({
      path: "P14",
      what: `recording ${what}: ${words} more`,
      values: pairs.map(({ mine, theirs }) => (mine[part] / theirs[part] - 1) * 100),
      unit: "%",
      peer: "the same call unrecorded",
      target: { atMost: 5 },
      note: `${us(({ mine }) => mine[part])} against ${us(({ theirs }) => theirs[part])}`,
    });
  return [row("elapsedUs", "time"), row("cpuUs", "processor time")];
}
