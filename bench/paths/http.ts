/** P5: one operation over HTTP, through token, gate, schemas and sample, against Fastify with the same schemas alone. */
import { strict as assert } from "node:assert";
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { alternate, type Contestant } from "../harness/alternate.ts";
import { amount, type Bench, type BenchOptions } from "../harness/bench.ts";
import { sendAll } from "../harness/load.ts";
import { stopChild } from "../harness/peers.ts";
import { programFlags } from "../../bin/program-flags.mjs";

const connections = 16;
const pipelined = 4;
const token = "bench-token-".repeat(4);

async function startServer(kind: string, options: BenchOptions): Promise<number> {
  const child: ChildProcess = fork(join(import.meta.dirname, "..", "serve.ts"), [kind, options.scratch, token], {
    // The hub as its command starts it; the peer as Node does.
    execArgv: [...(kind === "hub" ? programFlags : ["--disable-warning=ExperimentalWarning"])],
  });
  options.defer(() => stopChild(child));
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve((message as { port: number }).port));
    child.once("exit", (code) => reject(new TypeError(`the server ${kind} ended with ${String(code)}`)));
  });
}

function postRequest(port: number): string {
  const body = JSON.stringify({ id: "tools.echo", input: { text: "hello world ".repeat(8), n: 3 }, tags: ["a", "b"] });
  return [
    "POST /bench/run HTTP/1.1",
    `host: 127.0.0.1:${port}`,
    `authorization: Bearer ${token}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

async function contestant(kind: string, name: string, options: BenchOptions): Promise<Contestant> {
  const port = await startServer(kind, options);
  const request = postRequest(port);
  const requests = amount(options, 15_000, 500);
  const check = (statusLine: string, body: string): void => {
    assert.equal(statusLine, "HTTP/1.1 200 OK");
    assert.ok(body.startsWith('{"ok":true,"id":"tools.echo","seq":'), body);
  };
  return { name, run: () => sendAll({ port, request, connections, pipelined, requests, check }) };
}

export const benchHttp: Bench = async (options) => {
  const peer = "Fastify with the same validation";
  const contestants = [await contestant("fastify", peer, options), await contestant("hub", "hub", options)];
  const comparisons = [{ ours: "hub", peer, target: { atLeast: 0.9 } }];
  const what = "HTTP operation through the whole corridor";
  return alternate({ path: "P5", what, contestants, comparisons, rounds: options.rounds + 2 });
};
