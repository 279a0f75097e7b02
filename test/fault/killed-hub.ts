/** A hub in a process of its own, killed at a chosen point, and the ledger of what it acknowledged before. */
import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { createInterface } from "node:readline";

/** Outside of the hub: what it said is known, whatever becomes of its files. */
export interface Ledger {
  readonly notes: Set<string>;
  readonly tasks: Map<string, string>;
  readonly blobs: Set<string>;
  /** In the order in which they were acknowledged. */
  readonly audited: string[];
  counted: number;
}

export const emptyLedger = (): Ledger => ({
  notes: new Set(),
  tasks: new Map(),
  blobs: new Set(),
  audited: [],
  counted: 0,
});

/**
 * When the kill comes: after a number of lines, some time after the start, or never, until the hub
 * ends by itself: in good order, or because a write was refused that it does not expect to be.
 */
export type KillPoint = { readonly lines: number } | { readonly afterMs: number } | null | "refused";

export interface HubOptions {
  readonly isDrain: boolean;
  /** Keeps compiled code, so that the next hub starts sooner. */
  readonly cache: string;
  /** No file may become larger, in blocks of the shell; a write beyond is cut short and then refused. */
  readonly fileBlocksMax?: number;
}

/** Spawned ahead of its turn: a process that has loaded its modules costs its kill almost nothing. */
export function spawnHub(folder: string, round: number, options: HubOptions) {
  const { isDrain, cache, fileBlocksMax } = options;
  const main = join(import.meta.dirname, "load-hub.ts");
  const command = [process.execPath, main, folder, String(round), isDrain ? "drain" : "load"];
  const limited = ["sh", "-c", `ulimit -f ${fileBlocksMax} && exec "$0" "$@"`, ...command];
  const [program = "", ...rest] = fileBlocksMax === undefined ? command : limited;
  const hub = spawn(program, rest, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: cache },
  });
  const ended = new Promise<string>((resolve) =>
    hub.on("exit", (code, signal) => resolve(signal ?? `exit code ${code}`)),
  );
  // The pipe of a hub that is dismissed may be gone before it is closed.
  hub.stdin.on("error", () => {});
  return {
    run: (kill: KillPoint, ledger: Ledger) => runHub({ hub, ended, kill, ledger }),
    dismiss: () => void hub.kill("SIGKILL"),
  };
}

interface Run {
  readonly hub: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<string>;
  readonly kill: KillPoint;
  readonly ledger: Ledger;
}

async function runHub({ hub, ended, kill, ledger }: Run): Promise<void> {
  let errors = "";
  hub.stderr.on("data", (text) => (errors += String(text)));
  hub.stdin.end("!");
  const timer =
    typeof kill === "object" && kill !== null && "afterMs" in kill
      ? setTimeout(() => hub.kill("SIGKILL"), kill.afterMs)
      : undefined;
  let lines = 0;
  for await (const line of createInterface({ input: hub.stdout })) {
    note(line, ledger);
    lines += 1;
    if (typeof kill === "object" && kill !== null && "lines" in kill && lines > kill.lines) hub.kill("SIGKILL");
  }
  clearTimeout(timer);
  const wanted = kill === null ? "exit code 0" : kill === "refused" ? "exit code 1" : "SIGKILL";
  assert.equal(await ended, wanted, errors);
}

function note(line: string, ledger: Ledger): void {
  const [what, name = "", taskId = ""] = line.split(" ");
  if (what === "note") ledger.notes.add(name);
  if (what === "task") ledger.tasks.set(name, taskId);
  if (what === "blob") ledger.blobs.add(name);
  if (what === "audit") ledger.audited.push(name);
  if (what === "count") ledger.counted = Math.max(ledger.counted, Number(name));
}
