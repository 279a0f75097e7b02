/** The public conformance suites, against `/mcp` as the hub serves it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, test } from "vitest";
import { startFixtureServer } from "./fixture-server.ts";
import { checksOf, installSuites, type Revision } from "./suites.ts";

let missing: string | null = null;

beforeAll(async () => {
  try {
    await installSuites();
  } catch (error) {
    // Whoever builds far from any registry is not held up; CI has one.
    if (process.env["CI"] === "true") throw error;
    missing = `optional: the suites could not be installed: ${String(error).slice(0, 200)}`;
  }
}, 300_000);

interface Expected {
  readonly line: string;
  readonly matches: (check: string) => boolean;
}

function expectedOf(revision: Revision): readonly Expected[] {
  const lines = readFileSync(join(import.meta.dirname, "expected-failures.txt"), "utf8").split("\n");
  return lines
    .filter((line) => line.startsWith(`${revision} `))
    .map((line) => {
      const [named, reason] = line.slice(revision.length + 1).split(": ", 2);
      assert.ok(named !== undefined && reason !== undefined && reason.length > 10, `a line gives its reason: ${line}`);
      return { line, matches: (check) => (named.endsWith("/*") ? isInScenario(named, check) : check === named) };
    });
}

const isInScenario = (named: string, check: string): boolean =>
  check.startsWith(named.slice(0, -1)) && !check.endsWith("/wire-schema-valid");

/** A suite that fails to run finds nothing, and nothing must not look like everything. */
const passedMin: Readonly<Record<Revision, number>> = { "2025-11-25": 12, "2026-07-28": 97 };

for (const revision of ["2025-11-25", "2026-07-28"] as const)
  test(`the suite of ${revision} finds no more than what is known`, async ({ skip }) => {
    skip(missing !== null, missing ?? "");
    await using server = await startFixtureServer();
    const checks = [...(await checksOf(revision, server.url))];
    const failed = checks.filter(([, isPassed]) => !isPassed).map(([check]) => check);
    const expected = expectedOf(revision);
    assert.deepEqual(
      failed.filter((check) => !expected.some(({ matches }) => matches(check))),
      [],
      "fails, and is not expected to",
    );
    assert.deepEqual(
      expected.filter(({ matches }) => !failed.some(matches)).map(({ line }) => line),
      [],
      "is expected to fail, and does not: take the line out",
    );
    assert.ok(checks.length - failed.length >= passedMin[revision], `${checks.length - failed.length} checks passed`);
  });
