/** Work that comes again: each has a name, an interval and a signal, never overlaps itself, and is awaited when the hub stops. */
import type { Clock, Log } from "./ports.ts";

export interface Scheduler extends AsyncDisposable {
  /** Runs first after `firstMs`, then `intervalMs` after each end. */
  every(options: {
    readonly name: string;
    readonly firstMs: number;
    readonly intervalMs: number;
    readonly run: (signal: AbortSignal) => Promise<void>;
  }): void;
}

export function createScheduler({ clock, log }: { readonly clock: Clock; readonly log: Log }): Scheduler {
  const controller = new AbortController();
  const timers = new Map<string, () => void>();
  const active = new Set<Promise<void>>();
  return {
    every({ name, firstMs, intervalMs, run }) {
      const once = (): void => {
        const work = run(controller.signal)
          .catch((error: unknown) => log.error("scheduled work failed", { name, error: String(error) }))
          .finally(() => {
            active.delete(work);
            if (!controller.signal.aborted) timers.set(name, clock.after(intervalMs, once));
          });
        active.add(work);
      };
      timers.set(name, clock.after(firstMs, once));
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      for (const cancel of timers.values()) cancel();
      await Promise.all(active);
    },
  };
}
