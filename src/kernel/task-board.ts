/** The tasks that wait, in the order in which they are to run: ready ones by priority, delayed ones by their time. */
import { createHeap } from "../base/heap.ts";
import type { Clock } from "./ports.ts";

/** Timers hold 31 bits. */
export const timerMsMax = 2_000_000_000;

export interface Entry {
  readonly taskId: string;
  readonly priority: number;
  readonly seq: number;
  readonly notBeforeMs: number;
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
  const delayed = createHeap<Entry>((a, b) =>
    a.notBeforeMs === b.notBeforeMs ? a.seq < b.seq : a.notBeforeMs < b.notBeforeMs,
  );
  let cancelTimer: (() => void) | null = null;
  let timerAtMs = Number.POSITIVE_INFINITY;

  const wake = (): void => {
    timerAtMs = Number.POSITIVE_INFINITY;
    cancelTimer = null;
    const now = clock.nowMs();
    for (let due = delayed.peek(); due !== undefined && due.notBeforeMs <= now; due = delayed.peek()) {
      delayed.pop();
      ready.push(due);
    }
    arm();
    onDue();
  };
  const arm = (): void => {
    const next = delayed.peek();
    if (next === undefined || next.notBeforeMs >= timerAtMs) return;
    cancelTimer?.();
    timerAtMs = next.notBeforeMs;
    cancelTimer = clock.after(Math.min(timerMsMax, Math.max(0, next.notBeforeMs - clock.nowMs())), wake);
  };
  return {
    place(entry) {
      if (entry.notBeforeMs <= clock.nowMs()) {
        ready.push(entry);
        return;
      }
      delayed.push(entry);
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
