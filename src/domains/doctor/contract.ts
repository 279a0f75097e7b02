/** Doctor: is everything under the hub sound, and what mends what is not. */
import { op } from "../../contract/operation.ts";
import { closed, oneOf, type Static, Type } from "../../contract/schema.ts";

export const Finding = closed({
  name: Type.String({ maxLength: 100 }),
  level: oneOf(["ok", "warning", "fault"], "A warning wants a look; a fault wants a repair."),
  detail: Type.String({ maxLength: 2000 }),
  repair: Type.Union([Type.String({ maxLength: 2000 }), Type.Null()], { description: "What to do about it." }),
});
export type Finding = Static<typeof Finding>;

export const Examine = op({
  id: "doctor.examine",
  http: "GET /doctor",
  // `arw doctor` looks by itself, so that it also works when no hub does.
  cli: "",
  effect: "read",
  about: "Examine store, logs, locks, permissions, clock, disk and versions, and name the repair for what is wrong.",
  input: closed({}),
  output: closed({ ok: Type.Boolean(), findings: Type.Array(Finding) }),
});
