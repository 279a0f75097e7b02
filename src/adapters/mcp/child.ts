/** Starts the MCP server that a wrapper stands before, and ends it with the wrapper. */
import { spawn } from "node:child_process";
import { createLines } from "./lines.ts";

/** How long a server may take to end once its input is closed, and again once it was told to (the protocol's own way). */
const graceMsDefault = 2_000;

export interface StartedServer {
  readonly lines: AsyncIterable<string | null>;
  write(line: string): Promise<void>;
  close(): Promise<void>;
  /** Resolves with how it ended, or why it did not begin. */
  readonly ended: Promise<string>;
}

export function startServer(
  [command, ...args]: readonly [string, ...string[]],
  options: {
    readonly lengthMax: number;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly graceMs?: number;
  },
): StartedServer {
  // In a group of its own, so that what it started ends with it; its complaints go where the client looks for them.
  const isGrouped = process.platform !== "win32";
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "inherit"],
    detached: isGrouped,
    env: { ...options.env },
  });
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  child.once("error", (error) => resolve(`${command} does not start: ${whyNot(error)}`));
  child.once("exit", (code, signal) => resolve(`${command} ended with ${signal ?? `code ${code ?? 0}`}`));
  const { lines, write, close } = createLines({
    input: child.stdout,
    output: child.stdin,
    lengthMax: options.lengthMax,
  });
  const kill = (signal: NodeJS.Signals): void => {
    const { pid } = child;
    if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(isGrouped ? -pid : pid, signal);
    } catch {
      // It ended in this moment.
    }
  };
  // Whatever ends the wrapper ends the server.
  const onExit = (): void => kill("SIGKILL");
  process.once("exit", onExit);
  void ended.then(() => process.off("exit", onExit));
  let closing: Promise<void> | null = null;
  const end = async (): Promise<void> => {
    await close();
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (await isOver(ended, options.graceMs ?? graceMsDefault)) return;
      kill(signal);
    }
    await ended;
  };
  return { lines, write, ended, close: () => (closing ??= end()) };
}

/** Told to the person who wrote the command, in their client's window. */
function whyNot(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "program not found";
  if (error.code === "EACCES") return "it is no program that may be run";
  return error.message;
}

async function isOver(ended: Promise<string>, graceMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), graceMs);
  try {
    return await Promise.race([ended.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
