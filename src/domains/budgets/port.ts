/** What budgets need from outside: the dated price lists. */
import type { ListedPrice } from "./contract.ts";

export interface PlacedPrice extends ListedPrice {
  /** `prices/2026-11-01.toml:4`. */
  readonly place: string;
  /** The moment from which on it counts: the date of its list, at midnight UTC. */
  readonly sinceMs: number;
}

export type PricesRead =
  | { readonly kind: "prices"; readonly prices: readonly PlacedPrice[]; readonly lists: number }
  /** Each fault names its line. */
  | { readonly kind: "faults"; readonly faults: readonly string[] };

/** The folder of price lists. One that is not there holds none. */
export interface PriceLists {
  /** As it is told to people. */
  readonly folder: string;
  /** What was in it at the start, which a fault would have refused. */
  readonly first: readonly PlacedPrice[];
  /** A list to fill in. */
  readonly template: string;
  /** Never rejects: what cannot be read is a fault. */
  read(): Promise<PricesRead>;
}
