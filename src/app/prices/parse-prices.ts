/** One price list as a person writes it down. Its name is the day from which on it counts. */
import { ListedPrice } from "../../domains/budgets/contract.ts";
import type { PlacedPrice } from "../../domains/budgets/port.ts";
import { readTables } from "../config/strict-tables.ts";

export type ListRead =
  | { readonly kind: "list"; readonly prices: readonly PlacedPrice[] }
  | { readonly kind: "faults"; readonly faults: readonly string[] };

const nameForm = /^(\d{4})-(\d{2})-(\d{2})\.toml$/u;

/** Midnight UTC of the day that the name of a list says; null when it says none. */
export function sinceOf(name: string): number | null {
  const [, year = "", month = "", day = ""] = nameForm.exec(name) ?? [];
  if (day === "") return null;
  const sinceMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // The 31st of a shorter month would be a day of the next.
  return new Date(sinceMs).toISOString().startsWith(`${year}-${month}-${day}`) ? sinceMs : null;
}

/** `path` is how the list is named in faults and prices. */
export function parsePrices(text: string, path: string, sinceMs: number): ListRead {
  const read = readTables(text, {
    path,
    table: "price",
    word: "price",
    schema: ListedPrice,
    faultOf: priceFault,
    identityOf: ({ model, host }) => (host === undefined ? model : `${model} at ${host}`),
  });
  if (read.kind === "faults") return read;
  return { kind: "list", prices: read.tables.map(({ value, place }) => ({ ...value, place, sinceMs })) };
}

const decimalsMax = 6;

function priceFault(price: ListedPrice): string | null {
  const { inputUsdPerMillion, outputUsdPerMillion, cachedInputUsdPerMillion } = price;
  for (const [name, usd] of Object.entries({ inputUsdPerMillion, outputUsdPerMillion, cachedInputUsdPerMillion }))
    if (usd !== undefined && Number(usd.toFixed(decimalsMax)) !== usd)
      return `${name} has more than ${decimalsMax} decimals`;
  // What is taken before a call is the price of input that no cache holds: it has to be the most.
  if (cachedInputUsdPerMillion !== undefined && cachedInputUsdPerMillion > inputUsdPerMillion)
    return "cachedInputUsdPerMillion is more than inputUsdPerMillion; write the higher price into both";
  return null;
}
