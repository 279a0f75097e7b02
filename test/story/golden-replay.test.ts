/** The capsules that stand in the repository happen again on a fresh hub, with no network at all where that can be had. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { cleanEnvironment, type Json, programRoot } from "./kit/hub-process.ts";
import { findProgram } from "./kit/programs.ts";
import { createRoom } from "./kit/room.ts";

const capsulesIn = (...folder: readonly string[]): readonly string[] => {
  const root = join(programRoot, ...folder);
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".capsule"))
    .toSorted()
    .map((name) => join(root, name));
};
/** Far above what a hub needs to start and to replay a handful of short runs. */
const replayMsMax = 120_000;

/** A namespace with no network but its own loopback; empty where nobody may make one. */
function withoutNetwork(): readonly string[] {
  const bwrap = findProgram("bwrap");
  if (bwrap === null) return [];
  const words = [bwrap, "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", "--"];
  return spawnSync(words[0] ?? "", [...words.slice(1), "true"]).status === 0 ? words : [];
}

test("each kept capsule replays to the same events on a fresh hub that reaches nobody", async () => {
  await using room = await createRoom();
  const refusals = join(room.path, "refusals");
  await writeFile(refusals, "");
  const kit = join(import.meta.dirname, "kit");
  const capsules = [...capsulesIn("examples", "capsules"), ...capsulesIn("test", "fixtures", "capsules")];
  const program = [process.execPath, ...programFlags, join(kit, "replay-all.ts")];
  const given = [room.stateDir, join(kit, "refuse-network.ts"), ...capsules];
  const [first = "", ...words] = [...withoutNetwork(), ...program, ...given];
  const env = cleanEnvironment({ ARW_TEST_REFUSALS: refusals });
  const { stdout, stderr } = spawnSync(first, words, { encoding: "utf8", env, timeout: replayMsMax });
  const reports = stdout.split("\n").filter((line) => line.startsWith("{"));
  assert.equal(reports.length, capsules.length, stderr);
  for (const line of reports) {
    const { verdict, divergence, mode, events }: Json = JSON.parse(line);
    assert.deepEqual([verdict, divergence, mode], ["equal", null, "program"], line);
    assert.ok(events.madeAgain > 3, line);
  }
  assert.equal((await readFile(refusals, "utf8")).replaceAll("watching\n", ""), "");
});
