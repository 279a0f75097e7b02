/** Schedules: recipes and agents that begin at their times, or when a folder changes, as the person who asked for it. */
import { Caller } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, Digest, EpochMs, FolderPath, oneOf, type Static, Type } from "../../contract/schema.ts";
import { Denied, NotFound } from "../../contract/standard-problems.ts";
import { QueueFull, TaskEnqueued } from "../../contract/task.ts";
import { ShowAgent } from "../agents/contract.ts";
import { List as ListFiles } from "../fs/contract.ts";
import { DryRun, InvalidRecipe, Run as RunRecipe } from "../recipes/contract.ts";

/** More than this nobody oversees; a recipe does several things at one time. */
export const schedulesMax = 200;
/** Missed times that are told one by one; the rest is counted. */
export const missedToldMax = 20;
/** Changes of a folder that are told by name; the rest is counted. */
export const changesToldMax = 50;
const minutesMax = 24 * 60 - 1;

export const ScheduleName = Type.String({
  pattern: "^[a-z0-9][a-z0-9-]{0,59}$",
  description: "Name of the schedule: small letters, digits and dashes.",
});
const Name = closed({ name: ScheduleName });
const DueMs = Type.Integer({ minimum: 0, description: "When it was due: milliseconds since 1970-01-01 UTC." });
const NextDueMs = Type.Union([EpochMs, Type.Null()], { description: "Null while it waits for no time." });
const Zone = Type.String({ maxLength: 64, description: "Time zone by its IANA name, such as `Europe/Vienna`." });

const SettleMs = Type.Integer({
  minimum: 100,
  maximum: 600_000,
  default: 2000,
  description: "How long a watched folder has to be quiet first, milliseconds.",
});

/** When a run is due. Days are counted from Sunday, 0. */
export const When = Type.Union([
  closed({
    kind: oneOf(["interval"]),
    everyMs: Type.Integer({ minimum: 60_000, description: "Milliseconds from one time to the next." }),
    fromMs: EpochMs,
  }),
  closed({
    kind: oneOf(["days"]),
    days: Type.Array(Type.Integer({ minimum: 0, maximum: 6 }), { minItems: 1, maxItems: 7 }),
    atMinute: Type.Integer({ minimum: 0, maximum: minutesMax, description: "Minute of the day, from midnight." }),
    zone: Zone,
  }),
  closed({
    kind: oneOf(["watch"]),
    folder: FolderPath,
    only: Type.Array(Type.String({ maxLength: 300 }), { maxItems: 32 }),
    settleMs: SettleMs,
  }),
]);
export type When = Static<typeof When>;

const Allow = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  maxItems: 32,
  description:
    "Tools that may change things in the folders without asking, such as `fs.write`; kept as they were given.",
});
/** What is run. The text of a recipe is kept: a change of its file changes nothing until a person took it. */
export const Work = Type.Union([
  closed({
    kind: oneOf(["recipe"]),
    recipe: Type.String(),
    digest: Digest,
    file: Type.Union([Type.String({ maxLength: 4096 }), Type.Null()], {
      description: "Where the text came from; looked at before each run.",
    }),
    input: Type.Array(Type.String()),
    allow: Allow,
  }),
  closed({
    kind: oneOf(["agent"]),
    agent: Type.String({ maxLength: 120 }),
    task: Type.String(),
    folder: Type.Union([FolderPath, Type.Null()]),
    allow: Allow,
    tools: Type.Array(Type.String(), {
      description: "Tools that the agent had when this was given; with more than these it does not run.",
    }),
  }),
]);
export type Work = Static<typeof Work>;

