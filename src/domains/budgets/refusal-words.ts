/** What a person reads of an allowance that stands in a call's way. */
import type { BudgetCall } from "../../kernel/ports.ts";
import type { Charge } from "./charges.ts";
import { amountText } from "./syntax.ts";

/** The most that the call can use; money with the price that it was made by. */
export const wantText = ({ allowance, amount, price }: Charge): string =>
  amount === "unknown"
    ? "nobody knows how much"
    : `${amountText(allowance.unit, amount)}${price === null ? "" : ` by the price at ${price.place}`}`;

export function unpricedText({ allowance }: Charge, { key, scope }: Pick<BudgetCall, "key" | "scope">): string {
  const what = scope.model === undefined ? key : `${scope.model}${scope.host === undefined ? "" : ` at ${scope.host}`}`;
  return `nobody knows the price of ${what}, and ${allowance.text} is a ceiling in money`;
}

/** The nearest change that would let the call pass. */
export function nextFor({ allowance, amount }: Charge, retryAfterMs: number | null): string {
  const remove = `arw allowances rm ${allowance.allowanceId}`;
  if (amount === "unknown")
    return `write the price into a list (arw prices --template), or allow unknown prices: ${remove}, then arw allow ${allowance.text} --unknown allow`;
  return retryAfterMs === null
    ? `set a larger allowance in place of this one: ${remove}`
    : `wait for the next window, or set a larger allowance in place of this one: ${remove}`;
}
