/** The last words of a test run: what did not run and why, what failed and with which words, the seed, and the totals. */
import { stripVTControlCharacters } from "node:util";
import type { SerializedError } from "vitest";
import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node";

/** Of the words of a failure; the whole stands further up. */
const failureCharsMax = 300;

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
    const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
    const skipped: Skipped[] = [];
    const failures = unhandled.map((error) => failureLine("outside every test", error));
    for (const module of modules) {
      // A file that does not load, or a hook that throws, fails no test of its own.
      for (const error of module.errors()) failures.push(failureLine(module.relativeModuleId, error));
      for (const suite of module.children.allSuites())
        for (const error of suite.errors())
          failures.push(failureLine(`${module.relativeModuleId} > ${suite.fullName}`, error));
      for (const test of module.children.allTests()) count(test, totals, { skipped, failures });
    }
    totals.failed = failures.length;
    const lines = this.#isFiltered ? [] : skipped.map(({ name, reason }) => `not run: ${name} (${reason})`);
    lines.push(...failures);
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

function count(
  test: TestCase,
  totals: Totals,
  { skipped, failures }: { readonly skipped: Skipped[]; readonly failures: string[] },
): void {
  const result = test.result();
  const name = `${test.module.relativeModuleId} > ${test.fullName}`;
  if (result.state === "passed") totals.passed += 1;
  else if (result.state === "failed") failures.push(failureLine(name, result.errors[0]));
  else {
    totals.skipped += 1;
    const reason = (result.state === "skipped" ? result.note : undefined) ?? "no reason given";
    skipped.push({ name, reason });
  }
}

/** One line, so that the end of a log tells what failed where its middle is lost. */
function failureLine(name: string, error: { readonly message: string } | undefined): string {
  const words = stripVTControlCharacters(error?.message ?? "no reason given").replaceAll(/\s+/gu, " ");
  return `failed: ${name} (${words.slice(0, failureCharsMax)})`;
}

function isCi(): boolean {
  const value = process.env["CI"];
  return value !== undefined && value !== "" && value !== "false" && value !== "0";
}
