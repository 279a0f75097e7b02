/** The machine's clock, timers and randomness: the only places where the hub's time and chance come from. */
import { randomFillSync } from "node:crypto";
import type { Chance, Clock } from "../../kernel/ports.ts";

export const systemClock: Clock = {
  nowMs: Date.now,
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  soon: (run) => {
    setImmediate(run);
  },
};

/** One system call for many ids. */
const poolBytes = 4096;

export function createSystemChance(): Chance {
  const pool = new Uint8Array(poolBytes);
  let used = poolBytes;
  return {
    randomBytes(count) {
      if (count > poolBytes) return randomFillSync(new Uint8Array(count));
      if (used + count > poolBytes) {
        randomFillSync(pool);
        used = 0;
      }
      const bytes = pool.slice(used, used + count);
      // What was handed out must not be found in the pool again.
      pool.fill(0, used, used + count);
      used += count;
      return bytes;
    },
    random: Math.random,
  };
}
