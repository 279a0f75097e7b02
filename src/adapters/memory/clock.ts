/** A clock that stands still until it is told to move: the second adapter of the port's contract, for tests and replays. */
import type { Clock } from "../../kernel/ports.ts";

export interface ManualClock extends Clock {
  /** Moves time on. Timers that fall due run in the order of their moments, each at its own moment. */
  advance(ms: number): void;
  /** Sets the wall clock alone, as a person or a time server does; timers and `monotonicMs` do not notice. */
  setWall(nowMs: number): void;
  /** Milliseconds until the next timer, or null when none waits. */
  nextInMs(): number | null;
}

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/** `soon` is the machine's own: it is about turns of the event loop, which no manual clock can move. */
export function createManualClock(startMs: number): ManualClock {
  /** In the order of asking, which decides between timers of one moment. */
  const timers = new Set<Timer>();
  let elapsedMs = 0;
  let wallMs = startMs;

  const next = (): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) if (first === undefined || timer.atMs < first.atMs) first = timer;
    return first;
  };
  const moveTo = (atMs: number): void => {
    wallMs += Math.max(0, atMs - elapsedMs);
    elapsedMs = Math.max(elapsedMs, atMs);
  };

  return {
    nowMs: () => wallMs,
    monotonicMs: () => elapsedMs,
    after(delayMs, run) {
      const timer: Timer = { atMs: elapsedMs + Math.max(0, delayMs), run };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    soon: (run) => {
      setImmediate(run);
    },
    advance(ms) {
      const untilMs = elapsedMs + ms;
      for (let due = next(); due !== undefined && due.atMs <= untilMs; due = next()) {
        timers.delete(due);
        moveTo(due.atMs);
        due.run();
      }
      moveTo(untilMs);
    },
    setWall(nowMs) {
      wallMs = nowMs;
    },
    nextInMs() {
      const first = next();
      return first === undefined ? null : Math.max(0, first.atMs - elapsedMs);
    },
  };
}
