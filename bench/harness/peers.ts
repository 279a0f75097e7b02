/** Peers: packages of `bench/node_modules` and servers on PATH. What is missing is named, never passed over. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createServer, connect } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { BenchOptions } from "./bench.ts";

/** How long a server may take to its first answer. */
const readyMsMax = 10_000;
const pollMs = 20;

/** A package of the peers; its types are stated by the caller, since the hub's own checks run without it. */
export async function loadPeer<T>(name: string): Promise<T | null> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_MODULE_NOT_FOUND") return null;
    throw error;
  }
}

export function findProgram(name: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** Ends a child by its own process id and waits until it is gone. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

async function startServer(program: string, given: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn(program, given, { stdio: "ignore" });
  const untilMs = performance.now() + readyMsMax;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > untilMs) throw new TypeError(`${program} did not start`);
    await wait(pollMs);
  }
  return child;
}

/** A Redis of our own on loopback, its append-only file synced as told. Null when there is none on PATH. */
export async function startRedis(
  options: BenchOptions,
  appendFsync: "always" | "everysec",
): Promise<{ readonly port: number } | null> {
  const program = findProgram("redis-server");
  if (program === null) return null;
  const port = await freePort();
  const folder = join(options.scratch, `redis-${port}`);
  mkdirSync(folder, { recursive: true });
  const given = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  const child = await startServer(program, [...given, "--appendonly", "yes", "--appendfsync", appendFsync], port);
  options.defer(() => stopChild(child));
  return { port };
}

/** A NATS with JetStream of our own on loopback. Null when there is none on PATH. */
export async function startNats(options: BenchOptions): Promise<{ readonly port: number } | null> {
  const program = findProgram("nats-server");
  if (program === null) return null;
  const port = await freePort();
  const folder = join(options.scratch, `nats-${port}`);
  const child = await startServer(program, ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder], port);
  options.defer(() => stopChild(child));
  return { port };
}
