/** What the parts of the domain share: what they need from outside, the rows, and how a row is told to people. */
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, Log } from "../../kernel/ports.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { type Schedule, type ScheduleRow, schedulesMax, type Work } from "./contract.ts";
import type { FolderNotices, RecipeFiles } from "./port.ts";
import { schedules as view } from "./views.ts";

export interface SchedulesDeps {
  readonly parts: KernelParts;
  readonly clock: Pick<Clock, "nowMs" | "after">;
  readonly log: Log;
  readonly files: RecipeFiles;
  readonly notices: FolderNotices;
  /** Aborted while the hub is halted. */
  readonly halted: () => AbortSignal;
}

const hub: Caller = { kind: "system", id: "hub" };
/** Times come and go outside of any episode. */
const corrId = "schedules";

export const hubContext = ({ parts }: Pick<SchedulesDeps, "parts">): Context => parts.act({ caller: hub, corrId });

/** The hub is closing or closed its books: there is nothing left to look after. */
export const isClosing = (deps: Pick<SchedulesDeps, "parts">): boolean => hubContext(deps).signal.aborted;

/** A clock whose timers end with the hub. */
export const hubClock = ({ parts, clock }: Pick<SchedulesDeps, "parts" | "clock">): SchedulesDeps["clock"] => ({
  nowMs: clock.nowMs,
  after: (delayMs, run) =>
    clock.after(delayMs, () => {
      if (!isClosing({ parts })) run();
    }),
});

export const rowsOf = ({ parts }: Pick<SchedulesDeps, "parts">): readonly ScheduleRow[] =>
  parts.kernel.views.list(view, { limit: schedulesMax }).rows.map(({ row }) => row);

export const rowOf = ({ parts }: Pick<SchedulesDeps, "parts">, name: string): ScheduleRow | undefined =>
  parts.kernel.views.get(view, name);

export function foundRow(deps: Pick<SchedulesDeps, "parts">, name: string): ScheduleRow {
  const row = rowOf(deps, name);
  if (row === undefined)
    throw new Problem(NotFound, `there is no schedule ${name}; \`arw schedule\` lists those that are there`);
  return row;
}

/** A run is decided and has not ended. */
export const isGoing = ({ last }: ScheduleRow): boolean => last?.status === "starting" || last?.status === "running";

const taskCharsMax = 120;

export function whatOf(work: Work): string {
  if (work.kind === "agent") return `${work.agent}: ${work.task.slice(0, taskCharsMax)}`;
  const name = /^name\s*=\s*"([^"]*)"/mu.exec(work.recipe)?.[1] ?? "a recipe";
  return [`recipe ${name}`, ...work.input].join(" ");
}

export function told(row: ScheduleRow): Schedule {
  const { name, words, work, nextDueMs, last, missed, skipped, isPaused } = row;
  const state = isGoing(row) ? "running" : isPaused ? "paused" : missed !== null ? "missed" : "waiting";
  return { name, words, what: whatOf(work), state, nextDueMs, last, missed, skipped, next: nextFor(row, state) };
}

function nextFor({ name, last }: ScheduleRow, state: Schedule["state"]): string | null {
  if (state === "running" && last?.status === "running") return `arw stop ${last.episode}`;
  if (state === "running") return "arw approvals";
  if (state === "paused") return `arw schedule go-on ${name}`;
  if (state === "missed") return `arw schedule run ${name}`;
  return last?.status === "interrupted" ? `arw resume ${last.episode}` : null;
}