/** `starting`: it is decided that it runs, and its task is being written. */
export const lastStatuses = [
  "starting",
  "running",
  "finished",
  "stopped",
  "failed",
  "cancelled",
  "interrupted",
] as const;
const Last = closed({
  dueMs: DueMs,
  episode: CorrelationId,
  status: oneOf(
    lastStatuses,
    "`stopped`: a refusal ended it before its last step; `interrupted`: the end of the hub did, and it can be resumed.",
  ),
  taskId: Type.Union([Type.String(), Type.Null()]),
  detail: Type.String({ description: "What it came to, in words." }),
  endedAtMs: Type.Union([EpochMs, Type.Null()]),
});
const Missed = closed({
  dueMs: Type.Array(DueMs, { maxItems: missedToldMax, description: "The newest of them, oldest first." }),
  count: Type.Integer({ minimum: 1 }),
  reason: Type.String({ maxLength: 300 }),
});
const Skipped = closed({ dueMs: DueMs, reason: Type.String({ maxLength: 500 }) });

export const ScheduleRow = closed({
  name: ScheduleName,
  words: Type.String({ description: "When it runs, in words." }),
  when: When,
  work: Work,
  caller: Caller,
  catchesUp: Type.Boolean(),
  addedAtMs: EpochMs,
  isPaused: Type.Boolean(),
  nextDueMs: NextDueMs,
  last: Type.Union([Last, Type.Null()]),
  missed: Type.Union([Missed, Type.Null()], {
    description: "Times that came and went, until they are made up or let go.",
  }),
  skipped: Type.Union([Skipped, Type.Null()], {
    description: "The newest time that was left out, since the last run.",
  }),
});
export type ScheduleRow = Static<typeof ScheduleRow>;

export const ScheduleAdded = event({
  kind: "schedules.added",
  about: "A person said what is to run when, and with which permissions.",
  data: closed({
    name: ScheduleName,
    words: Type.String({ maxLength: 500 }),
    when: When,
    work: Work,
    caller: Caller,
    catchesUp: Type.Boolean(),
    nextDueMs: NextDueMs,
  }),
});
export const ScheduleRemoved = event({
  kind: "schedules.removed",
  about: "A person took a schedule away.",
  data: Name,
});
export const SchedulePaused = event({
  kind: "schedules.paused",
  about: "A schedule begins nothing until a person lets it go on.",
  data: Name,
});
export const ScheduleContinued = event({
  kind: "schedules.continued",
  about: "A paused schedule goes on.",
  data: closed({ name: ScheduleName, nextDueMs: NextDueMs }),
});
export const ScheduleDue = event({
  kind: "schedules.due",
  about: "The time of a schedule came, or its folder changed, or a person asked: its run is decided, once.",
  data: closed({
    name: ScheduleName,
    dueMs: DueMs,
    episode: CorrelationId,
    nextDueMs: NextDueMs,
    cause: oneOf(["time", "change", "person", "catch-up"]),
    changes: Type.Optional(
      Type.Array(closed({ path: Type.String({ maxLength: 4096 }), kind: oneOf(["added", "changed", "removed"]) }), {
        maxItems: changesToldMax,
      }),
    ),
  }),
});
export const ScheduleSkipped = event({
  kind: "schedules.skipped",
  about: "A time of a schedule was left out, for the reason given.",
  data: closed({
    name: ScheduleName,
    ...Skipped.properties,
    nextDueMs: NextDueMs,
    episode: Type.Optional(CorrelationId),
  }),
});
export const ScheduleMissed = event({
  kind: "schedules.missed",
  about: "Times of a schedule came while the hub was off, asleep or halted; nothing was run for them.",
  data: closed({ name: ScheduleName, ...Missed.properties, nextDueMs: NextDueMs }),
});
export const RecipeAdopted = event({
  kind: "schedules.recipe.adopted",
  about: "A person took over the changed text of a schedule's recipe.",
  data: closed({ name: ScheduleName, recipe: Type.String(), digest: Digest }),
});

