/**
 * Runs the checks, or only those that are named: `npm run check`, `npm run types`. All run even when one fails; each
 * prints its name, time and verdict, and the output of those that failed.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { capture } from "./processes.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
// Compilers are called by path: two versions of one may be installed, and both would be called `tsc`.
const compiler = ["node_modules/typescript/bin/tsc", "--noEmit", "--pretty", "false", "-p"];

/** @type {{ group: string, about: string, run: string[] }[]} */
const checks = [
  { group: "tidy", about: "rooms, names, sizes, table laws", run: ["tools/tidy.ts"] },
  { group: "types", about: "hub, client, tests, tools", run: [...compiler, "tsconfig.json"] },
  { group: "types", about: "web interface", run: [...compiler, "web/tsconfig.json"] },
  { group: "types", about: "bootstrap", run: [...compiler, "tools/bootstrap/tsconfig.json"] },
  { group: "lint", about: "oxlint, type-aware", run: ["node_modules/oxlint/bin/oxlint", "--deny-warnings"] },
  { group: "format", about: "biome", run: ["node_modules/@biomejs/biome/bin/biome", "format", "--colors=off"] },
  { group: "gen", about: "spec and client are fresh", run: ["tools/gen.ts", "--check"] },
  { group: "unused", about: "files, exports, dependencies", run: ["node_modules/knip/bin/knip.js", "--no-progress"] },
];

async function main(names) {
  const known = new Set(checks.map(({ group }) => group));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    process.stderr.write(`There is no check "${unknown.join(", ")}". Known: ${[...known].join(", ")}.\n`);
    return 2;
  }
  const chosen = names.length === 0 ? checks : checks.filter(({ group }) => names.includes(group));
  let failed = 0;
  for (const check of chosen) if (!(await runCheck(check))) failed += 1;
  process.stdout.write(`\n${chosen.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

async function runCheck({ group, about, run }) {
  const startMs = performance.now();
  const { code, output } = await capture(process.execPath, ["--disable-warning=ExperimentalWarning", ...run], {
    cwd: root,
    env: process.env,
  });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? "ok    " : "FAILED"} ${group}: ${about} (${seconds} s)\n`);
  if (code !== 0) process.stdout.write(`${output.trimEnd()}\n\n`);
  return code === 0;
}

process.exitCode = await main(process.argv.slice(2));
