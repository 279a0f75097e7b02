import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "vitest";
import { isProblem } from "../../contract/problem.ts";
import { nextTime, readTiming, timesBetween, type Timing, timingWords } from "./timing.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;
const runs = { numRuns: Math.min(60, fc.readConfigureGlobal().numRuns ?? 60) };
const at = (text: string): number => Date.parse(text);
const iso = (timeMs: number): string => new Date(timeMs).toISOString();
const daily = (time: string, zone: string): Timing => readTiming({ every: "day", at: time, zone }, 0);

/** Zones with odd offsets, odd leaps, leaps of half an hour, at midnight, and over the date line. */
const zones = [
  "UTC",
  "Europe/Vienna",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "America/Havana",
  "Pacific/Apia",
  "Africa/Casablanca",
  "America/St_Johns",
  "Asia/Tehran",
];
const moments = fc.integer({ min: at("2005-01-01"), max: at("2035-01-01") });
const timings = fc.oneof(
  fc
    .record({ everyMinutes: fc.integer({ min: 1, max: 100_000 }), fromMs: moments })
    .map(({ everyMinutes, fromMs }): Timing => ({ kind: "interval", everyMs: everyMinutes * minuteMs, fromMs })),
  fc
    .record({
      zone: fc.constantFrom(...zones),
      atMinute: fc.integer({ min: 0, max: 1439 }),
      days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
    })
    .map((parts): Timing => ({ kind: "days", ...parts })),
);

/** What clocks of the zone show, read in another way than the code does. */
function localOf(timeMs: number, zone: string): { readonly minute: number; readonly weekday: string } {
  const options = { timeZone: zone, hour: "2-digit", minute: "2-digit", weekday: "short", hourCycle: "h23" } as const;
  const text = new Intl.DateTimeFormat("en-GB", options).format(timeMs);
  const [, weekday = "", hour = "", minute = ""] = /(\w{3}).*?(\d\d):(\d\d)/u.exec(text) ?? [];
  return { minute: Number(hour) * 60 + Number(minute), weekday };
}
const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

describe("the next time", () => {
  test("lies behind the moment, and nothing lies in between", () => {
    fc.assert(
      fc.property(timings, moments, fc.double({ min: 0, max: 0.999, noNaN: true }), (timing, afterMs, part) => {
        const next = nextTime(timing, afterMs);
        assert.ok(next > afterMs);
        const between = Math.floor(afterMs + (next - afterMs) * part);
        assert.equal(nextTime(timing, between), next);
        assert.equal(nextTime(timing, next - 1), next);
        assert.ok(nextTime(timing, next) > next);
      }),
      runs,
    );
  });

  test("shows the day and the time that were asked for, unless the zone leaves that time out", () => {
    fc.assert(
      fc.property(timings, moments, (timing, afterMs) => {
        if (timing.kind === "interval") return;
        const next = nextTime(timing, afterMs);
        const local = localOf(next, timing.zone);
        const before = localOf(next - 3 * 3_600_000, timing.zone).minute;
        const isWhole = (local.minute - before + 1440) % 1440 === 180;
        // No leap in the hours before: then it is the very minute.
        if (isWhole) assert.equal(local.minute, timing.atMinute);
        if (isWhole) assert.ok(timing.days.includes(weekdays.indexOf(local.weekday)));
      }),
      runs,
    );
  });

  test("comes within a day of every day, whatever the zone does", () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 1439 }), moments, (zone, atMinute, afterMs) => {
        const timing: Timing = { kind: "days", days: [0, 1, 2, 3, 4, 5, 6], atMinute, zone };
        // One leap makes a day at most an hour longer, and crossing the date line leaves one out.
        assert.ok(nextTime(timing, afterMs) - afterMs <= 2 * dayMs + 3_600_000);
      }),
      runs,
    );
  });

  test("a time that the zone leaves out is as much later, and one that comes twice is the first", () => {
    const leap = daily("02:30", "Europe/Vienna");
    assert.equal(iso(nextTime(leap, at("2026-03-28T12:00:00Z"))), "2026-03-29T01:30:00.000Z");
    assert.equal(iso(nextTime(leap, at("2026-03-29T01:30:00Z"))), "2026-03-30T00:30:00.000Z");
    assert.equal(iso(nextTime(leap, at("2026-10-24T12:00:00Z"))), "2026-10-25T00:30:00.000Z");
    assert.equal(iso(nextTime(leap, at("2026-10-25T00:30:00Z"))), "2026-10-26T01:30:00.000Z");
  });

  test("a day that a zone never had is left out", () => {
    const samoa = daily("07:30", "Pacific/Apia");
    assert.equal(iso(nextTime(samoa, at("2011-12-29T20:00:00Z"))), "2011-12-30T17:30:00.000Z");
    assert.equal(iso(nextTime(samoa, at("2011-12-30T17:30:00Z"))), "2011-12-31T17:30:00.000Z");
  });
});

