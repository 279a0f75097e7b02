/** The last words of a test run: what did not run and why, the seed, and one line of totals. */
import type { SerializedError } from "vitest";
import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node";

/** A skip whose reason begins so may stay out of a run in CI. Everything else must run there. */
const optionalPrefix = "optional:";

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

interface Skipped {
  readonly name: string;
  readonly reason: string;
}

// Vitest loads a reporter by path and takes its default export.
export default class SummaryReporter implements Reporter {
  #isFiltered = false;

  onInit(vitest: Vitest): void {
    this.#isFiltered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const totals: Totals = { passed: 0, failed: unhandled.length, skipped: 0 };
    const skipped: Skipped[] = [];
    for (const module of modules) {
      // A file that does not load, or a hook that throws, fails no test of its own.
      totals.failed += module.errors().length;
      for (const suite of module.children.allSuites()) totals.failed += suite.errors().length;
      for (const test of module.children.allTests()) count(test, totals, skipped);
    }
    const lines = this.#isFiltered ? [] : skipped.map(({ name, reason }) => `not run: ${name} (${reason})`);
    const missing = skipped.filter(({ reason }) => !reason.startsWith(optionalPrefix));
    if (isCi() && !this.#isFiltered && missing.length > 0) {
      lines.push(
        `${missing.length} tests did not run. In CI each must run, unless its reason begins with "${optionalPrefix}".`,
      );
      process.exitCode = 1;
    }
    if (totals.failed > 0)
      lines.push(`Property tests used seed ${process.env["ARW_SEED"] ?? "8090 (fixed)"}; repeat with ARW_SEED.`);
    lines.push(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
    process.stdout.write(`\n${lines.join("\n")}\n`);
  }
}

function count(test: TestCase, totals: Totals, skipped: Skipped[]): void {
  const result = test.result();
  if (result.state === "passed") totals.passed += 1;
  else if (result.state === "failed") totals.failed += 1;
  else {
    totals.skipped += 1;
    const reason = (result.state === "skipped" ? result.note : undefined) ?? "no reason given";
    skipped.push({ name: `${test.module.relativeModuleId} > ${test.fullName}`, reason });
  }
}

function isCi(): boolean {
  const value = process.env["CI"];
  return value !== undefined && value !== "" && value !== "false" && value !== "0";
}
