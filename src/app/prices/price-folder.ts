/** The dated price lists in the folder `prices` of the state directory. The hub ships none: a price that it made up would be believed. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../../contract/problem.ts";
import { InvalidPrices } from "../../domains/budgets/contract.ts";
import type { PriceLists, PricesRead } from "../../domains/budgets/port.ts";
import { type ListRead, parsePrices, sinceOf } from "./parse-prices.ts";

/** A list for each week of ten years; a folder with more holds something else. */
const listsMax = 520;
/** Each call under a ceiling in money looks through them. */
const pricesMax = 5_000;
const bytesMaxEach = 1_000_000;

/** Throws the `InvalidPrices` problem when a list cannot be read or understood. */
export async function openPriceFolder(folder: string): Promise<PriceLists> {
  const first = await readPrices(folder);
  if (first.kind === "faults") {
    const next = "Mend the list, or move it away to start without its prices.";
    throw new Problem(InvalidPrices, `the price lists do not hold.\n${first.faults.join("\n")}\n${next}`, {
      faults: first.faults,
    });
  }
  return { folder, first: first.prices, template: priceTemplate, read: () => readPrices(folder) };
}

async function readPrices(folder: string): Promise<PricesRead> {
  try {
    const names = await namesIn(folder);
    if (names.length > listsMax) return faulty(`prices: has ${names.length} lists; there is room for ${listsMax}`);
    const lists = await Promise.all(names.map(async (name) => readList(folder, name)));
    const faults = lists.flatMap((each) => (each.kind === "faults" ? each.faults : []));
    if (faults.length > 0) return { kind: "faults", faults };
    const prices = lists.flatMap((each) => (each.kind === "list" ? each.prices : []));
    if (prices.length > pricesMax)
      return faulty(`prices: has ${prices.length} prices; there is room for ${pricesMax}. Move old lists away.`);
    return { kind: "prices", prices, lists: lists.length };
  } catch (error) {
    return faulty(`prices: cannot be read (${codeOf(error)})`);
  }
}

async function readList(folder: string, name: string): Promise<ListRead> {
  const path = `prices/${name}`;
  const sinceMs = sinceOf(name);
  if (sinceMs === null)
    return faulty(`${path}: its name is no day; name a list by the day from which on it counts, as 2026-11-01.toml`);
  try {
    const file = join(folder, name);
    const { size } = await stat(file);
    if (size > bytesMaxEach) return faulty(`${path}: has ${size} bytes; a price list has at most ${bytesMaxEach}`);
    return parsePrices(new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file)), path, sinceMs);
  } catch (error) {
    return faulty(`${path}: cannot be read (${codeOf(error)})`);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(".toml")).toSorted();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

const faulty = (fault: string): { readonly kind: "faults"; readonly faults: readonly string[] } => ({
  kind: "faults",
  faults: [fault],
});

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** Figures are the reader's to fill in: zeros in place of them would be believed, so nothing here counts as it stands. */
const priceTemplate = `# A price list of ARW. Save it as prices/YYYY-MM-DD.toml in the state directory: its name is the day, at
# midnight UTC, from which on it counts. Then: arw prices reload
#
# The newest list that has begun and names a model says what it costs; older lists go on for what newer ones leave out.
# Take the figures from the price page of whoever sends the bill, in USD for a million tokens, with at most six decimals.
#
# [[price]]
# model = "NAME"                       # or its beginning with *: "NAME-*"
# host = "api.example.org"             # leave it out where every host takes the same
# inputUsdPerMillion = FIGURE
# outputUsdPerMillion = FIGURE
# cachedInputUsdPerMillion = FIGURE    # leave it out where input from a cache costs as much as any other
#
# A model of your own machine needs no price and costs nothing.
`;
