/** Waits for something to become true by looking again, under a deadline: a story waits for facts, never for time. */
import { setTimeout as pause } from "node:timers/promises";

const lookEveryMs = 15;
const deadlineMsDefault = 60_000;

export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  deadlineMs = deadlineMsDefault,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new RangeError(`waited ${deadlineMs} ms for ${what}`);
    await pause(lookEveryMs);
  }
}
