/**
 * The tasks that wait, in the order in which they are to run: ready ones by priority, delayed ones by their time.
 *
 * A delay is over when it has passed or when the wall clock says so, whichever comes first: a clock that is set back makes
 * nothing wait for it, and one that is set forward, or a machine that slept, is noticed within a minute.
 */
import { createHeap } from "../base/heap.ts";
import type { Clock } from "./ports.ts";

/** Timers hold 31 bits. */
export const timerMsMax = 2_000_000_000;
/** The wall clock is asked so often while something is delayed. */
const lookMs = 60_000;

export interface Entry {
  readonly taskId: string;
  readonly priority: number;
  readonly seq: number;
  readonly notBeforeMs: number;
  /** The delay that was asked for; a clock that was set back since must not make more of it. */
  readonly delayMsMax?: number;
}

interface Delayed {
  readonly entry: Entry;
  /** On the clock that never goes back. */
  readonly dueMs: number;
}

export interface TaskBoard {
  place(entry: Entry): void;
  /** The next one to run; undefined when nothing is due. */
  next(): Entry | undefined;
  readonly readyCount: number;
  stop(): void;
}

/** `onDue` is called when delayed tasks became ready. One timer stands for all of them. */
export function createTaskBoard({ clock, onDue }: { readonly clock: Clock; readonly onDue: () => void }): TaskBoard {
  const ready = createHeap<Entry>((a, b) => (a.priority === b.priority ? a.seq < b.seq : a.priority > b.priority));
  const delayed = createHeap<Delayed>((a, b) => (a.dueMs === b.dueMs ? a.entry.seq < b.entry.seq : a.dueMs < b.dueMs));
  let cancelTimer: (() => void) | null = null;
  let timerAtMs = Number.POSITIVE_INFINITY;

  const isDue = ({ entry, dueMs }: Delayed): boolean =>
    dueMs <= clock.monotonicMs() || entry.notBeforeMs <= clock.nowMs();
  const wake = (): void => {
    timerAtMs = Number.POSITIVE_INFINITY;
    cancelTimer = null;
    for (let next = delayed.peek(); next !== undefined && isDue(next); next = delayed.peek()) {
      delayed.pop();
      ready.push(next.entry);
    }
    arm();
    onDue();
  };
  const arm = (): void => {
    const next = delayed.peek();
    const nowMs = clock.monotonicMs();
    const atMs = next === undefined ? Number.POSITIVE_INFINITY : Math.min(next.dueMs, nowMs + lookMs);
    if (atMs >= timerAtMs) return;
    cancelTimer?.();
    timerAtMs = atMs;
    cancelTimer = clock.after(Math.max(0, atMs - nowMs), wake);
  };
  return {
    place(entry) {
      const leftMs = entry.notBeforeMs - clock.nowMs();
      const waitMs = Math.min(leftMs, entry.delayMsMax ?? leftMs);
      if (waitMs <= 0) {
        ready.push(entry);
        return;
      }
      delayed.push({ entry, dueMs: clock.monotonicMs() + waitMs });
      arm();
    },
    next: () => ready.pop(),
    get readyCount() {
      return ready.size;
    },
    stop() {
      cancelTimer?.();
      cancelTimer = null;
    },
  };
}
