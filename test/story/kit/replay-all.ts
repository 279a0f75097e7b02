/** A program of its own, so that it can be run without a network: a fresh hub replays capsules and says what came of each. */
import { startHub } from "./hub-process.ts";

const [stateDir = "", preload = "", ...files] = process.argv.slice(2);
await using hub = await startHub({
  stateDir,
  nodeFlags: ["--import", preload],
  env: { ARW_TEST_REFUSALS: process.env["ARW_TEST_REFUSALS"] ?? "" },
});
for (const capsule of files) {
  const { report } = await hub.post("/capsules/replay", { capsule });
  process.stdout.write(`${JSON.stringify({ capsule, ...report })}\n`);
}
