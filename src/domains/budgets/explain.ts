/** What allowances would say of a call, without taking anything. */
import { isBudgeted, mayBeAsked } from "../../contract/budgeted.ts";
import { deadlineMsOf } from "../../contract/operation.ts";
import type { BudgetCall, Ruling } from "../../kernel/ports.ts";
import type { ExplainStage, Question, StageAnswer } from "../policy/contract.ts";
import { type Charge, chargesOf, isLetThrough, pricedBy, softOf } from "./charges.ts";
import type { Allowance } from "./contract.ts";
import type { PriceBook } from "./price-book.ts";
import { nextFor, unpricedText, wantText } from "./refusal-words.ts";
import { amountText } from "./syntax.ts";
import { placeOf } from "./taking.ts";
import type { Uses } from "./uses.ts";
import { windowAt } from "./windows.ts";

interface Explaining {
  readonly all: () => readonly Allowance[];
  readonly uses: Uses;
  readonly book: PriceBook;
}

const stage = "budget";

export const explainBudget = ({ all, uses, book }: Explaining): ExplainStage => ({
  name: stage,
  explain(question) {
    const { operation, key, caller, input, scope, atMs } = question;
    if (operation === null || !isBudgeted(caller, operation)) return [];
    const cost = input === undefined ? {} : (operation.cost?.(input as never) ?? {});
    const call = { key, caller, scope, corrId: "", cost, durationMsMax: deadlineMsOf(operation) };
    // One per run is not asked about: nobody knows which run it would be.
    const lasting = all().filter((each) => each.window !== "run");
    const charges = chargesOf(lasting, call, pricedBy(book, cost, { scope, atMs }));
    return charges.map((charge) => answerOf(charge, call, { question, uses }));
  },
});

interface Answering {
  readonly question: Question;
  readonly uses: Uses;
}

function answerOf(charge: Charge, call: BudgetCall, { question, uses }: Answering): StageAnswer {
  const { allowance, amount } = charge;
  const { key, operation, caller, atMs } = question;
  const answer = { stage, key, rule: allowance.allowanceId, source: allowance.text };
  if (amount === "unknown") {
    const reason = unpricedText(charge, call);
    return isLetThrough(charge)
      ? { ...answer, verdict: "pass", reason: `${reason} that lets it pass uncounted` }
      : { ...answer, verdict: "deny", reason, next: nextFor(charge, null) };
  }
  const { use, window } = placeOf(allowance, call.corrId, atMs);
  const left = Math.max(0, allowance.limit - uses.used(use, window));
  const has = `there is ${amountText(allowance.unit, left)} left of ${allowance.text}`;
  if (amount > left) {
    const endsAtMs = windowAt(allowance.window, atMs)?.endsAtMs;
    const retryAfterMs = amount > allowance.limit || endsAtMs === undefined ? null : endsAtMs - atMs;
    return {
      ...answer,
      verdict: "deny",
      reason: `${key} wants ${wantText(charge)}, and ${has}`,
      next: nextFor(charge, retryAfterMs),
      ...(retryAfterMs === null ? {} : { retryAfterMs }),
    };
  }
  const asked =
    allowance.over === "ask" && operation !== null && mayBeAsked(caller, operation)
      ? askedBy(charge, call, { uses, atMs })
      : null;
  if (asked !== null) {
    const { rule, source, reason } = asked;
    return { stage, key, verdict: "ask", rule, source, reason, next: "make the call; a person is asked about it" };
  }
  return { ...answer, verdict: "pass", reason: `${key} wants ${wantText(charge)}, and ${has}` };
}

/** Whether the call would pass the soft limit of this allowance, which asks; the hard limit is for the budget stage. */
export function askedBy(
  charge: Charge,
  { key, corrId }: BudgetCall,
  { uses, atMs }: { readonly uses: Uses; readonly atMs: number },
): Omit<Ruling, "effect"> | null {
  const { allowance, amount } = charge;
  const { limit, unit, text, allowanceId } = allowance;
  if (amount === "unknown") return null;
  const { use, window } = placeOf(allowance, corrId, atMs);
  const used = uses.used(use, window);
  const soft = softOf(allowance);
  // What is over the hard limit is refused without bothering anybody.
  if (used + amount <= soft || used + amount > limit) return null;
  const reason = `${key} can use ${wantText(charge)}, ${amountText(unit, used)} of ${text} are used, and above ${amountText(unit, soft)} a person is asked`;
  return { rule: `allowance:${text}`, source: `budgets:${allowanceId}`, reason };
}
