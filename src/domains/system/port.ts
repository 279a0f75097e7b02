import type { Static } from "../../contract/schema.ts";
import type { Stats } from "./contract.ts";

/** The hub's figures, as the operation answers them. */
export type HubStats = Static<typeof Stats.output>;

/** What the system domain asks of whoever runs the hub. */
export interface HubFacts {
  readonly version: string;
  readonly bootId: string;
  readonly startedAtMs: number;
  readonly node: string;
  readonly configuration: readonly {
    readonly key: string;
    readonly value: unknown;
    readonly source: "default" | "file" | "environment" | "flag";
    readonly from: string;
  }[];
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** The same figures as JSON. */
  stats(): Promise<HubStats>;
  checks(): Promise<readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[]>;
  /** Begins to stop the hub; returns at once. */
  stop(reason: string): void;
}
