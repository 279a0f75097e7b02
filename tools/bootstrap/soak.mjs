/**
 * Runs the suite in rounds with full property counts, a new seed each round, until ARW_SOAK_MINUTES are over or a round
 * fails. The first round always runs; past the deadline its properties end early and no more hubs are killed.
 */
import { randomInt } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runChild } from "../../bin/run-child.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const minutesDefault = 30;
const seedMax = 2 ** 31;

async function main(given) {
  const minutes = Number(process.env.ARW_SOAK_MINUTES ?? minutesDefault);
  if (!(minutes > 0)) {
    process.stderr.write("ARW_SOAK_MINUTES is a number of minutes above 0.\n");
    return 2;
  }
  const untilMs = Date.now() + minutes * 60_000;
  if (process.env.ARW_KILLS === undefined) process.stdout.write(killsNote(minutes));
  for (let round = 1; round === 1 || Date.now() < untilMs; round += 1) {
    const seed = process.env.ARW_SEED ?? String(randomInt(seedMax));
    process.stdout.write(`\nSoak round ${round}, seed ${seed}\n`);
    const code = await runRound(given, { ARW_SOAK: "1", ARW_SEED: seed, ARW_SOAK_UNTIL_MS: String(untilMs) });
    if (code !== 0) {
      process.stdout.write(`Soak round ${round} failed. Repeat it: ARW_SEED=${seed} npm run soak\n`);
      return code;
    }
  }
  return 0;
}

/** A short soak must not be taken for a full one. */
const killsNote = (minutes) =>
  `The kill test makes as many of its 500 kills as fit into ${minutes} minutes and prints how many; ARW_KILLS=500 makes all.\n`;

function runRound(given, variables) {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  return runChild(process.execPath, [vitest, "run", ...given], { cwd: root, env: { ...process.env, ...variables } });
}

process.exitCode = await main(process.argv.slice(2));
