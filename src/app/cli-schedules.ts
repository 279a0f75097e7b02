/** How schedules are added on the command line, and how they look there. */
import { formatDurationMs } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { Add, GoOn, List, Pause, Remove, RunNow, type Schedule, ShowSchedule } from "../domains/schedules/contract.ts";
import type { Pen, Style } from "../surfaces/cli/pen.ts";
import type { Input, Terminal } from "../surfaces/cli/port.ts";
import { withText } from "./cli-recipes.ts";

type Paths = Pick<Terminal, "resolvePath">;

/** A time of day is meant as the person's own clock shows it, and paths from where they stand. */
async function prepared(given: Input, terminal: Paths): Promise<Input> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const zone = given["at"] === undefined ? {} : { zone: given["zone"] ?? timeZone };
  const watch = given["watch"] === undefined ? {} : { watch: terminal.resolvePath(textOf(given["watch"])) };
  const input: Input = { ...given, ...zone, ...watch };
  if (input["recipe"] === undefined) return input;
  const file = terminal.resolvePath(textOf(input["recipe"]));
  return { ...(await withText(input, terminal)), file };
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

export const schedulePrepare = { [Add.id]: prepared };

export const scheduleJobsLeft = {
  [RunNow.id]: (output: unknown) => (output as Static<typeof RunNow.output>).episode,
};

const one = (output: unknown, pen: Pen): string => scheduleText(output as Schedule, pen).join("\n");

export const scheduleAnswers = {
  [Add.id]: (output: unknown, pen: Pen) => addedText(output as Static<typeof Add.output>, pen),
  [Pause.id]: one,
  [GoOn.id]: one,
  [RunNow.id]: (output: unknown, pen: Pen) => endText(output as Begun & Partial<Ended>, pen),
  [Remove.id]: (output: unknown, pen: Pen) => `Removed ${pen.safe((output as { readonly name: string }).name)}.`,
  [List.id]: (output: unknown, pen: Pen) => listText((output as Static<typeof List.output>).schedules, pen),
  [ShowSchedule.id]: (output: unknown, pen: Pen) => shownText(output as Static<typeof ShowSchedule.output>, pen),
};

type Begun = Static<typeof RunNow.output>;
/** What recipes and agents have in common at their end. */
interface Ended {
  readonly outcome: string;
  readonly notDone: readonly string[];
}

/** Followed, the command ends with what the run came to; detached, with the run that it began. */
function endText({ name, episode, outcome, notDone = [] }: Begun & Partial<Ended>, pen: Pen): string {
  if (outcome === undefined) return `${pen.safe(name)} begins: \`arw episodes show ${pen.safe(episode)}\``;
  const left = notDone.map((each) => `  Not done: ${pen.safe(each)}`);
  return [`${pen.paint("green", "✓")} ${pen.safe(outcome)}`, ...left].join("\n");
}

const addedText = ({ warnings, ...schedule }: Static<typeof Add.output>, pen: Pen): string =>
  [...scheduleText(schedule, pen), ...warnings.map((each) => `  ${pen.paint("yellow", "!")} ${pen.safe(each)}`)].join(
    "\n",
  );

function listText(schedules: readonly Schedule[], pen: Pen): string {
  if (schedules.length === 0)
    return pen.paint("dim", "No schedules. Add one with `arw schedule add NAME --every day --at 07:30 --recipe FILE`.");
  return schedules.map((each) => scheduleText(each, pen).join("\n")).join("\n\n");
}

const looks: Readonly<Record<Schedule["state"], readonly [glyph: string, style: Style]>> = {
  waiting: ["·", "dim"],
  running: ["▶", "cyan"],
  paused: ["‖", "yellow"],
  missed: ["!", "yellow"],
};

function scheduleText(schedule: Schedule, pen: Pen): readonly string[] {
  const { name, words, what, state, nextDueMs, next } = schedule;
  const [glyph, style] = looks[state];
  const due = nextDueMs === null ? "" : `  next ${pen.timeText(nextDueMs)}`;
  const notes = [lastText(schedule, pen), missedText(schedule, pen), skippedText(schedule, pen)].filter(
    (each) => each !== "",
  );
  return [
    `${pen.paint(style, `${glyph} ${state}`)}  ${pen.paint("bold", pen.safe(name))}  ${pen.safe(words)}${due}`,
    `  ${pen.safe(what)}`,
    ...notes.map((note) => `  ${note}`),
    ...(next === null ? [] : [`  ${pen.paint("dim", `→ ${pen.safe(next)}`)}`]),
  ];
}

function lastText({ last }: Schedule, pen: Pen): string {
  if (last === null) return "";
  const { status, dueMs, endedAtMs, detail, episode } = last;
  const took = endedAtMs === null ? "" : ` after ${formatDurationMs(endedAtMs - dueMs)}`;
  const said = detail === "" ? "" : `: ${pen.safe(detail)}`;
  return `last ${pen.timeText(dueMs)} ${status}${took}${said}  ${pen.paint("dim", `arw episodes show ${pen.safe(episode)}`)}`;
}

function missedText({ missed }: Schedule, pen: Pen): string {
  const newest = missed?.dueMs.at(-1);
  if (missed === null || newest === undefined) return "";
  const times = missed.count === 1 ? "1 time" : `${missed.count} times`;
  return pen.paint("yellow", `missed ${times}, the last ${pen.timeText(newest)}: ${pen.safe(missed.reason)}`);
}

const skippedText = ({ skipped }: Schedule, pen: Pen): string =>
  skipped === null ? "" : pen.paint("yellow", `left out ${pen.timeText(skipped.dueMs)}: ${pen.safe(skipped.reason)}`);

function shownText(shown: Static<typeof ShowSchedule.output>, pen: Pen): string {
  const { work, by, catchesUp, nextTimesMs } = shown;
  const allowed = work.allow.length === 0 ? "nothing that changes something" : work.allow.join(", ");
  const file = work.kind === "recipe" && work.file !== null ? [`  from ${pen.safe(work.file)}, ${work.digest}`] : [];
  const times = nextTimesMs.length === 0 ? [] : [`  then ${nextTimesMs.slice(1).map(pen.timeText).join(", ")}`];
  return [
    ...scheduleText(shown, pen),
    ...file,
    `  runs as ${pen.safe(by)}; allowed without asking: ${pen.safe(allowed)}`,
    ...times,
    ...(catchesUp ? ["  after missed times it runs once as soon as the hub is there"] : []),
  ].join("\n");
}
