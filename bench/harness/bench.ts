/** What a benchmark is given and what it is. */
import type { Row } from "./rows.ts";

export interface BenchOptions {
  /** Smaller amounts and fewer rounds: proves that the benchmark runs, not how fast the hub is. */
  readonly isQuick: boolean;
  /** Also the sizes that take minutes. */
  readonly isLong: boolean;
  /** Removed afterwards. */
  readonly scratch: string;
  readonly rounds: number;
  /** Puts what has to be stopped onto the pile that the runner takes down, whatever happens. */
  readonly defer: (stop: () => void | PromiseLike<void>) => void;
}

export type Bench = (options: BenchOptions) => Promise<readonly Row[]>;

/** `full` when it counts, `quick` in a smoke run. */
export const amount = (options: BenchOptions, full: number, quick: number): number => (options.isQuick ? quick : full);
