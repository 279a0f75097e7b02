/** Budgets: ceilings on what agents may use up, held before the act. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";

export const units = ["calls", "tokens", "microUsd", "bytesOut", "bytesWritten", "milliseconds"] as const;
export const windows = ["minute", "hour", "day", "week", "month", "run"] as const;
export const subjectKinds = ["person", "agent", "plugin", "node", "project", "host"] as const;

const AllowanceId = Type.String({ minLength: 1, maxLength: 64 });
const Amount = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const Terms = closed({
  unit: oneOf(units),
  limit: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "In units; money in millionths." }),
  window: oneOf(windows, "Days begin at midnight UTC, weeks on Monday; `run` lasts as long as one episode."),
  tool: Type.Optional(Type.String({ maxLength: 200, description: "Gate key, or its beginning with `*`." })),
  subject: Type.Optional(closed({ kind: oneOf(subjectKinds), id: Type.String({ minLength: 1, maxLength: 300 }) })),
});
export type Terms = Static<typeof Terms>;

export const Allowance = closed({
  allowanceId: AllowanceId,
  text: Type.String({ maxLength: 500, description: "The allowance as it was written." }),
  ...Terms.properties,
  createdAtMs: EpochMs,
  createdBy: Type.String(),
});
export type Allowance = Static<typeof Allowance>;

/** How much of an allowance is used in one window, or by one episode. */
export const Use = closed({
  allowanceId: AllowanceId,
  episode: Type.Optional(Type.String({ description: "For allowances per run." })),
  window: Type.Integer({ description: "Number of the window, counted from 1970." }),
  used: Amount,
  atMs: EpochMs,
});
export type Use = Static<typeof Use>;

const Charge = {
  allowanceId: AllowanceId,
  episode: Type.Optional(Type.String({ maxLength: 200 })),
  window: Type.Integer(),
  amount: Amount,
  tool: Type.String({ maxLength: 200 }),
};
export const AllowanceGranted = event({
  kind: "budgets.allowance.granted",
  about: "A person set a ceiling.",
  data: closed({ allowanceId: AllowanceId, text: Type.String({ maxLength: 500 }), ...Terms.properties }),
});
export const AllowanceRevoked = event({
  kind: "budgets.allowance.revoked",
  about: "A ceiling is gone.",
  data: closed({ allowanceId: AllowanceId }),
});
export const BudgetCharged = event({
  kind: "budgets.charged",
  about: "The most that a call can use was taken from an allowance, before the call ran.",
  data: closed(Charge),
});
export const BudgetRefunded = event({
  kind: "budgets.refunded",
  about: "A call used less than the most it could, and the rest is free again.",
  data: closed(Charge),
});
export const LimitNear = event({
  kind: "budgets.limit.neared",
  about: "Four fifths of an allowance are used.",
  data: closed({ ...Charge, limit: Amount, used: Amount }),
});
export const LimitReached = event({
  kind: "budgets.limit.reached",
  about: "A call was refused because an allowance is used up.",
  data: closed({ ...Charge, limit: Amount, used: Amount }),
});

export const BadAllowance = problem({
  code: "budgets.bad-allowance",
  status: 400,
  title: "Not an allowance",
  about:
    "An allowance is an amount, a unit, a window, and perhaps a tool and whom it is for: `1 USD/day`, `20 calls/hour web.fetch`, `5 MB written/run for agent:scout`.",
});
export const TooManyAllowances = problem({
  code: "budgets.too-many-allowances",
  status: 409,
  title: "Too many allowances",
  about: "The hub keeps 500 allowances. Remove one that is not needed any more: `arw allowances rm ID`.",
});

export const Allow = op({
  id: "budgets.allow",
  http: "POST /budgets/allow",
  cli: "allow <allowance>",
  effect: "write",
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Set a ceiling, such as `1 USD/day` or `20 calls/hour web.fetch`.",
  input: closed({
    allowance: Type.Array(Type.String({ minLength: 1, maxLength: 500 }), {
      minItems: 1,
      maxItems: 12,
      description: "The words of one allowance, together or apart.",
    }),
  }),
  output: Allowance,
  problems: [BadAllowance, TooManyAllowances],
  emits: [AllowanceGranted],
});
export const Revoke = op({
  id: "budgets.revoke",
  http: "DELETE /budgets/{allowanceId}",
  cli: "allowances rm <allowanceId>",
  effect: "destroy",
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Remove a ceiling.",
  input: closed({ allowanceId: AllowanceId }),
  output: Allowance,
  problems: [NotFound],
  emits: [AllowanceRevoked],
});
export const Left = closed({
  allowanceId: AllowanceId,
  text: Allowance.properties.text,
  used: Amount,
  left: Amount,
  resetsAtMs: Type.Union([EpochMs, Type.Null()], { description: "Null for allowances per run." }),
  ...Terms.properties,
  createdAtMs: EpochMs,
  createdBy: Type.String(),
});
export type Left = Static<typeof Left>;
export const List = op({
  id: "budgets.list",
  http: "GET /budgets",
  cli: "allowances",
  effect: "read",
  about: "List every ceiling with what is used and left of it now.",
  input: closed({}),
  output: closed({ allowances: Type.Array(Left) }),
});
