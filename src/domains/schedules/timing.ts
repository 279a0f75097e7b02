/**
 * When a schedule is due next. A pure function of a timing and a moment: time zones come from the machine's zone data by
 * `Intl`, the moment from whoever asks.
 */
import { Problem } from "../../contract/problem.ts";
import { BadTime, type When } from "./contract.ts";

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
const daysPerWeek = 7;
/** Every minute is as often as a folder of files is worth looking at; every year is not a schedule any more. */
const everyMsMin = minuteMs;
const everyMsMax = 366 * dayMs;
/** A week, a day on either side for the zone, and days that a zone left out when it moved across the date line. */
const daysTried = 12;

const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

export type Timing = Exclude<When, { readonly kind: "watch" }>;

export interface TimingWords {
  readonly every?: string;
  readonly at?: string;
  readonly on?: string;
  readonly zone?: string;
}

/** Throws `BadTime` with what is wrong. `fromMs` is what intervals are counted from. */
export function readTiming({ every, at, on, zone = "UTC" }: TimingWords, fromMs: number): Timing {
  if (every === undefined) throw bad("it is not said when: add --every day --at 07:30, or --watch FOLDER");
  if (every !== "day" && every !== "week") {
    if (at !== undefined || on !== undefined) throw bad(`at and on go with every day or week, not with ${every}`);
    return { kind: "interval", everyMs: intervalMs(every), fromMs };
  }
  if (at === undefined) throw bad(`every ${every} needs a time: --at 07:30`);
  if (every === "day" && on !== undefined) throw bad("on goes with every week: --every week --on mon,thu");
  if (every === "week" && on === undefined) throw bad("every week needs its days: --on mon,thu");
  return {
    kind: "days",
    days: on === undefined ? [0, 1, 2, 3, 4, 5, 6] : daysIn(on),
    atMinute: minuteIn(at),
    zone: zoneIn(zone),
  };
}

const bad = (detail: string): Problem => new Problem(BadTime, detail);

function intervalMs(every: string): number {
  const [, count = "", unit = ""] = every === "hour" ? ["", "1", "h"] : (/^(\d{1,6})(m|h|d)$/u.exec(every) ?? []);
  const everyMs = Number(count) * ({ m: minuteMs, h: hourMs, d: dayMs }[unit] ?? 0);
  if (everyMs >= everyMsMin && everyMs <= everyMsMax) return everyMs;
  throw bad(`every ${every} is not understood: write 15m, 6h, hour, day or week`);
}

function minuteIn(at: string): number {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/u.exec(at) ?? [];
  if (hours === undefined) throw bad(`at ${at} is no time of day: write 07:30`);
  return Number(hours) * 60 + Number(minutes);
}

function daysIn(on: string): number[] {
  const days = on.split(",").map((word) => {
    const day = dayNames.findIndex((name) => name === word.trim().toLowerCase());
    if (day < 0) throw bad(`on ${word} is no day: write ${dayNames.join(", ")}`);
    return day;
  });
  return [...new Set(days)].toSorted((one, other) => one - other);
}

function zoneIn(zone: string): string {
  try {
    return formatterOf(zone).resolvedOptions().timeZone;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw bad(`there is no time zone ${zone}: write a name such as Europe/Vienna`);
  }
}

export function timingWords(timing: Timing): string {
  if (timing.kind === "interval") return `every ${durationWords(timing.everyMs)}`;
  const { days, atMinute, zone } = timing;
  const at = `${two(Math.floor(atMinute / 60))}:${two(atMinute % 60)}`;
  const which = days.length === daysPerWeek ? "every day" : `every ${days.map((day) => dayNames[day]).join(", ")}`;
  return `${which} at ${at} (${zone})`;
}

const two = (number: number): string => String(number).padStart(2, "0");

function durationWords(everyMs: number): string {
  for (const [unitMs, noun] of [[dayMs, "day"] as const, [hourMs, "hour"] as const, [minuteMs, "minute"] as const])
    if (everyMs % unitMs === 0) return everyMs === unitMs ? noun : `${everyMs / unitMs} ${noun}s`;
  return `${everyMs / minuteMs} minutes`;
}

/**
 * The first time after `afterMs`. A time of day that a zone leaves out is the moment as long after the leap as it would have
 * been without it; one that comes twice is its first.
 */
export function nextTime(timing: Timing, afterMs: number): number {
  if (timing.kind === "interval") {
    const { everyMs, fromMs } = timing;
    return fromMs + (Math.max(0, Math.floor((afterMs - fromMs) / everyMs)) + 1) * everyMs;
  }
  const { days, atMinute, zone } = timing;
  const midnight = Math.floor((afterMs + offsetMs(zone, afterMs)) / dayMs) * dayMs;
  for (let day = -1; day < daysTried; day += 1) {
    const local = midnight + day * dayMs;
    if (!days.includes(new Date(local).getUTCDay())) continue;
    const time = instantOf(zone, local + atMinute * minuteMs);
    if (time > afterMs) return time;
  }
  throw new RangeError("a week has a day of every name");
}

/** How many times lie in `(afterMs, toMs]`, the newest of them, and the first one behind. */
export function timesBetween(
  timing: Timing,
  { afterMs, toMs, max }: { readonly afterMs: number; readonly toMs: number; readonly max: number },
) {
  if (timing.kind === "interval") return intervalsBetween(timing, { afterMs, toMs, max });
  const newest: number[] = [];
  let count = 0;
  let next = nextTime(timing, afterMs);
  // A hub that was off for a century has 36,525 of them.
  while (next <= toMs) {
    count += 1;
    newest.push(next);
    if (newest.length > max) newest.shift();
    next = nextTime(timing, next);
  }
  return { count, newest, next };
}

function intervalsBetween(
  timing: Extract<Timing, { readonly kind: "interval" }>,
  { afterMs, toMs, max }: { readonly afterMs: number; readonly toMs: number; readonly max: number },
) {
  const first = nextTime(timing, afterMs);
  const next = nextTime(timing, Math.max(afterMs, toMs));
  const count = Math.max(0, (next - first) / timing.everyMs);
  const told = Math.min(count, max);
  return { count, newest: Array.from({ length: told }, (_, index) => next - (told - index) * timing.everyMs), next };
}

/** The moment at which clocks of the zone show this local time, which is written as if it were UTC. */
function instantOf(zone: string, local: number): number {
  const before = offsetMs(zone, local - dayMs);
  const after = offsetMs(zone, local + dayMs);
  const candidates = [...new Set([before, after])]
    .map((offset) => local - offset)
    .toSorted((one, other) => one - other);
  return candidates.find((time) => time + offsetMs(zone, time) === local) ?? local - before;
}

const formatters = new Map<string, Intl.DateTimeFormat>();
/** There are about 600 zones. */
const formattersMax = 1000;

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const fields = {
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  } as const;
  const made = new Intl.DateTimeFormat("en-US", { ...fields, timeZone: zone, hourCycle: "h23", calendar: "gregory" });
  if (formatters.size < formattersMax) formatters.set(zone, made);
  return made;
}

/** What local clocks are ahead of UTC at this moment. */
function offsetMs(zone: string, timeMs: number): number {
  const whole = Math.floor(timeMs / 1000) * 1000;
  const at: Record<string, number> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(whole)) at[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = at;
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}