export const BadTime = problem({
  code: "schedules.bad-time",
  status: 422,
  title: "Not a time",
  about:
    "What says when is not understood: `every` is `15m`, `hour`, `day` or `week`, `at` is `07:30`, `on` is `mon,thu`, and `zone` is a name such as `Europe/Vienna`.",
});
export const BadSchedule = problem({
  code: "schedules.bad-work",
  status: 422,
  title: "Nothing to run",
  about: "A schedule runs one recipe or one agent with a task, at times or when a folder changes.",
});
export const NameTaken = problem({
  code: "schedules.name-taken",
  status: 409,
  title: "The name is taken",
  about: "A schedule of this name is there. Remove it first, or choose another name.",
});
export const TooManySchedules = problem({
  code: "schedules.too-many",
  status: 409,
  title: "Too many schedules",
  about: "The hub keeps 200 schedules. Remove one that is not needed any more.",
});
export const StillRunning = problem({
  code: "schedules.still-running",
  status: 409,
  title: "It runs already",
  about: "The last run has not ended. `episode` names it; `arw stop EPISODE` ends it.",
});
export const NothingChanged = problem({
  code: "schedules.nothing-changed",
  status: 409,
  title: "Nothing to take over",
  about: "The file of the recipe cannot be read, holds what the schedule runs already, or has changed again meanwhile.",
});
export const FolderTooLarge = problem({
  code: "schedules.folder-too-large",
  status: 422,
  title: "Too many files to watch",
  about: "A watched folder has at most 5000 files. Watch a folder inside it, or run the recipe at times.",
});

export const Schedule = closed({
  name: ScheduleName,
  words: ScheduleRow.properties.words,
  what: Type.String({ description: "What it runs, in words." }),
  state: oneOf(["waiting", "running", "paused", "missed"], "`missed`: a time came and went, and nothing ran since."),
  nextDueMs: NextDueMs,
  last: ScheduleRow.properties.last,
  missed: ScheduleRow.properties.missed,
  skipped: ScheduleRow.properties.skipped,
  next: Type.Union([Type.String(), Type.Null()], { description: "What a person can do about it, as a command." }),
});
export type Schedule = Static<typeof Schedule>;

