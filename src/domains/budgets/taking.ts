/** Takes from allowances before a call runs, and gives back what it did not use. */
import type { Caller } from "../../contract/caller.ts";
import type { Cost } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { BudgetExceeded } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { BudgetCall, Clock, Reservation } from "../../kernel/ports.ts";
import { amountOf, amountsAt, type Charge, isLetThrough, softOf } from "./charges.ts";
import { type Allowance, BudgetCharged, BudgetRefunded, LimitNear, LimitReached } from "./contract.ts";
import { nextFor, unpricedText, wantText } from "./refusal-words.ts";
import { amountText } from "./syntax.ts";
import type { Uses } from "./uses.ts";
import { windowAt } from "./windows.ts";

export interface Taking {
  readonly call: BudgetCall;
  readonly parts: KernelParts;
  readonly clock: Pick<Clock, "nowMs">;
  readonly uses: Uses;
}

export interface Taken {
  readonly charge: Charge;
  readonly allowance: Allowance;
  readonly amount: number;
  readonly use: { readonly allowanceId: string; readonly episode?: string };
  readonly window: number;
}

/** From all of them in one turn, or from none. Null when there is nothing to take. */
export function take(charges: readonly Charge[], taking: Taking): null | Promise<Reservation> {
  const counted = charges.filter((each) => !isLetThrough(each));
  return counted.length === 0 ? null : takeAll(counted, taking);
}

async function takeAll(charges: readonly Charge[], taking: Taking): Promise<Reservation> {
  const { call, parts, clock, uses } = taking;
  const nowMs = clock.nowMs();
  const actor = parts.act({ caller: bare(call.caller), corrId: call.corrId });
  const wanted = charges.map((charge) => takenOf(charge, call, nowMs));
  for (const each of wanted) {
    const used = uses.used(each.use, each.window);
    const left = each.allowance.limit - used;
    if (each.amount <= left) continue;
    await actor.emit(LimitReached, limitData(each, call, used));
    throw exceeded(each, Math.max(0, left), { call, nowMs });
  }
  for (const each of wanted) uses.add(each.use, each.window, each.amount);
  try {
    await Promise.all(wanted.map((each) => actor.emit(BudgetCharged, chargeData(each, call))));
  } catch (error) {
    for (const each of wanted) uses.add(each.use, each.window, -each.amount);
    throw error;
  }
  await warn(wanted, taking);
  return { settle: (spent, durationMs) => settle(wanted, { spent, durationMs, taking }) };
}

const bare = ({ kind, id }: Caller): Caller => ({ kind, id });

/** Throws where nobody knows the amount. */
export function takenOf(charge: Charge, call: BudgetCall, nowMs: number): Taken {
  const { allowance, amount } = charge;
  const { allowanceId, text } = allowance;
  if (amount === "unknown")
    throw new Problem(BudgetExceeded, unpricedText(charge, call), {
      allowance: text,
      rule: allowanceId,
      wanted: "unknown",
      next: nextFor(charge, null),
    });
  const { use, window } = placeOf(allowance, call.corrId, nowMs);
  return { charge, allowance, amount, use, window };
}

/** The use of an allowance that a call of this episode counts towards at this moment. */
export function placeOf(
  { allowanceId, window }: Allowance,
  corrId: string,
  nowMs: number,
): Pick<Taken, "use" | "window"> {
  const at = windowAt(window, nowMs);
  return at === null
    ? { use: { allowanceId, episode: corrId }, window: 0 }
    : { use: { allowanceId }, window: at.window };
}

const chargeData = ({ use, window, amount }: Taken, { key }: BudgetCall) => ({ ...use, window, amount, tool: key });

const limitData = (taken: Taken, call: BudgetCall, used: number) => ({
  ...chargeData(taken, call),
  text: taken.allowance.text,
  limit: taken.allowance.limit,
  used,
});

interface Refusing {
  readonly call: BudgetCall;
  readonly nowMs: number;
}

export function exceeded({ charge, allowance, amount }: Taken, left: number, { call, nowMs }: Refusing): Problem {
  const at = windowAt(allowance.window, nowMs);
  // An allowance that is smaller than the call never has enough, and one per run ends with the run.
  const retryAfterMs = at === null || amount > allowance.limit ? null : at.endsAtMs - nowMs;
  const has = `${amountText(allowance.unit, left)} left of ${allowance.text}`;
  return new Problem(BudgetExceeded, `${call.key} can use ${wantText(charge)}, and there is ${has}`, {
    allowance: allowance.text,
    rule: allowance.allowanceId,
    left,
    wanted: amount,
    ...(charge.price === null ? {} : { price: charge.price.place }),
    next: nextFor(charge, retryAfterMs),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  });
}

/** Once in a window: that it was told is kept with what is used. */
async function warn(wanted: readonly Taken[], { call, parts, uses }: Taking): Promise<void> {
  const actor = parts.act({ caller: bare(call.caller), corrId: call.corrId });
  for (const each of wanted) {
    const { allowance, use, window } = each;
    const used = uses.used(use, window);
    if (used < softOf(allowance) || uses.isNear(use, window)) continue;
    uses.setNear(use, window, true);
    try {
      await actor.emit(LimitNear, limitData(each, call, used));
    } catch (error) {
      uses.setNear(use, window, false);
      throw error;
    }
  }
}

interface Settling {
  readonly spent: Cost | null;
  readonly durationMs: number;
  readonly taking: Taking;
}

/** Gives back what was not used. What was used beyond the most that the call said counts, too, whatever is left. */
async function settle(taken: readonly Taken[], { spent, durationMs, taking }: Settling): Promise<void> {
  const { call, parts, clock, uses } = taking;
  const actor = parts.act({ caller: bare(call.caller), corrId: call.corrId });
  const rests = taken.flatMap((each) => {
    const { unit } = each.allowance;
    if (spent === null && unit !== "milliseconds") return [];
    const used = amountOf(unit, amountsAt(each.charge.price, spent ?? {}), Math.ceil(durationMs));
    return used === "unknown" || used === each.amount ? [] : [{ each, rest: each.amount - used }];
  });
  const refunds = rests.filter(({ rest }) => rest > 0).map(({ each, rest }) => ({ ...each, amount: rest }));
  // Counted now: a window that is over counts nothing any more.
  const overruns = rests
    .filter(({ rest }) => rest < 0)
    .map(({ each, rest }) => ({ ...each, amount: -rest, ...placeOf(each.allowance, call.corrId, clock.nowMs()) }));
  if (refunds.length + overruns.length === 0) return;
  await Promise.all([
    ...refunds.map((each) => actor.emit(BudgetRefunded, chargeData(each, call))),
    ...overruns.map((each) => actor.emit(BudgetCharged, chargeData(each, call))),
  ]);
  for (const each of refunds) uses.add(each.use, each.window, -each.amount);
  for (const each of overruns) uses.add(each.use, each.window, each.amount);
}
