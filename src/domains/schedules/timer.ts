/**
 * One timer for the nearest time of all schedules. The clock of a machine is set, sleeps and jumps, so a long wait is cut into
 * pieces; nothing waits where nothing is due.
 */
import type { ScheduleRow } from "./contract.ts";
import { missedToldMax, ScheduleMissed } from "./contract.ts";
import type { Starter } from "./begin.ts";
import { hubContext, isClosing, rowsOf, type SchedulesDeps } from "./house.ts";
import { timesBetween } from "./timing.ts";

/** A machine that slept notices within a minute that it is late; one wake-up a minute costs nothing. */
const lookAgainMs = 60_000;
/** A busy hub is this late; beyond it a time counts as missed, for whoever set it no longer expects it. */
const lateMsMax = 120_000;

export interface Timer {
  /** Waits for the nearest time anew; after every change of a schedule. */
  arm(): void;
}

export function createTimer(deps: SchedulesDeps, starter: Pick<Starter, "begin">): Timer {
  const { clock, log } = deps;
  let cancel: (() => void) | null = null;
  let isLooking = false;

  const arm = (pauseMs = 0): void => {
    cancel?.();
    cancel = null;
    if (isClosing(deps)) return;
    const dueMs = nearestMs(deps);
    if (dueMs === null) return;
    const leftMs = Math.max(pauseMs, dueMs - clock.nowMs());
    cancel = clock.after(Math.min(lookAgainMs, Math.max(0, leftMs)), wake);
  };
  const wake = (): void => {
    const dueMs = nearestMs(deps);
    if (dueMs !== null && dueMs <= clock.nowMs()) void look();
    else arm();
  };
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    let pauseMs = deps.halted().aborted ? lookAgainMs : 0;
    try {
      // While the hub is halted times pass; what passed is told when it is released.
      if (pauseMs === 0) for (const row of rowsOf(deps)) await settle(row, deps, starter);
    } catch (error) {
      // The store refused, as it does on a full disk: again in a minute, not at once.
      pauseMs = lookAgainMs;
      log.error("a schedule could not be looked after", { error: String(error) });
    } finally {
      isLooking = false;
      arm(pauseMs);
    }
  };
  return { arm: () => (isLooking ? undefined : arm()) };
}

function nearestMs(deps: SchedulesDeps): number | null {
  const times = rowsOf(deps).flatMap(({ nextDueMs, isPaused }) => (isPaused || nextDueMs === null ? [] : nextDueMs));
  return times.length === 0 ? null : Math.min(...times);
}

/** What of a row is due is begun, and what came and went is told: once, whatever passed. */
async function settle(row: ScheduleRow, deps: SchedulesDeps, starter: Pick<Starter, "begin">): Promise<void> {
  const { name, when, nextDueMs, isPaused, catchesUp } = row;
  const nowMs = deps.clock.nowMs();
  if (when.kind === "watch" || isPaused || nextDueMs === null || nextDueMs > nowMs) return;
  const { count, newest, next } = timesBetween(when, { afterMs: nextDueMs - 1, toMs: nowMs, max: missedToldMax + 1 });
  const dueMs = newest.at(-1) ?? nextDueMs;
  const isInTime = nowMs - dueMs <= lateMsMax;
  const passed = isInTime ? newest.slice(0, -1) : newest;
  const missed = count - (isInTime ? 1 : 0);
  if (missed > 0)
    await hubContext(deps).emit(ScheduleMissed, {
      name,
      dueMs: passed.slice(-missedToldMax),
      count: missed,
      reason: "the hub was off, asleep or halted",
      nextDueMs: isInTime ? dueMs : next,
    });
  if (isInTime) await starter.begin(name, { dueMs, nextDueMs: next, cause: "time" });
  else if (catchesUp) await starter.begin(name, { dueMs, nextDueMs: next, cause: "catch-up" });
}
