/** P11: tokens of a model server through the hub's `/v1`, against a relay that fetches, parses and writes anew. */
import { strict as assert } from "node:assert";
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { programFlags } from "../../bin/program-flags.mjs";
import { amount, type Bench, type BenchOptions } from "../harness/bench.ts";
import { freePort, stopChild } from "../harness/peers.ts";
import { figure, median, quantile, type Row } from "../harness/rows.ts";

const streams = 8;
const gapMs = 8;
const token = "bench-token-".repeat(4);
const readyMsMax = 30_000;
const root = join(import.meta.dirname, "..", "..");

interface Relay {
  readonly port: number;
  readonly path: string;
  readonly model: string;
  /** Processor time of its process until now. */
  cpuMs(): Promise<number>;
}

async function started(kind: "model" | "relay", upstream: string, options: BenchOptions): Promise<Relay> {
  const child = fork(join(import.meta.dirname, "relay-servers.ts"), [kind, upstream], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  options.defer(() => stopChild(child));
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    port,
    path: "/v1/chat/completions",
    model: "tiny",
    async cpuMs() {
      const told = once(child, "message") as Promise<[{ cpuMs: number }]>;
      child.send("cpu");
      return (await told)[0].cpuMs;
    },
  };
}

/** The hub as its command starts it: journal, rules, allowances, ledger and all. */
async function startHub(upstream: Relay, options: BenchOptions): Promise<Relay> {
  const port = await freePort();
  const env = {
    ...process.env,
    ARW_STATE_DIR: join(options.scratch, "relay"),
    ARW_PORT: String(port),
    ARW_ADMIN_TOKEN: token,
  };
  const child = spawn(process.execPath, [...programFlags, join(root, "src/app/main.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  options.defer(() => stopChild(child));
  await ready(child);
  const server = `127.0.0.1:${upstream.port}`;
  const ask = (method: string, path: string, body?: object): Promise<string> =>
    answered({ port, method, path, ...(body === undefined ? {} : { body }) });
  await ask("PUT", `/models/servers/${encodeURIComponent(server)}`, {});
  await ask("POST", "/budgets/allow", { allowance: ["1000000000000 tokens/day", "models.*"] });
  return {
    port,
    path: "/v1/chat/completions",
    model: `${server}/tiny`,
    async cpuMs() {
      const seconds = /^arw_process_cpu_seconds_total (\S+)$/m.exec(await ask("GET", "/metrics"))?.[1];
      assert.ok(seconds !== undefined, "the hub tells no processor time");
      return Number(seconds) * 1000;
    },
  };
}

async function ready(child: ChildProcess): Promise<void> {
  let said = "";
  const late = AbortSignal.timeout(readyMsMax);
  child.stdout?.on("data", (chunk) => {
    said += String(chunk);
  });
  while (!said.includes("running on http")) await once(child.stdout as NodeJS.EventEmitter, "data", { signal: late });
}

interface Asking {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

async function opened({ port, method, path, body }: Asking): Promise<IncomingMessage> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  };
  const sent = request({ host: "127.0.0.1", port, method, path, headers, agent: false });
  sent.end(text);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

async function answered(asking: Asking): Promise<string> {
  const response = await opened(asking);
  let text = "";
  for await (const chunk of response) text += String(chunk);
  assert.ok((response.statusCode ?? 500) < 300, `${asking.method} ${asking.path}: ${text.slice(0, 500)}`);
  return text;
}

/** How long each token was under way, microseconds; each has to come, in its order. */
async function read({ port, path, model }: Relay, tokens: number, pauseMs: number): Promise<number[]> {
  const messages = [{ role: "user", content: "go" }];
  const body = { model, messages, max_tokens: tokens, seed: pauseMs, stream: true };
  const response = await opened({ port, method: "POST", path, body });
  const delaysUs: number[] = [];
  let rest = "";
  let seen = 0;
  for await (const chunk of response) {
    const nowMs = performance.timeOrigin + performance.now();
    const text = rest + String(chunk);
    const end = text.lastIndexOf("\n\n") + 2;
    rest = text.slice(end);
    for (const [, index, writtenAtMs] of text.slice(0, end).matchAll(/tok(\d+)@([\d.]+) /g)) {
      assert.equal(Number(index), seen, "a token is missing, or out of its order");
      seen += 1;
      delaysUs.push((nowMs - Number(writtenAtMs)) * 1000);
    }
  }
  assert.equal(seen, tokens, `${seen} of ${tokens} tokens came: ${rest.slice(0, 300)}`);
  return delaysUs;
}

interface Measured {
  readonly cpuUs: number[];
  readonly p50Us: number[];
  readonly p99Us: number[];
}

const all = (relay: Relay, tokens: number, pauseMs: number): Promise<number[][]> =>
  Promise.all(Array.from({ length: streams }, () => read(relay, tokens, pauseMs)));

/** Processor time of a burst, then the delay of tokens that come at the pace of a quick model. */
async function measure(
  relay: Relay,
  into: Measured,
  { burst, paced }: { burst: number; paced: number },
): Promise<void> {
  const before = await relay.cpuMs();
  await all(relay, burst, 0);
  into.cpuUs.push((((await relay.cpuMs()) - before) * 1000) / (streams * burst));
  const delays = (await all(relay, paced, gapMs)).flat();
  into.p50Us.push(quantile(delays, 0.5));
  into.p99Us.push(quantile(delays, 0.99));
}

export const benchRelay: Bench = async (options) => {
  const upstream = await started("model", "", options);
  const typical = await started("relay", `http://127.0.0.1:${upstream.port}`, options);
  const hub = await startHub(upstream, options);
  const size = { burst: amount(options, 5000, 200), paced: amount(options, 125, 20) };
  const contestants = [upstream, typical, hub];
  const seen = new Map<Relay, Measured>(contestants.map((each) => [each, { cpuUs: [], p50Us: [], p99Us: [] }]));
  for (const each of contestants) await measure(each, { cpuUs: [], p50Us: [], p99Us: [] }, size);
  for (let round = 0; round < options.rounds; round += 1)
    for (let place = 0; place < contestants.length; place += 1) {
      const each = contestants[(round + place) % contestants.length] as Relay;
      await measure(each, seen.get(each) as Measured, size);
    }
  return rowsOf({
    direct: seen.get(upstream) as Measured,
    typical: seen.get(typical) as Measured,
    hub: seen.get(hub) as Measured,
  });
};

function rowsOf({ direct, typical, hub }: Record<"direct" | "typical" | "hub", Measured>): readonly Row[] {
  const peer = "fetch, parse, re-emit";
  const path = "P11";
  const us = (values: readonly number[]): string => `${median(values).toPrecision(3)} µs`;
  return [
    figure({
      path,
      what: `token relay through the hub, ${streams} streams: processor time of a token`,
      peer,
      values: hub.cpuUs.map((value, round) => value / (typical.cpuUs[round] ?? Number.NaN)),
      unit: "x",
      target: { atMost: 0.55 },
      note: `${us(hub.cpuUs)} against ${us(typical.cpuUs)}`,
    }),
    figure({
      path,
      what: "token relay: delay that the hub adds, p50",
      values: hub.p50Us.map((value, round) => value - (direct.p50Us[round] ?? Number.NaN)),
      unit: "µs",
      target: { atMost: 50 },
      note: `the peer adds ${us(typical.p50Us.map((value, round) => value - (direct.p50Us[round] ?? Number.NaN)))}`,
    }),
    figure({
      path,
      what: "token relay: delay through the hub, p99",
      values: hub.p99Us.map((value) => value / 1000),
      unit: "ms",
      target: { atMost: 1.5 },
      note: `${us(typical.p99Us)} through the peer, ${us(direct.p99Us)} without either`,
    }),
  ];
}
