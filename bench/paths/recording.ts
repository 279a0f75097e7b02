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

interface Pace {
  readonly tool: string;
  readonly calls: number;
  /** From an answer to the next call; none when each is made at once. */
  readonly restMs?: number;
}

/** One call behind the other. What is recorded after the last answer counts, too. */
async function callsOf(hub: Hub, { tool, calls, restMs }: Pace): Promise<Cost> {
  const body = JSON.stringify({ path: "note.md" });
  const head = [`POST /bench/${tool} HTTP/1.1`, `host: 127.0.0.1:${hub.port}`, "authorization: Bearer bench"];
  const request = `${[...head, "content-type: application/json", `content-length: ${body.length}`].join("\r\n")}\r\n\r\n${body}`;
  const check = (statusLine: string, answer: string): void => {
    assert.equal(statusLine, "HTTP/1.1 200 OK", answer);
  };
  const before = await hub.cpuMs();
  const alone = { connections: 1, pipelined: 1, ...(restMs === undefined ? {} : { restMs }) };
  const sent = await sendAll({ port: hub.port, request, ...alone, requests: calls, check });
  await pause(2 * roundMsMax);
  return { cpuUs: (((await hub.cpuMs()) - before) * 1000) / calls, elapsedUs: (sent.waitedMs * 1000) / calls };
}

/** A quick model thinks for longer than this from an answer to its next call. */
const restMs = 2 * roundMsMax;

export async function outsideRows(options: BenchOptions): Promise<readonly Row[]> {
  const hubs = { recorded: await startHub("recorded", options), unrecorded: await startHub("unrecorded", options) };
  const rows: Row[] = [];
  for (const [tool, what, calls] of [
    ["run", "a call from outside that runs a program", amount(options, 100, 10)],
    ["read", "a call from outside that reads a small file", amount(options, 1_000, 50)],
  ] as const) {
    const paced = await pairsOf({ tool, calls: amount(options, 50, 5), restMs }, hubs, options);
    rows.push(rowOf(`${what}, ${restMs} ms after the last: time more`, "elapsedUs", paced));
    const pairs = await pairsOf({ tool, calls }, hubs, options);
    rows.push(rowOf(`${what}, at once after the last: time more`, "elapsedUs", pairs));
    rows.push(rowOf(`${what}, at once after the last: processor time more`, "cpuUs", pairs));
  }
  return rows;
}

interface Hubs {
  readonly recorded: Hub;
  readonly unrecorded: Hub;
}

async function pairsOf(pace: Pace, hubs: Hubs, options: BenchOptions): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  for (let pair = -pairsEach; pair < options.rounds * pairsEach; pair += 1) {
    const costs = await pairOf(pair % 2 === 0, (hub) => callsOf(hub, pace), hubs);
    // The first ones warm up.
    if (pair >= 0) pairs.push(costs);
  }
  return pairs;
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
  { recorded, unrecorded }: Hubs,
): Promise<Pair> {
  if (isRecordedFirst) {
    const mine = await costOf(recorded);
    return { mine, theirs: await costOf(unrecorded) };
  }
  const theirs = await costOf(unrecorded);
  return { mine: await costOf(recorded), theirs };
}

function rowOf(what: string, part: keyof Cost, pairs: readonly Pair[]): Row {
  const us = (of: (pair: Pair) => number): string => `${median(pairs.map(of)).toFixed(0)} µs`;
  return figure({
    path: "P14",
    what: `recording ${what}`,
    values: pairs.map(({ mine, theirs }) => (mine[part] / theirs[part] - 1) * 100),
    unit: "%",
    peer: "the same call unrecorded",
    target: { atMost: 5 },
    note: `${us(({ mine }) => mine[part])} against ${us(({ theirs }) => theirs[part])}`,
  });
}
