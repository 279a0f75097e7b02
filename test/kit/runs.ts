/** How often a property runs: a small fixed count, or what a soak asks for. */
export const runs = (numRuns: number): { readonly numRuns?: number } =>
  process.env["ARW_SOAK"] === "1" ? {} : { numRuns };
