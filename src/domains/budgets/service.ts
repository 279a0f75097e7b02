/** Holds calls to their allowances: takes the most they can use before they run, and gives the rest back afterwards. */
import { type Caller, matchesKey } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context, type Cost } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { BudgetExceeded, NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { ExplainStage, Question, StageAnswer } from "../policy/contract.ts";
import type { Budget, BudgetCall, Clock, Reservation } from "../../kernel/ports.ts";
import {
  Allow,
  type Allowance,
  AllowanceGranted,
  AllowanceRevoked,
  BadAllowance,
  BudgetCharged,
  BudgetRefunded,
  type Left,
  LimitNear,
  LimitReached,
  List,
  Revoke,
  TooManyAllowances,
} from "./contract.ts";
import { createUses, type Uses } from "./uses.ts";
import { amountText, parseAllowance } from "./syntax.ts";
import { allowances as view, allowancesMax, budgetUses } from "./views.ts";
import { windowAt } from "./windows.ts";

interface BudgetsDeps {
  readonly parts: KernelParts;
  readonly clock: Clock;
}

export interface Budgets {
  readonly domain: Domain;
  readonly port: Budget;
  /** What would stand in a call's way, without taking anything. */
  readonly explain: ExplainStage;
}

export function createBudgets({ parts, clock }: BudgetsDeps): Budgets {
  // Read anew whenever one was granted or revoked, which is rare; asked for every call.
  let known: readonly Allowance[] | null = null;
  const all = (): readonly Allowance[] => {
    known ??= parts.kernel.views.list(view, { limit: allowancesMax }).rows.map((each) => each.row);
    return known;
  };
  const uses = createUses((key) => parts.kernel.views.get(budgetUses, key));
  return {
    explain: { name: "budget", explain: (question) => explain(question, all(), uses) },
    port: {
      reserve(call) {
        const asked = all();
        if (asked.length === 0) return null;
        const charges = chargesOf(asked, call);
        return charges.length === 0 ? null : take(charges, { call, parts, clock, uses });
      },
    },
    domain: {
      name: "budgets",
      operations: [
        bind(Allow, (input, ctx) => allow(input.allowance.join(" "), { ctx, parts })),
        bind(Revoke, ({ allowanceId }, ctx) => revoke(allowanceId, { ctx, parts, uses })),
        bind(List, (_input, ctx) => ({ allowances: all().map((each) => leftOf(each, uses, ctx.now())) })),
      ],
      events: [AllowanceGranted, AllowanceRevoked, BudgetCharged, BudgetRefunded, LimitNear, LimitReached],
      views: [view, budgetUses],
      start() {
        parts.kernel.views.onChange(view.name, () => {
          known = null;
        });
        return Promise.resolve();
      },
    },
  };
}

/** An allowance per run is not asked about: nobody knows which run it would be. */
function explain(
  { operation, key, caller, input, scope, atMs }: Question,
  allowances: readonly Allowance[],
  uses: Uses,
): readonly StageAnswer[] {
  if (operation === null || operation.isPublic || caller.kind === "system") return [];
  const cost = input === undefined ? {} : (operation.cost?.(input as never) ?? {});
  const durationMsMax = operation.deadlineMs ?? null;
  const lasting = allowances.filter((each) => each.window !== "run");
  return chargesOf(lasting, { key, caller, scope, corrId: "", cost, durationMsMax }).flatMap(
    ({ allowance, amount }): StageAnswer[] => {
      const { left, resetsAtMs } = leftOf(allowance, uses, atMs);
      const answer = { stage: "budget", key, rule: allowance.allowanceId, source: allowance.text };
      const has = `${amountText(allowance.unit, left)} left of ${allowance.text}`;
      if (amount !== "unknown" && amount <= left) return [{ ...answer, verdict: "pass", reason: has }];
      const reason =
        amount === "unknown"
          ? `nobody knows the price of ${key}`
          : `${key} wants ${amountText(allowance.unit, amount)}, and there is ${has}`;
      const isHelped = amount !== "unknown" && amount <= allowance.limit && resetsAtMs !== null;
      return [
        {
          ...answer,
          verdict: "deny",
          reason,
          next: isHelped
            ? "wait for the next window, or set a larger allowance"
            : "set a larger allowance, or remove this one",
          ...(isHelped ? { retryAfterMs: Math.max(0, resetsAtMs - atMs) } : {}),
        },
      ];
    },
  );
}

interface Asking {
  readonly ctx: Context;
  readonly parts: KernelParts;
}

async function allow(text: string, { ctx, parts }: Asking): Promise<Allowance> {
  const terms = parseAllowance(text);
  if ("fault" in terms) throw new Problem(BadAllowance, `${JSON.stringify(text)}: ${terms.fault}`);
  if (parts.kernel.views.list(view, { limit: allowancesMax }).rows.length >= allowancesMax)
    throw new Problem(TooManyAllowances, `there are ${allowancesMax} allowances already`);
  const allowanceId = ctx.id();
  await ctx.emit(AllowanceGranted, { allowanceId, text, ...terms });
  return parts.kernel.views.get(view, allowanceId) as Allowance;
}

async function revoke(allowanceId: string, { ctx, parts, uses }: Asking & { readonly uses: Uses }): Promise<Allowance> {
  const known = parts.kernel.views.get(view, allowanceId);
  if (known === undefined) throw new Problem(NotFound, `there is no allowance ${allowanceId}`);
  await ctx.emit(AllowanceRevoked, { allowanceId });
  uses.forget(allowanceId);
  return known;
}

function leftOf(allowance: Allowance, uses: Uses, nowMs: number): Left {
  const at = windowAt(allowance.window, nowMs);
  const used = at === null ? 0 : uses.used({ allowanceId: allowance.allowanceId }, at.window);
  return { ...allowance, used, left: Math.max(0, allowance.limit - used), resetsAtMs: at?.endsAtMs ?? null };
}

interface Charge {
  readonly allowance: Allowance;
  readonly amount: number | "unknown";
}

/** Money and tokens count whoever spends them; calls, time and bytes of a person only where the allowance names the person. */
function concerns({ tool, subject, unit }: Allowance, { key, caller, scope }: BudgetCall): boolean {
  if (tool !== undefined && !matchesKey(tool, key)) return false;
  if (subject === undefined) return unit === "microUsd" || unit === "tokens" || caller.kind !== "person";
  if (subject.kind === "project") return scope.project === subject.id;
  if (subject.kind === "host") return scope.host === subject.id || scope.host?.replace(/:\d+$/, "") === subject.id;
  return caller.kind === subject.kind && caller.id === subject.id;
}

function amountOf(unit: Allowance["unit"], cost: Cost, durationMs: number | null): number | "unknown" {
  if (unit === "calls") return 1;
  if (unit === "milliseconds") return durationMs ?? 0;
  return cost[unit] ?? 0;
}

const chargesOf = (allowances: readonly Allowance[], call: BudgetCall): readonly Charge[] =>
  allowances
    .filter((each) => concerns(each, call))
    .map((allowance) => ({ allowance, amount: amountOf(allowance.unit, call.cost, call.durationMsMax) }))
    .filter(({ amount }) => amount !== 0);

interface Taking {
  readonly call: BudgetCall;
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly uses: Uses;
}

interface Taken {
  readonly allowance: Allowance;
  readonly amount: number;
  readonly use: { readonly allowanceId: string; readonly episode?: string };
  readonly window: number;
}

/** From all of them in one turn, or from none. */
async function take(charges: readonly Charge[], taking: Taking): Promise<Reservation> {
  const { call, parts, clock, uses } = taking;
  const nowMs = clock.nowMs();
  const actor = parts.act({ caller: bare(call.caller), corrId: call.corrId });
  const wanted = charges.map(({ allowance, amount }) => takenOf(allowance, amount, { call, nowMs }));
  for (const each of wanted) {
    const used = uses.used(each.use, each.window);
    const left = each.allowance.limit - used;
    if (each.amount <= left) continue;
    await actor.emit(LimitReached, { ...chargeData(each, call), limit: each.allowance.limit, used });
    throw exceeded(each, Math.max(0, left), { call, nowMs });
  }
  const before = wanted.map((each) => uses.used(each.use, each.window));
  for (const each of wanted) uses.add(each.use, each.window, each.amount);
  try {
    await Promise.all(wanted.map((each) => actor.emit(BudgetCharged, chargeData(each, call))));
  } catch (error) {
    for (const each of wanted) uses.add(each.use, each.window, -each.amount);
    throw error;
  }
  await warn(wanted, before, { ...taking, nowMs });
  return { settle: (spent, durationMs) => settle(wanted, { spent, durationMs, taking }) };
}

const bare = ({ kind, id }: Caller): Caller => ({ kind, id });

function takenOf(
  allowance: Allowance,
  amount: number | "unknown",
  { call, nowMs }: { call: BudgetCall; nowMs: number },
): Taken {
  const { allowanceId } = allowance;
  const at = windowAt(allowance.window, nowMs);
  if (amount === "unknown") {
    throw new Problem(
      BudgetExceeded,
      `nobody knows the price of ${call.key}, and ${allowance.text} is a ceiling in money`,
      {
        allowance: allowance.text,
        rule: allowanceId,
        wanted: "unknown",
      },
    );
  }
  return {
    allowance,
    amount,
    use: at === null ? { allowanceId, episode: call.corrId } : { allowanceId },
    window: at?.window ?? 0,
  };
}

const chargeData = ({ use, window, amount }: Taken, { key }: BudgetCall) => ({ ...use, window, amount, tool: key });

function exceeded(
  { allowance, amount }: Taken,
  left: number,
  { call, nowMs }: { readonly call: BudgetCall; readonly nowMs: number },
): Problem {
  const at = windowAt(allowance.window, nowMs);
  const has = `${amountText(allowance.unit, left)} left of ${allowance.text}`;
  return new Problem(BudgetExceeded, `${call.key} can use ${amountText(allowance.unit, amount)}, and there is ${has}`, {
    allowance: allowance.text,
    rule: allowance.allowanceId,
    left,
    wanted: amount,
    // An allowance that is smaller than the call never has enough, and one per run ends with the run.
    ...(at === null || amount > allowance.limit ? {} : { retryAfterMs: at.endsAtMs - nowMs }),
  });
}

/** Above this part of an allowance its person is told, once per window. */
const nearPart = 0.8;

async function warn(
  wanted: readonly Taken[],
  before: readonly number[],
  { call, parts, uses }: Taking & { readonly nowMs: number },
): Promise<void> {
  const actor = parts.act({ caller: bare(call.caller), corrId: call.corrId });
  for (const [place, each] of wanted.entries()) {
    const used = uses.used(each.use, each.window);
    const near = each.allowance.limit * nearPart;
    if (used >= near && (before[place] ?? 0) < near)
      await actor.emit(LimitNear, { ...chargeData(each, call), limit: each.allowance.limit, used });
  }
}

interface Settling {
  readonly spent: Cost | null;
  readonly durationMs: number;
  readonly taking: Taking;
}

async function settle(taken: readonly Taken[], { spent, durationMs, taking }: Settling): Promise<void> {
  const { call, parts, uses } = taking;
  const actor = parts.act({ caller: bare(call.caller), corrId: call.corrId });
  const refunds = taken.flatMap((each): readonly Taken[] => {
    const { unit } = each.allowance;
    if (spent === null && unit !== "milliseconds") return [];
    const used = amountOf(unit, spent ?? {}, Math.ceil(durationMs));
    const rest = used === "unknown" ? 0 : each.amount - used;
    return rest > 0 ? [{ ...each, amount: rest }] : [];
  });
  if (refunds.length === 0) return;
  await Promise.all(refunds.map((each) => actor.emit(BudgetRefunded, chargeData(each, call))));
  for (const each of refunds) uses.add(each.use, each.window, -each.amount);
}
