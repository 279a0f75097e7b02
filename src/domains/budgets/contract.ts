/** Budgets: ceilings on what agents may use up, held before the act. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";

export const units = ["calls", "tokens", "microUsd", "bytesOut", "bytesWritten", "milliseconds"] as const;
export const windows = ["minute", "hour", "day", "week", "month", "run"] as const;
export const subjectKinds = ["person", "agent", "plugin", "node", "project", "host"] as const;

export const softWays = ["warn", "ask"] as const;
export const unknownWays = ["refuse", "allow"] as const;

const AllowanceId = Type.String({ minLength: 1, maxLength: 64 });
const Amount = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const Terms = closed({
  unit: oneOf(units),
  limit: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "In units; money in millionths." }),
  window: oneOf(windows, "Days begin at midnight UTC, weeks on Monday; `run` lasts as long as one episode."),
  tool: Type.Optional(Type.String({ maxLength: 200, description: "Gate key, or its beginning with `*`." })),
  subject: Type.Optional(closed({ kind: oneOf(subjectKinds), id: Type.String({ minLength: 1, maxLength: 300 }) })),
  softPercent: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 99,
      description: "The soft limit, in percent of the limit; 80 where none is set.",
    }),
  ),
  over: Type.Optional(oneOf(softWays, "What happens over the soft limit; `warn` where nothing is set.")),
  unknown: Type.Optional(
    oneOf(unknownWays, "What happens to a call whose price nobody knows; `refuse` where nothing is set."),
  ),
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
  isNear: Type.Boolean({ description: "The soft limit was reached in this window, and its person was told." }),
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
const Limit = {
  ...Charge,
  text: Type.Optional(Type.String({ maxLength: 500, description: "The allowance as it was written." })),
  limit: Amount,
  used: Amount,
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
  about:
    "A call took from an allowance: the most that it can use, before it ran, or afterwards what it used beyond that.",
  data: closed(Charge),
});
export const BudgetRefunded = event({
  kind: "budgets.refunded",
  about: "A call used less than the most it could, and the rest is free again.",
  data: closed(Charge),
});
export const LimitNear = event({
  kind: "budgets.limit.neared",
  about: "The soft limit of an allowance is reached; told once in a window.",
  data: closed(Limit),
});
export const LimitReached = event({
  kind: "budgets.limit.reached",
  about: "A call was refused because an allowance is used up.",
  data: closed(Limit),
});

export const BadAllowance = problem({
  code: "budgets.bad-allowance",
  status: 400,
  title: "Not an allowance",
  about:
    "An allowance is an amount, a unit, a window, and perhaps a tool and whom it is for: `1 USD/day`, `20 calls/hour web.fetch`, `5 MB written/run for agent:scout`. Only one in money may say what happens to an unknown price.",
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
  isWayOut: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Set a ceiling, such as `1 USD/day` or `20 calls/hour web.fetch`.",
  input: closed({
    allowance: Type.Array(Type.String({ minLength: 1, maxLength: 500 }), {
      minItems: 1,
      maxItems: 12,
      description: "The words of one allowance, together or apart.",
    }),
    soft: Type.Optional(
      Type.String({
        pattern: "^[1-9][0-9]?%?$",
        default: "80%",
        description: "The part from which on its person is told or asked.",
      }),
    ),
    over: Type.Optional(
      oneOf(softWays, "Over the soft limit: `warn` says so once, `ask` holds every further call for a person."),
    ),
    unknown: Type.Optional(
      oneOf(unknownWays, "A call whose price nobody knows: `refuse` it, or `allow` it uncounted. Only of money."),
    ),
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
  isNear: Use.properties.isNear,
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
  isWayOut: true,
  isReadPastRules: true,
  about: "List every ceiling with what is used and left of it now.",
  input: closed({}),
  output: closed({ allowances: Type.Array(Left) }),
});

const UsdPerMillion = Type.Number({ minimum: 0, maximum: 1_000_000 });
/** One table `[[price]]` of a list. */
export const ListedPrice = closed({
  model: Type.String({
    minLength: 1,
    maxLength: 200,
    pattern: "^[^*]*\\*?$",
    description: "Name of the model, or its beginning with `*`.",
  }),
  host: Type.Optional(
    Type.String({ minLength: 1, maxLength: 270, description: "Only at this host; without a port, at any port of it." }),
  ),
  inputUsdPerMillion: UsdPerMillion,
  outputUsdPerMillion: UsdPerMillion,
  cachedInputUsdPerMillion: Type.Optional(UsdPerMillion),
});
export type ListedPrice = Static<typeof ListedPrice>;

const Shown = Type.Union([Type.Number(), Type.Literal("unknown")]);
export const PriceRow = closed({
  model: Type.String(),
  host: Type.Union([Type.String(), Type.Null()], { description: "Null: at every host." }),
  inputUsdPerMillion: Shown,
  outputUsdPerMillion: Shown,
  cachedInputUsdPerMillion: Shown,
  place: Type.Union([Type.String(), Type.Null()], { description: "File and line; null for a model without a price." }),
  sinceMs: Type.Union([EpochMs, Type.Null()], { description: "The moment from which on it counts." }),
  isInForce: Type.Boolean({ description: "False where the list has not begun." }),
});
export type PriceRow = Static<typeof PriceRow>;

const Faults = Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 20 });
const Count = Type.Integer({ minimum: 0 });
export const PricesRead = event({
  kind: "budgets.prices.read",
  about: "The price lists were read anew and count.",
  data: closed({ lists: Count, prices: Count }),
});
export const PricesRefused = event({
  kind: "budgets.prices.refused",
  about: "The price lists were read anew and do not hold; the last good ones go on counting.",
  data: closed({ faults: Faults }),
});
export const InvalidPrices = problem({
  code: "budgets.invalid-prices",
  status: 409,
  title: "The price lists do not hold",
  about:
    "A price list cannot be read or understood. Each fault names its line; the last good lists go on counting, and a hub that starts does not start.",
});
export const Prices = op({
  id: "budgets.prices",
  http: "GET /budgets/prices",
  cli: "prices [model]",
  effect: "read",
  isReadPastRules: true,
  about: "List the prices of models with the file that names each, or tell the price of one model.",
  input: closed({
    model: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: "Only the price of this model." })),
    host: Type.Optional(Type.String({ minLength: 1, maxLength: 270, description: "The price at this host." })),
    template: Type.Optional(Type.Boolean({ description: "A list to fill in, instead of the prices." })),
  }),
  output: closed({
    folder: Type.String({ description: "Where the lists lie." }),
    prices: Type.Array(PriceRow),
    template: Type.Optional(Type.String()),
  }),
});
export const ReloadPrices = op({
  id: "budgets.prices.reload",
  http: "POST /budgets/prices/reload",
  cli: "prices reload",
  effect: "write",
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Read the price lists anew; when they do not hold, the last good ones go on counting.",
  input: closed({}),
  output: closed({ lists: Count, prices: Count }),
  problems: [InvalidPrices],
  emits: [PricesRead, PricesRefused],
});
