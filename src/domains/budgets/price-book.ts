/** The prices of models: the newest list that has begun and names a model says what it costs. No price is ever made up. */
import { parseModelName } from "../../base/model-name.ts";
import { createKeyedMutex } from "../../base/async.ts";
import type { Context, Tokens } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import type { Log } from "../../kernel/ports.ts";
import { InvalidPrices, type PriceRow, PricesRead, PricesRefused, type ReloadPrices } from "./contract.ts";
import type { PlacedPrice, PriceLists } from "./port.ts";

export interface PriceBook {
  /** The price of a model, `NAME` or `SERVER/NAME`, at a host, or at any; null when nobody knows it. */
  find(model: string, host: string | undefined, atMs: number): PlacedPrice | null;
  /** What counts now and what is to come, newest list first. */
  rows(atMs: number): readonly PriceRow[];
  /** Throws `InvalidPrices`; the prices are then as they were. */
  reload(ctx: Context): Promise<Static<typeof ReloadPrices.output>>;
  health(): { readonly name: string; readonly ok: boolean; readonly detail: string };
}

const faultsShownMax = 20;

export function createPriceBook(lists: PriceLists, log: Pick<Log, "info" | "error">): PriceBook {
  const turns = createKeyedMutex();
  let prices = lists.first.toSorted(byPrecedence);
  let fault: string | null = null;
  const reload = async (ctx: Context): Promise<Static<typeof ReloadPrices.output>> => {
    const read = await lists.read();
    if (read.kind === "faults") {
      const faults = read.faults.slice(0, faultsShownMax).map((each) => each.slice(0, 1000));
      fault = `${faults[0] ?? "the price lists cannot be read"}${read.faults.length > 1 ? ` (and ${read.faults.length - 1} more)` : ""}`;
      log.error("the price lists were read anew and do not hold; the last good ones go on counting", { faults });
      await ctx.emit(PricesRefused, { faults });
      throw new Problem(InvalidPrices, fault, { faults });
    }
    prices = read.prices.toSorted(byPrecedence);
    fault = null;
    const answer = { lists: read.lists, prices: prices.length };
    log.info("the price lists were read anew", answer);
    await ctx.emit(PricesRead, answer);
    return answer;
  };
  return {
    find(model, host, atMs) {
      const named = parseModelName(model);
      const at = host ?? named?.server;
      const isFor = (price: PlacedPrice): boolean =>
        price.sinceMs <= atMs &&
        isAtHost(price, at) &&
        (namesModel(price, model) || (named !== null && namesModel(price, named.model)));
      return prices.find(isFor) ?? null;
    },
    rows: (atMs) => prices.filter((price) => !isReplaced(price, prices, atMs)).map((price) => rowOf(price, atMs)),
    reload: (ctx) => turns.run("prices", () => reload(ctx)),
    health: () => ({
      name: "prices",
      ok: fault === null,
      detail:
        fault === null
          ? `${prices.length} known`
          : `${fault}; the last good prices go on counting; mend the list, then: arw prices reload`,
    }),
  };
}

/** The newest list decides; within one, the price that names host and model most exactly. */
const byPrecedence = (a: PlacedPrice, b: PlacedPrice): number =>
  b.sinceMs - a.sinceMs ||
  Number(b.host !== undefined) - Number(a.host !== undefined) ||
  Number(a.model.endsWith("*")) - Number(b.model.endsWith("*")) ||
  b.model.length - a.model.length;

const namesModel = ({ model: named }: PlacedPrice, model: string): boolean =>
  named.endsWith("*") ? model.startsWith(named.slice(0, -1)) : model === named;

const isAtHost = ({ host: named }: PlacedPrice, host: string | undefined): boolean =>
  named === undefined || named === host || named === host?.replace(/:\d+$/, "");

/** A later list that has begun names the very same. */
const isReplaced = (price: PlacedPrice, all: readonly PlacedPrice[], atMs: number): boolean =>
  all.some(
    (each) =>
      each.model === price.model && each.host === price.host && each.sinceMs > price.sinceMs && each.sinceMs <= atMs,
  );

export const rowOf = (price: PlacedPrice, atMs: number): PriceRow => ({
  model: price.model,
  host: price.host ?? null,
  inputUsdPerMillion: price.inputUsdPerMillion,
  outputUsdPerMillion: price.outputUsdPerMillion,
  cachedInputUsdPerMillion: price.cachedInputUsdPerMillion ?? price.inputUsdPerMillion,
  place: price.place,
  sinceMs: price.sinceMs,
  isInForce: price.sinceMs <= atMs,
});

export const unknownRow = (model: string, host: string | undefined): PriceRow => ({
  model,
  host: host ?? null,
  inputUsdPerMillion: "unknown",
  outputUsdPerMillion: "unknown",
  cachedInputUsdPerMillion: "unknown",
  place: null,
  sinceMs: null,
  isInForce: false,
});

/** Prices have at most six decimals, so whole numbers of a millionth of a micro-USD count without any error. */
const parts = 1_000_000;
const exact = (usdPerMillion: number): bigint => BigInt(Math.round(usdPerMillion * parts));

/** What tokens cost in millionths of a USD, rounded up: USD for a million tokens are millionths for one. */
export function priceOf({ input, output, cachedInput = 0 }: Tokens, price: PlacedPrice): number | "unknown" {
  const { inputUsdPerMillion, outputUsdPerMillion, cachedInputUsdPerMillion = inputUsdPerMillion } = price;
  const cached = Math.min(input, cachedInput);
  const sum =
    BigInt(input - cached) * exact(inputUsdPerMillion) +
    BigInt(cached) * exact(cachedInputUsdPerMillion) +
    BigInt(output) * exact(outputUsdPerMillion);
  const microUsd = Number((sum + BigInt(parts - 1)) / BigInt(parts));
  return Number.isSafeInteger(microUsd) ? microUsd : "unknown";
}
