/**
 * The emergency stop. Engaging it takes effect in memory first and is durable before it is answered; a hub that finds itself
 * halted at its start stays so. The kernel asks the brake before every call, and the queue claims nothing.
 */
import { type Caller, callerName } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context, type Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Cancelled, Halted, StoreFailed } from "../../contract/standard-problems.ts";
import { openTasks } from "../../contract/task.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Brake, Clock } from "../../kernel/ports.ts";
import { Engage, HaltEngaged, HaltReleased, type HaltState, Release, Status } from "./contract.ts";
import { halt as view, haltKey } from "./views.ts";

/** What has not ended by then is told as still ending; its calls are refused all the same. */
const endingMsMax = 5_000;
/** Waiting tasks that are taken back in one go. */
const pageTasks = 1_000;

export interface HaltDeps {
  readonly parts: KernelParts;
  readonly clock: Pick<Clock, "nowMs" | "after">;
  /** Ends what lasts and is no task: questions, leases, downloads. Called with every stop, and again before a release. */
  readonly enders: readonly ((reason: string) => Promise<void>)[];
}

export interface Halt {
  readonly domain: Domain;
  readonly brake: Brake;
}

export function createHalt(deps: HaltDeps): Halt {
  const { parts, clock } = deps;
  const brake = createBrake();
  const row = (): HaltState => parts.kernel.views.get(view, haltKey) ?? neverHalted;

  const engage = async (reason: string | undefined, ctx: Context): Promise<Static<typeof Engage.output>> => {
    const isFirst = !brake.isOn();
    const state = isFirst
      ? { isHalted: true, by: callerName(ctx.caller), changedAtMs: clock.nowMs(), reason: reason ?? null }
      : row();
    const { running } = parts.kernel.queue.depth();
    if (isFirst) brake.pull(state);
    const ending = parts.kernel.queue.halt(stopProblem(state));
    if (isFirst) await writeDown(ctx, reason);
    const cancelledTasks = await sweep(ctx.caller, state, deps);
    await inTime(ending, clock);
    const stillEnding = parts.kernel.queue.depth().running;
    return { ...row(), endedTasks: running - Math.min(running, stillEnding), cancelledTasks, stillEnding };
  };

  const release = async (ctx: Context): Promise<HaltState> => {
    if (!brake.isOn()) return row();
    // A crash may have come between the stop and the end of its sweep.
    await sweep(ctx.caller, row(), deps);
    await ctx.emit(HaltReleased, {});
    brake.release();
    parts.kernel.queue.release();
    return row();
  };

  return {
    brake,
    domain: {
      name: "halt",
      operations: [
        bind(Engage, ({ reason }, ctx) => engage(reason, ctx)),
        bind(Release, (_input, ctx) => release(ctx)),
        bind(Status, row),
      ],
      events: [HaltEngaged, HaltReleased],
      views: [view],
      async start() {
        const state = row();
        if (!state.isHalted) return;
        brake.pull(state);
        await parts.kernel.queue.halt(stopProblem(state));
      },
    },
  };
}

const neverHalted: HaltState = { isHalted: false, by: "", changedAtMs: 0, reason: null };

const whyText = ({ by, reason }: HaltState): string =>
  `everything was stopped by ${by}${reason === null ? "" : `: ${reason}`}`;
const stopProblem = (state: HaltState): Problem => new Problem(Cancelled, whyText(state).slice(0, 500));

async function writeDown(ctx: Context, reason: string | undefined): Promise<void> {
  try {
    await ctx.emit(HaltEngaged, reason === undefined ? {} : { reason });
  } catch (cause) {
    const detail =
      "Everything was stopped, but that could not be written: the hub is halted until it is released or restarted.";
    throw new Problem(StoreFailed, detail, { cause });
  }
}

/** Takes back what waits on behalf of agents, plugins and nodes, and whatever else lasts. Answers the tasks taken back. */
async function sweep(caller: Caller, state: HaltState, { parts, enders }: HaltDeps): Promise<number> {
  const why = whyText(state).slice(0, 500);
  await Promise.all(enders.map((end) => end(why)));
  const { queue, views } = parts.kernel;
  let cancelled = 0;
  let afterKey: string | undefined;
  do {
    const page = views.list(openTasks, {
      limit: pageTasks,
      ...(afterKey === undefined ? {} : { afterKey }),
      where: ({ status, caller: owner }) => status === "queued" && isAutomatic(owner),
    });
    const taken = await Promise.all(page.rows.map(({ row }) => queue.cancel(row.taskId, why, caller)));
    cancelled += taken.filter(Boolean).length;
    afterKey = page.nextKey ?? undefined;
  } while (afterKey !== undefined);
  return cancelled;
}

const isAutomatic = ({ kind }: Caller): boolean => kind === "agent" || kind === "plugin" || kind === "node";

function inTime(work: Promise<unknown>, clock: HaltDeps["clock"]): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(endingMsMax, resolve);
    work.then(() => resolve(), reject).finally(cancel);
  });
}

interface OwnBrake extends Brake {
  isOn(): boolean;
  pull(state: HaltState): void;
  release(): void;
}

function createBrake(): OwnBrake {
  let state: HaltState | null = null;
  let controller = new AbortController();
  return {
    get signal() {
      return controller.signal;
    },
    check(caller, operation) {
      if (state !== null && !isOpen(caller, operation)) throw halted(state);
    },
    isOn: () => state !== null,
    pull(next) {
      state = next;
      controller.abort(stopProblem(next));
    },
    release() {
      state = null;
      controller = new AbortController();
    },
  };
}

/** A person may look, and do what starts no work. Everybody else waits. */
function isOpen(caller: Caller, { effect, isPublic, isOpenWhenHalted }: Operation): boolean {
  if (isPublic) return true;
  return !isAutomatic(caller) && (effect === "read" || isOpenWhenHalted === true);
}

const halted = (state: HaltState): Problem =>
  new Problem(Halted, `The hub is halted: ${whyText(state)}.`, {
    by: state.by,
    haltedAtMs: state.changedAtMs,
    reason: state.reason,
    next: "A person releases it with `arw stop --release`.",
  });
