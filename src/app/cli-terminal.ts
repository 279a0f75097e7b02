/** The terminal that this process was given. */
import { homedir } from "node:os";
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Terminal } from "../surfaces/cli/port.ts";
import { expandHome, platformOf } from "./config/places.ts";

/** What pipes get, and terminals that do not know their size (they say 0). */
const columnsDefault = 80;

/** Ctrl-C, and how a service manager says the same. */
const leaveSignals = ["SIGINT", "SIGTERM"] as const;

export function createTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  const interrupts = new Set<() => void>();
  const interrupt = (): void => {
    for (const run of interrupts) run();
  };
  // Whoever reads us may leave early, as `head` does; that is no failure of ours.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  // Who reads no more of what is said beside the answer still gets the answer, and its exit code.
  stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  return {
    write: (text) => void stdout.write(text),
    writeBytes: (bytes) => void stdout.write(bytes),
    writeError: (text) => void stderr.write(text),
    get columns() {
      return stdout.columns || columnsDefault;
    },
    isTty: stdin.isTTY && stdout.isTTY,
    isScreen: stdout.isTTY,
    hasColor: stdout.isTTY && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
    async ask(question, signal) {
      const lines = createInterface({ input: stdin, output: stdout });
      // The terminal is raw while a question is open: Ctrl-C arrives here and not as a signal.
      lines.on("SIGINT", interrupt);
      const closed = new Promise<never>((_resolve, reject) =>
        lines.once("close", () => reject(new DOMException("The input ended.", "AbortError"))),
      );
      try {
        return await Promise.race([lines.question(question, { signal }), closed]);
      } catch (error) {
        stdout.write("\n");
        throw error;
      } finally {
        closed.catch(() => undefined);
        lines.close();
      }
    },
    onInterrupt(run) {
      if (interrupts.size === 0) for (const signal of leaveSignals) process.on(signal, interrupt);
      interrupts.add(run);
      return () => {
        interrupts.delete(run);
        if (interrupts.size === 0) for (const signal of leaveSignals) process.off(signal, interrupt);
      };
    },
    timeText: (epochMs) => new Date(epochMs).toLocaleString("sv-SE"),
    resolvePath: (path) => resolve(expandHome(path, { platform: platformOf(process.platform), env, home: homedir() })),
  };
}

/** Everything that comes in by a pipe; null for more than this. */
export async function readInput(sizeBytesMax: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.length;
    if (sizeBytes > sizeBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
