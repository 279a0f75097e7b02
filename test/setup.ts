/** Seeds every property test: the same cases on every run, new ones in each round of a soak. */
import fc from "fast-check";

// Any fixed number does; a failure prints it, and ARW_SEED repeats a soak's round.
const fixedSeed = 8090;
// Enough to find what a soak is for, and a bound on memory: failures are shrunk from one case, not from all.
const soakRuns = 10_000;
const soakPropertyMsMax = 20_000;

const isSoak = process.env["ARW_SOAK"] === "1";
const seed = Number(process.env["ARW_SEED"] ?? fixedSeed);

fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed,
  ...(isSoak ? { numRuns: soakRuns, interruptAfterTimeLimit: propertyBudgetMs(), markInterruptAsFailure: false } : {}),
});

/** A soak ends on time: past its deadline every property gets the least budget fast-check accepts. */
function propertyBudgetMs(): number {
  const untilMs = Number(process.env["ARW_SOAK_UNTIL_MS"] ?? Number.MAX_SAFE_INTEGER);
  return Math.max(1, Math.min(soakPropertyMsMax, untilMs - Date.now()));
}
