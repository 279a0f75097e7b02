/** Keeps schedules: adds and removes them, and lets their runs begin as whoever made them. */
import { unifiedDiff } from "../../base/text-diff.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context, type Preview } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied } from "../../contract/standard-problems.ts";
import { ShowAgent } from "../agents/contract.ts";
import { FileNotFound, FileRefused, List as ListFiles } from "../fs/contract.ts";
import { DryRun } from "../recipes/contract.ts";
import { changedRecipe, createStarter, isOfProject, type Starter, textDigest } from "./begin.ts";
import {
  Add,
  Adopt,
  BadSchedule,
  GoOn,
  List,
  NameTaken,
  NothingChanged,
  Pause,
  RecipeAdopted,
  Remove,
  RunNow,
  ScheduleAdded,
  ScheduleContinued,
  ScheduleDue,
  ScheduleMissed,
  SchedulePaused,
  ScheduleRemoved,
  type ScheduleRow,
  ScheduleSkipped,
  schedulesMax,
  ShowSchedule,
  StillRunning,
  TooManySchedules,
  type When,
  type Work,
} from "./contract.ts";
import { foundRow, hubClock, isGoing, rowOf, rowsOf, type SchedulesDeps, told } from "./house.ts";
import { createTimer, type Timer } from "./timer.ts";
import { nextTime, readTiming, timingWords } from "./timing.ts";
import { schedules as view } from "./views.ts";
import { createWatches, type Watches } from "./watches.ts";

const settleMsDefault = 2000;
/** Times that `show` looks ahead. */
const aheadMax = 5;
/** The hub opens its doors first: whoever is told of a missed time should be able to answer. */
const firstLookMs = 1000;

interface Desk extends SchedulesDeps {
  readonly starter: Starter;
  readonly timer: Timer;
  readonly watches: Watches;
}

export function createSchedules(given: SchedulesDeps): Domain {
  const deps = { ...given, clock: hubClock(given) };
  const starter = createStarter(deps);
  const timer = createTimer(deps, starter);
  const watches = createWatches(deps, starter);
  const desk: Desk = { ...deps, starter, timer, watches };
  return {
    name: "schedules",
    operations: [
      bind(Add, (input, ctx) => add(input, ctx, desk)),
      bind(List, () => ({ schedules: rowsOf(deps).map(told) })),
      bind(ShowSchedule, ({ name }) => shown(foundRow(deps, name))),
      bind(RunNow, async ({ name }, ctx) => {
        const row = foundRow(deps, name);
        const { nextDueMs } = row;
        const episode = isGoing(row)
          ? null
          : await starter.begin(name, { dueMs: ctx.now(), nextDueMs, cause: "person" });
        if (episode !== null) return { name, episode };
        const going = rowOf(deps, name)?.last?.episode ?? "";
        throw new Problem(StillRunning, `the last run of ${name} has not ended; \`arw stop ${going}\` ends it`, {
          episode: going,
        });
      }),
      bind(Pause, async ({ name }, ctx) => {
        if (!foundRow(deps, name).isPaused) await ctx.emit(SchedulePaused, { name });
        changed(name, desk);
        return told(foundRow(deps, name));
      }),
      bind(GoOn, async ({ name }, ctx) => {
        const { isPaused, missed, when } = foundRow(deps, name);
        if (isPaused || missed !== null)
          await ctx.emit(ScheduleContinued, { name, nextDueMs: nextDueOf(when, ctx.now()) });
        changed(name, desk);
        return told(foundRow(deps, name));
      }),
      bind(Remove, async ({ name }, ctx) => {
        foundRow(deps, name);
        await ctx.emit(ScheduleRemoved, { name });
        changed(name, desk);
        return { name };
      }),
      bind(Adopt, (input, ctx) => adopt(input, ctx, deps), { preview: (input) => adoptPreview(input, deps) }),
    ],
    events: [
      ScheduleAdded,
      ScheduleRemoved,
      SchedulePaused,
      ScheduleContinued,
      ScheduleDue,
      ScheduleSkipped,
      ScheduleMissed,
      RecipeAdopted,
    ],
    views: [view],
    start: () => {
      deps.clock.after(firstLookMs, () => open(desk));
      return Promise.resolve();
    },
  };
}

function open({ starter, timer, watches, ...deps }: Desk): void {
  for (const row of rowsOf(deps)) starter.goOn(row);
  watches.open();
  timer.arm();
}

function changed(name: string, { timer, watches }: Desk): void {
  timer.arm();
  watches.follow(name);
}

const nextDueOf = (when: When, afterMs: number): number | null =>
  when.kind === "watch" ? null : nextTime(when, afterMs);

async function add(input: Static<typeof Add.input>, ctx: Context, desk: Desk) {
  const { name } = input;
  const { caller } = ctx;
  refuseToken(caller);
  if (rowOf(desk, name) !== undefined) throw new Problem(NameTaken, `there is a schedule ${name} already`);
  if (rowsOf(desk).length >= schedulesMax) throw new Problem(TooManySchedules, `there are ${schedulesMax} schedules`);
  const when = whenOf(input, ctx.now());
  const { work, warnings } = await workOf(input, ctx);
  if (when.kind === "watch") await desk.watches.refuseTooLarge(when, ctx);
  // Two that come at once take the same name only once.
  if (rowOf(desk, name) !== undefined) throw new Problem(NameTaken, `there is a schedule ${name} already`);
  const words = when.kind === "watch" ? watchWords(when) : timingWords(when);
  const nextDueMs = nextDueOf(when, ctx.now());
  const { kind, id } = caller;
  const catchesUp = input.catchUp === true;
  await ctx.emit(ScheduleAdded, { name, words, when, work, caller: { kind, id }, catchesUp, nextDueMs });
  changed(name, desk);
  return { ...told(foundRow(desk, name)), warnings };
}

