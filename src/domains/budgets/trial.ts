/** Allowances that nobody granted, held against what a run did: what it would have used of them. Writes nothing. */
import { Problem } from "../../contract/problem.ts";
import type { Cost } from "../../contract/operation.ts";
import type { BudgetCall } from "../../kernel/ports.ts";
import { amountOf, amountsAt, chargesOf, isLetThrough, pricedBy } from "./charges.ts";
import { type Allowance, BadAllowance } from "./contract.ts";
import type { PriceBook } from "./price-book.ts";
import { parseAllowance } from "./syntax.ts";
import { exceeded, type Taken, takenOf } from "./taking.ts";
import { createUses } from "./uses.ts";

export interface TrialAllowances {
  /** Takes the most that the call can use, at a moment of the record. Throws `BudgetExceeded` as the corridor would. */
  enter(call: BudgetCall, atMs: number): TrialTaken;
}
export interface TrialTaken {
  /** Gives back what was not used; `null` when nobody can say. */
  settle(spent: Cost | null, durationMs: number): void;
}

export function createTrialAllowances(texts: readonly string[], book: PriceBook): TrialAllowances {
  const allowances = texts.map(trialAllowance);
  const uses = createUses(() => undefined);
  return {
    enter(call, atMs) {
      const charges = chargesOf(allowances, call, pricedBy(book, call.cost, { scope: call.scope, atMs }));
      const wanted = charges.filter((each) => !isLetThrough(each)).map((each) => takenOf(each, call, atMs));
      for (const each of wanted) {
        const left = each.allowance.limit - uses.used(each.use, each.window);
        if (each.amount > left) throw exceeded(each, Math.max(0, left), { call, nowMs: atMs });
      }
      for (const each of wanted) uses.add(each.use, each.window, each.amount);
      return {
        settle: (spent, durationMs) => {
          for (const each of wanted) uses.add(each.use, each.window, usedOf(each, spent, durationMs) - each.amount);
        },
      };
    },
  };
}

function usedOf({ allowance: { unit }, charge, amount }: Taken, spent: Cost | null, durationMs: number): number {
  if (spent === null && unit !== "milliseconds") return amount;
  const used = amountOf(unit, amountsAt(charge.price, spent ?? {}), Math.ceil(durationMs));
  return used === "unknown" ? amount : used;
}

function trialAllowance(text: string, place: number): Allowance {
  const terms = parseAllowance(text);
  if ("fault" in terms) throw new Problem(BadAllowance, `${JSON.stringify(text)}: ${terms.fault}`);
  return { allowanceId: `what-if-${place + 1}`, text, ...terms, createdAtMs: 0, createdBy: "what-if" };
}