test("times that passed are counted, and the newest are told", () => {
  fc.assert(
    fc.property(timings, moments, fc.integer({ min: 0, max: 40 * dayMs }), (timing, afterMs, spanMs) => {
      // An interval of a minute has too many times in forty days to walk through here.
      const toMs = afterMs + (timing.kind === "interval" ? Math.min(spanMs, timing.everyMs * 50) : spanMs);
      const walked: number[] = [];
      for (let time = nextTime(timing, afterMs); time <= toMs; time = nextTime(timing, time)) walked.push(time);
      const { count, newest, next } = timesBetween(timing, { afterMs, toMs, max: 20 });
      assert.equal(count, walked.length);
      assert.deepEqual(newest, walked.slice(-20));
      assert.equal(next, nextTime(timing, toMs));
    }),
    runs,
  );
});

test("ten years of minutes are counted at once", () => {
  const timing: Timing = { kind: "interval", everyMs: minuteMs, fromMs: 0 };
  const { count, newest } = timesBetween(timing, { afterMs: 0, toMs: 3650 * dayMs, max: 20 });
  assert.deepEqual([count, newest.length], [3650 * 1440, 20]);
});

test("what a person writes is read, and told back in words", () => {
  const words = (given: Parameters<typeof readTiming>[0]): string => timingWords(readTiming(given, 0));
  assert.equal(words({ every: "day", at: "07:30", zone: "Europe/Vienna" }), "every day at 07:30 (Europe/Vienna)");
  assert.equal(words({ every: "week", at: "18:05", on: "thu, mon,thu" }), "every mon, thu at 18:05 (UTC)");
  assert.equal(words({ every: "hour" }), "every hour");
  assert.equal(words({ every: "90m" }), "every 90 minutes");
  assert.equal(words({ every: "2d" }), "every 2 days");
});

test.each([
  [{}, /when/u],
  [{ every: "day" }, /--at 07:30/u],
  [{ every: "day", at: "7:30" }, /07:30/u],
  [{ every: "day", at: "24:00" }, /no time of day/u],
  [{ every: "day", at: "07:30", on: "mon" }, /--every week/u],
  [{ every: "week", at: "07:30" }, /--on mon,thu/u],
  [{ every: "week", at: "07:30", on: "mon,funday" }, /funday/u],
  [{ every: "day", at: "07:30", zone: "Europe/Atlantis" }, /Europe\/Atlantis/u],
  [{ every: "30s" }, /15m/u],
  [{ every: "0m" }, /15m/u],
  [{ every: "400d" }, /15m/u],
  [{ every: "hour", at: "07:30" }, /day or week/u],
])("%j is no time, and the answer says what would be", (given, words) => {
  assert.throws(
    () => readTiming(given, 0),
    (error: unknown) => isProblem(error) && words.test(error.message),
  );
});
