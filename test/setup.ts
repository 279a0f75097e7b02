/** Seeds every property test: the same cases on every run, new ones in each round of a soak. */
import fc from "fast-check";

// Any fixed number does; a failure prints it, and ARW_SEED repeats a soak's round.
const fixedSeed = 8090;
// Enough to find what a soak is for, and a bound on memory: failures are shrunk from one case, not from all.
const soakRuns = 10_000;
const soakPropertyMsMax = 20_000;
// A property that is interrupted before its first case counts as failed, so each has time for some.
const soakPropertyMsMin = 5_000;
const lateRuns = 5;

const isSoak = process.env["ARW_SOAK"] === "1";
const seed = Number(process.env["ARW_SEED"] ?? fixedSeed);

fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed,
  ...(isSoak ? soakLimits() : {}),
});

/** A soak ends on time: past its deadline every property tries the least that proves anything. */
function soakLimits(): { numRuns: number; interruptAfterTimeLimit?: number; markInterruptAsFailure?: boolean } {
  const leftMs = Number(process.env["ARW_SOAK_UNTIL_MS"] ?? Number.MAX_SAFE_INTEGER) - Date.now();
  if (leftMs <= soakPropertyMsMin) return { numRuns: lateRuns };
  const interruptAfterTimeLimit = Math.min(soakPropertyMsMax, leftMs);
  return { numRuns: soakRuns, interruptAfterTimeLimit, markInterruptAsFailure: false };
}
