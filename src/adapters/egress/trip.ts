/** One way out and back: its deadlines, its counts, and the first thing that went wrong. */
import type { Socket } from "node:net";
import { type Carried, WireFault, type WireFaultReason } from "../../domains/egress/port.ts";

export interface Trip extends Disposable {
  /** Waits for the work, the deadline, the signal or a fault elsewhere, whichever comes first. */
  step<T>(work: Promise<T>): Promise<T>;
  /** The next step, and those after it, have to be done in time. The returned function ends the deadline. */
  within(timeoutMs: number, what: string): () => void;
  use(socket: Socket, address: string): void;
  carried(): Carried;
  /** Every failure in the words of the port, with what was carried until now. */
  fault(error: unknown, reason: WireFaultReason): WireFault;
}

export function createTrip(signal: AbortSignal): Trip {
  const startedMs = performance.now();
  const stop = Promise.withResolvers<never>();
  // Nobody may be waiting when the end comes.
  stop.promise.catch(() => undefined);
  const timers = new Set<NodeJS.Timeout>();
  let used: { readonly socket: Socket; readonly address: string } | null = null;
  const onAbort = (): void => end(new WireFault("ended", "the call was ended", { cause: signal.reason }));
  const end = (fault: WireFault): void => {
    stop.reject(fault);
    used?.socket.destroy();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const carried = (): Carried => ({
    address: used?.address ?? null,
    bytesOut: used?.socket.bytesWritten ?? 0,
    bytesIn: used?.socket.bytesRead ?? 0,
    durationMs: Math.round(performance.now() - startedMs),
  });
  return {
    step: (work) => Promise.race([stop.promise, work]),
    within(timeoutMs, what) {
      const timer = setTimeout(() => end(new WireFault("slow", `${what} took over ${timeoutMs} ms`)), timeoutMs);
      timers.add(timer);
      return () => {
        clearTimeout(timer);
        timers.delete(timer);
      };
    },
    use(socket, address) {
      used = { socket, address };
    },
    carried,
    fault(error, reason) {
      const known = error instanceof WireFault;
      const detail = error instanceof Error ? error.message : String(error);
      return new WireFault(known ? error.reason : reason, detail, {
        cause: known ? error.cause : error,
        carried: carried(),
      });
    },
    [Symbol.dispose]() {
      for (const timer of timers) clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      used?.socket.destroy();
    },
  };
}
