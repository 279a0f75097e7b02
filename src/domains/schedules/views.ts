/** Schedules by name. How a run stands is told by its task, which carries the name and the time in its idempotency key. */
import type { Envelope } from "../../contract/event.ts";
import { Interrupted, TaskCancelled, TaskEnqueued, TaskFailed, TaskFinished } from "../../contract/task.ts";
import { on, view } from "../../contract/view.ts";
import {
  RecipeAdopted,
  ScheduleAdded,
  ScheduleContinued,
  ScheduleDue,
  ScheduleMissed,
  SchedulePaused,
  ScheduleRemoved,
  ScheduleRow,
  ScheduleSkipped,
  schedulesMax,
} from "./contract.ts";

const keyPrefix = "schedule:";
const detailCharsMax = 500;

/** The same due time is one task, however often it is put into the queue. */
export const idemKeyOf = (
  name: string,
  { dueMs, episode }: { readonly dueMs: number; readonly episode: string },
): string => `${keyPrefix}${name}:${dueMs}:${episode}`;

const nameIn = (idemKey: string | undefined): string | null =>
  idemKey?.startsWith(keyPrefix) === true ? (idemKey.split(":")[1] ?? null) : null;

interface TaskData {
  readonly taskId: string;
  readonly idemKey?: string;
}

/** The row whose newest run this task is. */
function ofTask(row: ScheduleRow | undefined, { data, corrId }: Envelope<TaskData>): ScheduleRow["last"] {
  const last = row?.last ?? null;
  return last !== null && row !== undefined && last.episode === corrId && data.idemKey === idemKeyOf(row.name, last)
    ? last
    : null;
}

type Ending = Pick<NonNullable<ScheduleRow["last"]>, "status" | "detail">;

function ended(row: ScheduleRow | undefined, e: Envelope<TaskData>, ending: Ending): ScheduleRow | null {
  const last = ofTask(row, e);
  if (row === undefined) return null;
  const detail = ending.detail.slice(0, detailCharsMax);
  return last === null
    ? row
    : { ...row, last: { ...last, ...ending, detail, taskId: e.data.taskId, endedAtMs: e.timeMs } };
}

/** What a recipe or an agent answered; anything else is a task that ended well and said nothing. */
function endingOf(output: unknown): Ending {
  const { outcome, stoppedAt } = Object(output) as { readonly outcome?: unknown; readonly stoppedAt?: unknown };
  return {
    status: typeof stoppedAt === "string" ? "stopped" : "finished",
    detail: typeof outcome === "string" ? outcome : "",
  };
}

const row = on<ScheduleRow>();

export const schedules = view(ScheduleRow)({
  name: "schedules",
  version: 1,
  about: "What runs at times or when a folder changes, with its last run.",
  rowsMax: schedulesMax,
  overflow: "guarded",
  order: "asc",
  folds: [
    row(
      ScheduleAdded,
      (e) => e.data.name,
      (_row, e) => ({ ...e.data, addedAtMs: e.timeMs, isPaused: false, last: null, missed: null, skipped: null }),
    ),
    row(
      ScheduleRemoved,
      (e) => e.data.name,
      () => null,
    ),
    row(
      SchedulePaused,
      (e) => e.data.name,
      (known) => (known ? { ...known, isPaused: true, nextDueMs: null } : null),
    ),
    row(
      ScheduleContinued,
      (e) => e.data.name,
      (known, e) => (known ? { ...known, isPaused: false, missed: null, nextDueMs: e.data.nextDueMs } : null),
    ),
    row(
      ScheduleDue,
      (e) => e.data.name,
      (known, { data: { dueMs, episode, nextDueMs, cause } }) =>
        known
          ? {
              ...known,
              nextDueMs,
              // What was missed stays told until it is made up, or a person lets it go.
              missed: cause === "person" || cause === "catch-up" ? null : known.missed,
              skipped: null,
              last: { dueMs, episode, status: "starting", taskId: null, detail: "", endedAtMs: null },
            }
          : null,
    ),
    row(
      ScheduleSkipped,
      (e) => e.data.name,
      (known, { data: { dueMs, reason, nextDueMs, episode }, timeMs }) => {
        if (!known) return null;
        const { last } = known;
        const isLast = last !== null && episode === last.episode && last.status === "starting";
        return {
          ...known,
          nextDueMs,
          skipped: { dueMs, reason },
          last: isLast ? { ...last, status: "cancelled", detail: reason, endedAtMs: timeMs } : last,
        };
      },
    ),
    row(
      ScheduleMissed,
      (e) => e.data.name,
      (known, { data: { dueMs, count, reason, nextDueMs } }) =>
        known ? { ...known, nextDueMs, missed: { dueMs, count: count + (known.missed?.count ?? 0), reason } } : null,
    ),
    row(
      RecipeAdopted,
      (e) => e.data.name,
      (known, { data: { recipe, digest } }) =>
        known?.work.kind === "recipe" ? { ...known, work: { ...known.work, recipe, digest } } : (known ?? null),
    ),
    row(
      TaskEnqueued,
      (e) => nameIn(e.data.idemKey),
      (known, e) => {
        const last = ofTask(known, e);
        if (known === undefined) return null;
        return last === null ? known : { ...known, last: { ...last, status: "running", taskId: e.data.taskId } };
      },
    ),
    row(
      TaskFinished,
      (e) => nameIn(e.data.idemKey),
      (known, e) => ended(known, e, endingOf(e.data.output)),
    ),
    row(
      TaskFailed,
      (e) => nameIn(e.data.idemKey),
      (known, e) => {
        const status = e.data.code === Interrupted.code ? "interrupted" : "failed";
        return ended(known, e, { status, detail: e.data.detail });
      },
    ),
    row(
      TaskCancelled,
      (e) => nameIn(e.data.idemKey),
      (known, e) => ended(known, e, { status: "cancelled", detail: e.data.reason }),
    ),
  ],
});
