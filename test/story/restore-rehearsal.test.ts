/** A backup is tried before it is needed: the newest runs in it happen again in a copy aside, while the hub goes on. */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { type Exit, launchProcess, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { briefToEnd } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

const cliMain = join(programRoot, "src", "app", "cli.ts");

let room: Room;
let hub: RunningHub;
beforeAll(async () => {
  room = await createRoom();
  hub = await startHub({ stateDir: room.stateDir });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

async function arw(...words: readonly string[]): Promise<Exit> {
  const child = launchProcess([cliMain, ...words], { env: { ARW_STATE_DIR: room.stateDir }, cwd: room.path });
  return until(`arw ${words.join(" ")}`, () => child.ended() ?? undefined, 90_000);
}

test("a dry run of a restore lets the three newest runs of the backup happen again, and leaves nothing", async () => {
  const folder = await room.folder("notes", { "a.md": "# A\n\n- [ ] Water the beds\n", "b.md": "Is it dry?\n" });
  const episodes: string[] = [];
  for (const round of [1, 2, 3, 4]) {
    await writeFile(join(folder, "a.md"), `# A\n\nRound ${round}\n`);
    episodes.push((await briefToEnd(hub, { folder, allowWrite: true })).id as string);
  }
  const file = join(room.path, "hub.tar.gz");
  const made = await arw("backup", file);
  assert.equal(made.code, 0, made.stderr);
  const before = await readdir(room.path);
  const { code, stdout, stderr } = await arw("restore", file, "--dry-run", "--json");
  assert.equal(code, 0, stderr);
  const { runs, isDryRun } = JSON.parse(stdout) as {
    readonly isDryRun: boolean;
    readonly runs: readonly { readonly episode: string; readonly verdict: string; readonly why: string | null }[];
  };
  assert.equal(isDryRun, true);
  assert.deepEqual(
    runs.map(({ episode, verdict, why }) => [episode, verdict, why]),
    episodes
      .toReversed()
      .slice(0, 3)
      .map((episode) => [episode, "equal", null]),
  );
  assert.deepEqual(await readdir(room.path), before);
});
