/** Time: what the clock says. */
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, oneOf, Type } from "../../contract/schema.ts";

export const weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] as const;

export const UnknownZone = problem({
  code: "time.unknown-zone",
  status: 400,
  title: "No such time zone",
  about: "Time zones have names such as `Europe/Berlin`, `America/New_York` or `UTC`.",
});

export const Now = op({
  id: "time.now",
  http: "GET /time/now",
  cli: "time",
  effect: "read",
  isTool: true,
  about: "Tell the date, the weekday and the time, here or in another time zone.",
  input: closed({
    zone: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 60,
        examples: ["Europe/Berlin"],
        description: "Name of a time zone; that of the hub's machine without it.",
      }),
    ),
  }),
  output: closed({
    iso: Type.String({ description: "Date, time and distance from UTC, as `2026-03-29T03:00:00+02:00`." }),
    date: Type.String({ description: "Year, month and day there." }),
    weekday: oneOf(weekdays),
    zone: Type.String(),
    epochMs: EpochMs,
  }),
  problems: [UnknownZone],
  needs: ["hub:read"],
  labelsOf: () => [],
});
