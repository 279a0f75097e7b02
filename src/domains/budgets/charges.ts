/** Which allowances speak of a call, and how much of each it can use. Takes nothing. */
import { parseModelName } from "../../base/model-name.ts";
import { matchesKey, type Scope } from "../../contract/caller.ts";
import type { Cost } from "../../contract/operation.ts";
import type { Amounts, BudgetCall } from "../../kernel/ports.ts";
import type { Allowance } from "./contract.ts";
import type { PlacedPrice } from "./port.ts";
import { type PriceBook, priceOf } from "./price-book.ts";

/** What a call can use at most, and by which price money was made of its tokens. */
export interface Priced {
  readonly amounts: Amounts;
  readonly price: PlacedPrice | null;
}

export interface Charge {
  readonly allowance: Allowance;
  readonly amount: number | "unknown";
  readonly price: PlacedPrice | null;
}

/** The price is looked up once for a call: what it used in the end is paid by the price that it began with. */
export function pricedBy(book: PriceBook, cost: Cost, { scope, atMs }: { scope: Scope; atMs: number }): Priced {
  const price =
    cost.tokens === undefined || cost.microUsd !== undefined || scope.model === undefined
      ? null
      : book.find(scope.model, scope.host, atMs);
  return { amounts: amountsAt(price, cost), price };
}

export const amountsAt = (price: PlacedPrice | null, cost: Cost): Amounts => ({
  tokens: cost.tokens === undefined ? 0 : cost.tokens.input + cost.tokens.output,
  microUsd: moneyOf(price, cost),
  bytesOut: cost.bytesOut ?? 0,
  bytesWritten: cost.bytesWritten ?? 0,
});

function moneyOf(price: PlacedPrice | null, { tokens, microUsd }: Cost): number | "unknown" {
  if (microUsd !== undefined) return microUsd;
  if (tokens === undefined) return 0;
  return price === null ? "unknown" : priceOf(tokens, price);
}

export const chargesOf = (
  allowances: readonly Allowance[],
  call: BudgetCall,
  { amounts, price }: Priced,
): readonly Charge[] =>
  allowances
    .filter((each) => concerns(each, call) && isCounted(each, call))
    .map((allowance) => ({
      allowance,
      amount: amountOf(allowance.unit, amounts, call.durationMsMax),
      price: allowance.unit === "microUsd" ? price : null,
    }))
    .filter(({ amount }) => amount !== 0);

const isCounted = ({ unit, subject }: Allowance, { part }: BudgetCall): boolean =>
  part === undefined || unit !== "calls" || (part === "connection" && subject?.kind === "host");

/** Money and tokens count whoever spends them; calls, time and bytes of a person only where the allowance names the person. */
export function concerns(
  { tool, subject, unit }: Allowance,
  { key, caller, scope }: Pick<BudgetCall, "key" | "caller" | "scope">,
): boolean {
  if (tool !== undefined && !matchesKey(tool, key)) return false;
  if (subject === undefined) return unit === "microUsd" || unit === "tokens" || caller.kind !== "person";
  if (subject.kind === "project") return scope.project === subject.id;
  if (subject.kind === "host") {
    const host = scope.host ?? (scope.model === undefined ? undefined : parseModelName(scope.model)?.server);
    return host === subject.id || host?.replace(/:\d+$/, "") === subject.id;
  }
  return caller.kind === subject.kind && caller.id === subject.id;
}

export function amountOf(unit: Allowance["unit"], amounts: Amounts, durationMs: number | null): number | "unknown" {
  if (unit === "calls") return 1;
  if (unit === "milliseconds") return durationMs ?? 0;
  return amounts[unit];
}

/** Its person said that what nobody knows the price of may pass, uncounted. */
export const isLetThrough = ({ allowance, amount }: Charge): boolean =>
  amount === "unknown" && allowance.unknown === "allow";

/** Where nothing else is set, four fifths. */
const softPercentDefault = 80;

export const softOf = ({ limit, softPercent = softPercentDefault }: Allowance): number => (limit * softPercent) / 100;
