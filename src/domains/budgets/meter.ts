/** What a call would take of which allowances, and what tokens cost. Takes nothing. */
import type { Caller, Scope } from "../../contract/caller.ts";
import { type Cost, deadlineMsOf, gateKey, type Operation, type Tokens } from "../../contract/operation.ts";
import { isBudgeted } from "../../contract/budgeted.ts";
import { type Charge, chargesOf, isLetThrough, pricedBy } from "./charges.ts";
import type { Allowance } from "./contract.ts";
import { type PriceBook, priceOf } from "./price-book.ts";
import { placeOf } from "./taking.ts";
import type { Uses } from "./uses.ts";

export interface MeteredCall {
  readonly operation: Operation;
  readonly caller: Caller;
  readonly corrId: string;
  readonly scope: Scope;
  readonly cost: Cost;
  readonly atMs: number;
}

export interface Metered {
  /** Millionths; null where nobody knows the price. */
  readonly microUsd: number | null;
  /** File and line. */
  readonly price: string | null;
  readonly allowances: readonly {
    readonly allowanceId: string;
    readonly text: string;
    readonly unit: Allowance["unit"];
    readonly wanted: number | null;
    readonly left: number;
    readonly isEnough: boolean;
  }[];
}

export interface Meter {
  read(call: MeteredCall): Metered;
  /** Makes money of tokens by the price of this moment, in millionths; null where nobody knows it. */
  priced(model: string, atMs: number): (tokens: Tokens) => number | null;
}

interface Metering {
  readonly all: () => readonly Allowance[];
  readonly uses: Uses;
  readonly book: PriceBook;
}

export const createMeter = ({ all, uses, book }: Metering): Meter => ({
  read({ operation, caller, corrId, scope, cost, atMs }) {
    const priced = pricedBy(book, cost, { scope, atMs });
    const call = { key: gateKey(operation), caller, scope, corrId, cost, durationMsMax: deadlineMsOf(operation) };
    const charges = isBudgeted(caller, operation) ? chargesOf(all(), call, priced) : [];
    return {
      microUsd: known(priced.amounts.microUsd),
      price: priced.price?.place ?? null,
      allowances: charges.map((charge) => lineOf(charge, { uses, corrId, atMs })),
    };
  },
  priced(model, atMs) {
    const price = book.find(model, undefined, atMs);
    return (tokens) => (price === null ? null : known(priceOf(tokens, price)));
  },
});

const known = (amount: number | "unknown"): number | null => (amount === "unknown" ? null : amount);

interface Standing {
  readonly uses: Uses;
  readonly corrId: string;
  readonly atMs: number;
}

function lineOf(charge: Charge, { uses, corrId, atMs }: Standing): Metered["allowances"][number] {
  const { allowance, amount } = charge;
  const { use, window } = placeOf(allowance, corrId, atMs);
  const left = Math.max(0, allowance.limit - uses.used(use, window));
  return {
    allowanceId: allowance.allowanceId,
    text: allowance.text,
    unit: allowance.unit,
    wanted: known(amount),
    left,
    isEnough: amount === "unknown" ? isLetThrough(charge) : amount <= left,
  };
}
