import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Now, UnknownZone, weekdays } from "./contract.ts";

/** `zone` is that of the machine. Asked for when it is needed: to find it loads the tables of all zones. */
export const createTime = ({ zone: own }: { readonly zone: () => string }): Domain => ({
  name: "time",
  operations: [bind(Now, ({ zone = own() }, ctx) => timeIn(zone, ctx.now()))],
  events: [],
  views: [],
});

const secondMs = 1000;
const minuteMs = 60_000;
const hourMinutes = 60;
const daysOfWeek = 7;

export function timeIn(zone: string, epochMs: number): Static<typeof Now.output> {
  const wallMs = wallOf(zone, epochMs);
  const wall = new Date(wallMs);
  const offsetMinutes = Math.round((wallMs - Math.floor(epochMs / secondMs) * secondMs) / minuteMs);
  const [date = ""] = wall.toISOString().split("T");
  const weekday = weekdays[(wall.getUTCDay() + daysOfWeek - 1) % daysOfWeek] ?? weekdays[0];
  return {
    iso: `${wall.toISOString().slice(0, -".000Z".length)}${offsetText(offsetMinutes)}`,
    date,
    weekday,
    zone,
    epochMs,
  };
}

/** The clock on the wall there, as if it were UTC. */
function wallOf(zone: string, epochMs: number): number {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(epochMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
}

function formatOf(zone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch (cause) {
    throw new Problem(UnknownZone, `there is no time zone ${zone}`, {
      next: "name one as Europe/Berlin or UTC",
      cause,
    });
  }
}

function offsetText(minutes: number): string {
  const of = (count: number): string => String(Math.floor(count)).padStart(2, "0");
  const distance = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${of(distance / hourMinutes)}:${of(distance % hourMinutes)}`;
}