export const Add = op({
  id: "schedules.add",
  http: "POST /schedules",
  cli: "schedule add <name>",
  effect: "write",
  isForPersons: true,
  about: "Run a recipe or an agent at times, or when a folder changes, with the permissions that you give it now.",
  input: closed({
    name: ScheduleName,
    every: Type.Optional(
      Type.String({ maxLength: 20, description: "`day`, `week`, `hour`, or a time such as `15m`." }),
    ),
    at: Type.Optional(
      Type.String({ maxLength: 5, description: "Time of day, such as `07:30`; with `day` and `week`." }),
    ),
    on: Type.Optional(Type.String({ maxLength: 60, description: "Days of the week, such as `mon,thu`; with `week`." })),
    zone: Type.Optional(Zone),
    watch: Type.Optional(FolderPath),
    only: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 300 }), {
        maxItems: 32,
        description: "Files of the watched folder that count, such as `*.md` or `letters/**`; all of them without it.",
      }),
    ),
    settleMs: Type.Optional(SettleMs),
    recipe: Type.Optional(
      Type.String({ maxLength: 65_536, description: "Text of the recipe; on the command line its file." }),
    ),
    file: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        description: "Absolute path of the recipe, to notice changes of it.",
      }),
    ),
    input: Type.Optional(
      Type.Array(Type.String({ maxLength: 8192 }), {
        maxItems: 8,
        description: "What the recipe is given, as `name=value`.",
      }),
    ),
    agent: Type.Optional(
      Type.String({ minLength: 1, maxLength: 120, description: "Agent to run, in place of a recipe." }),
    ),
    task: Type.Optional(Type.String({ minLength: 1, maxLength: 20_000, description: "What the agent is to do." })),
    folder: Type.Optional(FolderPath),
    allow: Type.Optional(Allow),
    catchUp: Type.Optional(
      Type.Boolean({
        default: false,
        description: "After times that were missed, run once as soon as the hub is there.",
      }),
    ),
  }),
  output: closed({
    ...Schedule.properties,
    warnings: Type.Array(Type.String(), {
      description: "What is not there yet, and has to be when it runs, such as a folder.",
    }),
  }),
  problems: [
    BadTime,
    BadSchedule,
    NameTaken,
    TooManySchedules,
    FolderTooLarge,
    Denied,
    ...new Set([...DryRun.problems, ...ShowAgent.problems, ...ListFiles.problems]),
  ],
  emits: [ScheduleAdded],
});
export const List = op({
  id: "schedules.list",
  http: "GET /schedules",
  cli: "schedule",
  effect: "read",
  isWayOut: true,
  about: "List the schedules: when each is due next, and how its last run ended.",
  input: closed({}),
  output: closed({ schedules: Type.Array(Schedule) }),
});
export const ShowSchedule = op({
  id: "schedules.show",
  http: "GET /schedules/{name}",
  cli: "schedule show <name>",
  effect: "read",
  about: "Show one schedule: what it runs, with which permissions, its next times, and what was missed.",
  input: Name,
  output: closed({
    ...Schedule.properties,
    by: Type.String({ description: "Whose permissions its runs have." }),
    addedAtMs: EpochMs,
    when: When,
    work: Work,
    catchesUp: Type.Boolean(),
    nextTimesMs: Type.Array(EpochMs, {
      maxItems: 5,
      description: "When it is due next, milliseconds since 1970-01-01 UTC.",
    }),
  }),
  problems: [NotFound],
});
const started = { output: closed({ name: ScheduleName, episode: CorrelationId }), emits: [ScheduleDue, TaskEnqueued] };
export const RunNow = op({
  id: "schedules.run",
  http: "POST /schedules/{name}/run",
  cli: "schedule run <name>",
  effect: "write",
  isForPersons: true,
  about: "Run what a schedule runs, now: this also makes up for times that were missed.",
  input: Name,
  ...started,
  emits: [...started.emits, ScheduleSkipped],
  problems: [NotFound, StillRunning, QueueFull],
});
export const Pause = op({
  id: "schedules.pause",
  http: "POST /schedules/{name}/pause",
  cli: "schedule pause <name>",
  effect: "write",
  isForPersons: true,
  isIdempotent: true,
  isWayOut: true,
  isOpenWhenHalted: true,
  about: "Let a schedule begin nothing until you let it go on; a run that goes is not stopped.",
  input: Name,
  output: Schedule,
  problems: [NotFound],
  emits: [SchedulePaused],
});
export const GoOn = op({
  id: "schedules.continue",
  http: "POST /schedules/{name}/go-on",
  cli: "schedule go-on <name>",
  effect: "write",
  isForPersons: true,
  isIdempotent: true,
  about: "Let a paused schedule go on, and let go of times that were missed; nothing is made up.",
  input: Name,
  output: Schedule,
  problems: [NotFound],
  emits: [ScheduleContinued],
});
export const Remove = op({
  id: "schedules.remove",
  http: "DELETE /schedules/{name}",
  cli: "schedule remove <name>",
  effect: "destroy",
  isForPersons: true,
  isIdempotent: true,
  isWayOut: true,
  isOpenWhenHalted: true,
  about: "Take a schedule away; a run that goes is not stopped.",
  input: Name,
  output: Name,
  problems: [NotFound],
  emits: [ScheduleRemoved],
});
/** A schedule asks for this by itself before a run, so it is no operation for persons alone: others are held for their answer. */
export const Adopt = op({
  id: "schedules.adopt",
  http: "POST /schedules/{name}/adopt",
  cli: "schedule adopt <name>",
  effect: "write",
  needs: ["hub:write"],
  about: "Take over the changed file of a schedule's recipe for its next runs, with the permissions that it has.",
  input: closed({
    name: ScheduleName,
    digest: Type.Optional(Digest),
  }),
  output: closed({ name: ScheduleName, digest: Digest }),
  problems: [NotFound, NothingChanged, InvalidRecipe, ...RunRecipe.problems.slice(0, 2)],
  emits: [RecipeAdopted],
});
