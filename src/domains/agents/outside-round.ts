/**
 * Collects what there is to record of calls that change nothing, and tells it together: told one by one, between two calls,
 * each costs several times as much, and a commit costs more than ten events in it.
 */
import type { Clock } from "../../kernel/ports.ts";

/** How long the record of a call may wait for others, and what a kill can take back: as little as still fills a commit. */
export const roundMsMax = 20;
/** Calls whose answers are held meanwhile; as many fill a commit well. */
const roundCallsMax = 128;

export interface Round {
  /** `tell` runs once, in its turn. */
  add(tell: () => void): void;
  /** Tells what waits, in the order in which it came. */
  now(): void;
}

export function createRound({ after, soon }: Pick<Clock, "after" | "soon">): Round {
  let waiting: (() => void)[] = [];
  let forget: (() => void) | null = null;
  const now = (): void => {
    forget?.();
    forget = null;
    const due = waiting;
    waiting = [];
    for (const tell of due) tell();
  };
  return {
    add(tell) {
      waiting.push(tell);
      if (waiting.length === roundCallsMax) soon(now);
      else forget ??= after(roundMsMax, now);
    },
    now,
  };
}
