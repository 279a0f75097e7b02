/** A process that was spawned, as the child of the port: two pipes to be read, one end, and somebody who brings it about. */
import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { setPriority } from "node:os";
import type { Child, ChildCeilings, ChildEnd, ChildEnding, ChildOrder } from "../../domains/shell/port.ts";
import { watchFamily } from "./family.ts";

/** Between the question to end and the end itself: enough to write a file, and no more. */
export const graceMsDefault = 2_000;
/** A pipe that something holds open which left its group; what was written until then is read. */
const orphanedPipeMs = 1_000;

export interface Tending {
  readonly process: ChildProcess;
  readonly limits: ChildOrder["limits"];
  readonly signal: AbortSignal;
  readonly graceMs: number;
  readonly ceilings: ChildCeilings;
  /** The first process of what is counted; null before it is known. */
  readonly rootPid: () => number | null;
  /** To the child and all that it started. Nobody left to hear it is no fault. */
  signalGroup(signal: "SIGTERM" | "SIGKILL"): void;
  /** What the end of the process says of the end of the command. */
  endOf(exitCode: number | null, signal: string | null): Promise<Outcome>;
}

export type Outcome = Pick<ChildEnd, "exitCode" | "signal"> & { readonly isFault: boolean };

export function tend({ process, limits, signal, graceMs, ceilings, rootPid, signalGroup, endOf }: Tending): Child {
  const { stdin, stdout, stderr } = process as { stdin: Writable; stdout: Readable; stderr: Readable };
  const timers = new Set<NodeJS.Timeout>();
  const after = (delayMs: number, run: () => void): void => void timers.add(setTimeout(run, delayMs).unref());
  let endedBy: ChildEnding | null = null;
  const end = (by: ChildEnding): void => {
    if (endedBy !== null) return;
    endedBy = by;
    signalGroup("SIGTERM");
    after(graceMs, () => signalGroup("SIGKILL"));
  };
  // Whoever takes too much is not asked: in the time of grace it would take more.
  const cutOff = (by: ChildEnding): void => {
    endedBy ??= by;
    signalGroup("SIGKILL");
  };
  const watch = watchFamily({ rootPid, ceilings, over: cutOff });
  const onAbort = (): void => end("caller");
  if (limits.timeoutMs !== null) after(limits.timeoutMs, () => end("time"));
  const exited = exitOf(process).then(async ({ exitCode, by }) => {
    signal.removeEventListener("abort", onAbort);
    for (const timer of timers) clearTimeout(timer);
    watch[Symbol.dispose]();
    // What it started does not outlive it.
    signalGroup("SIGKILL");
    for (const pipe of [stdout, stderr]) letGo(pipe);
    const { isFault, ...ended } = await endOf(exitCode, by);
    const ending = endedBy ?? (isFault ? "fault" : "itself");
    endedBy = ending;
    return { ...ended, endedBy: ending };
  });
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  // Whoever does not listen any more is no fault of ours.
  stdin.on("error", () => undefined);
  const count = counter(limits.outputBytesMax, () => end("output"));
  return {
    stdin: { write: (bytes) => written(stdin, bytes), end: () => void stdin.end() },
    stdout: bytesOf(stdout, count),
    stderr: bytesOf(stderr, count),
    exited,
    end: () => end("caller"),
  };
}

/** As `nice` has it: the hub and whoever sits at the machine come first, and a child alone still has all of it. */
const yielding = 10;

/** To be called before it starts anything. */
export function yieldToOthers({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, yielding);
  } catch {
    // It has ended already.
  }
}

const exitOf = (process: ChildProcess) =>
  new Promise<{ readonly exitCode: number | null; readonly by: string | null }>((resolve) =>
    process.once("exit", (exitCode, by) => resolve({ exitCode, by })),
  );

function counter(bytesMax: number | null, over: () => void): (bytes: number) => void {
  let total = 0;
  return (bytes) => {
    total += bytes;
    if (bytesMax !== null && total > bytesMax) over();
  };
}

function letGo(pipe: Readable): void {
  setTimeout(() => {
    if (pipe.destroyed || pipe.readableEnded) return;
    if (pipe.readableLength > 0) letGo(pipe);
    else pipe.destroy();
  }, orphanedPipeMs).unref();
}

function written(pipe: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (pipe.destroyed || pipe.writableEnded) resolve();
    else pipe.write(bytes, () => resolve());
  });
}

async function* bytesOf(pipe: Readable, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of pipe as AsyncIterable<Uint8Array>) {
      count(chunk.byteLength);
      yield chunk;
    }
  } catch {
    // A pipe that breaks has come to its end.
  }
}