/** What lasts ends with the right to it, and a schedule has no end of its own. */
function refuseToken({ reach }: Caller): void {
  if (reach === undefined) return;
  throw new Problem(Denied, `The token ${reach.token} ends, and a schedule would go on after it.`, {
    rule: `access.token:${reach.token}`,
    source: "token",
    next: "add the schedule signed in as a person",
  });
}

const watchWords = ({ folder, only }: Extract<When, { readonly kind: "watch" }>): string =>
  `when ${only.length === 0 ? "something" : only.join(", ")} changes in ${folder}`.slice(0, 500);

function whenOf({ watch, only, settleMs, ...input }: Static<typeof Add.input>, nowMs: number): When {
  const { every, at, on, zone } = input;
  if (watch === undefined) {
    if (only !== undefined || settleMs !== undefined)
      throw new Problem(BadSchedule, "only and settle-ms go with --watch FOLDER");
    return readTiming(definedOf({ every, at, on, zone }), nowMs);
  }
  if (every !== undefined || at !== undefined || on !== undefined)
    throw new Problem(BadSchedule, "a schedule has times or a folder that it watches, not both: add two");
  return { kind: "watch", folder: watch, only: [...(only ?? [])], settleMs: settleMs ?? settleMsDefault };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const definedOf = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Defined<T>;

interface Planned {
  readonly work: Work;
  readonly warnings: string[];
}

/** Throws what the recipe or the agent would be refused with, while the person is still there. */
async function workOf(given: Static<typeof Add.input>, ctx: Context): Promise<Planned> {
  const { recipe, file, input = [], agent, task, folder, allow = [] } = given;
  if (recipe !== undefined && agent === undefined && task === undefined && folder === undefined) {
    const { absent } = await ctx.call(DryRun, { recipe, input, allow });
    const work: Work = {
      kind: "recipe",
      recipe,
      digest: textDigest(recipe),
      file: file ?? null,
      input: [...input],
      allow: [...allow],
    };
    return { work, warnings: absent.map((each) => `${each.input}: ${each.reason}; ${laterWords}`) };
  }
  if (agent === undefined || task === undefined || recipe !== undefined || file !== undefined || input.length > 0)
    throw new Problem(BadSchedule, "give it either --recipe FILE with its --input, or --agent NAME with its --task");
  if (isOfProject(agent) && allow.length > 0)
    throw new Problem(BadSchedule, `what ${agent} may do stands in its profile; leave --allow out`);
  const { tools } = await ctx.call(ShowAgent, { agent });
  const had = tools.map(({ id }) => id);
  const work: Work = { kind: "agent", agent, task, folder: folder ?? null, allow: [...allow], tools: had };
  return { work, warnings: folder === undefined ? [] : await absentFolder(folder, ctx) };
}

/** A stick, or what another program makes until then, may be there by its time. */
const laterWords = "it has to be there when the schedule runs";
const absences: ReadonlySet<string> = new Set([FileNotFound, FileRefused].map(({ code }) => code));

async function absentFolder(folder: string, ctx: Context): Promise<string[]> {
  try {
    await ctx.call(ListFiles, { folder, limit: 1 });
    return [];
  } catch (error) {
    if (isProblem(error) && absences.has(error.definition.code)) return [`folder: ${error.message}; ${laterWords}`];
    throw error;
  }
}

function shown(row: ScheduleRow): Static<typeof ShowSchedule.output> {
  const { caller, addedAtMs, when, work, catchesUp, nextDueMs } = row;
  const nextTimesMs: number[] = [];
  for (let next = nextDueMs; when.kind !== "watch" && next !== null && nextTimesMs.length < aheadMax; ) {
    nextTimesMs.push(next);
    next = nextTime(when, next);
  }
  return { ...told(row), by: `${caller.kind}:${caller.id}`, addedAtMs, when, work, catchesUp, nextTimesMs };
}

async function changedOf({ name, digest }: Static<typeof Adopt.input>, deps: SchedulesDeps) {
  const { work, caller } = foundRow(deps, name);
  const changed = await changedRecipe(work, deps);
  if (changed === null || work.kind !== "recipe" || (digest !== undefined && digest !== changed.digest))
    throw new Problem(NothingChanged, `the recipe of ${name} is not what was looked at, or nothing changed about it`);
  return { work, caller, changed };
}

async function adoptPreview(input: Static<typeof Adopt.input>, deps: SchedulesDeps): Promise<Preview> {
  const { work, changed } = await changedOf(input, deps);
  const summary = `Run the changed recipe ${work.file} for the schedule ${input.name}`;
  const diff = unifiedDiff({ path: work.file ?? input.name, before: work.recipe, after: changed.text });
  return { summary, diff: diff.text, canUndo: false };
}

async function adopt(input: Static<typeof Adopt.input>, ctx: Context, deps: SchedulesDeps) {
  const { work, caller, changed } = await changedOf(input, deps);
  // As whoever made the schedule: their permissions are what its runs have.
  const maker = deps.parts.act({ caller, corrId: ctx.corrId, signal: ctx.signal });
  await maker.call(DryRun, { recipe: changed.text, input: work.input, allow: work.allow });
  await ctx.emit(RecipeAdopted, { name: input.name, recipe: changed.text, digest: changed.digest });
  return { name: input.name, digest: changed.digest };
}
