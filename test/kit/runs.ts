/** How often a property runs: a small fixed count, or what a soak asks for. */
export const runs = (numRuns: number): { readonly numRuns?: number } =>
  process.env["ARW_SOAK"] === "1" ? {} : { numRuns };

/** Whether every property runs as often as it says: a soak ends them when its time is over, some after a run or two. */
export const isCounted = process.env["ARW_SOAK"] !== "1";
