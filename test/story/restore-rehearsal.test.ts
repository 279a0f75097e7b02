/** A backup is tried before it is needed: the newest runs and kept capsules in it happen again in a copy aside. */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type Exit, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { briefToEnd } from "./kit/scout-run.ts";

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

const arw = (...words: readonly string[]): Promise<Exit> => runArw(words, room);

test("a dry run of a restore lets the newest runs and capsules of the backup happen again, and leaves nothing", async () => {
  const folder = await room.folder("notes", { "a.md": "# A\n\n- [ ] Water the beds\n", "b.md": "Is it dry?\n" });
  const episodes: string[] = [];
  for (const round of [1, 2, 3, 4]) {
    await writeFile(join(folder, "a.md"), `# A\n\nRound ${round}\n`);
    episodes.push((await briefToEnd(hub, { folder, allowWrite: true })).id as string);
  }
  const { capsule } = await hub.post("/capsules/export", { episode: episodes[0], keep: true });
  const file = join(room.path, "hub.tar.gz");
  const made = await arw("backup", file);
  assert.equal(made.code, 0, made.stderr);
  const before = await readdir(room.path);
  const { code, stdout, stderr } = await arw("restore", file, "--dry-run", "--json");
  assert.equal(code, 0, stderr);
  const { runs, isDryRun } = JSON.parse(stdout) as {
    readonly isDryRun: boolean;
    readonly runs: readonly Readonly<Record<"source" | "episode" | "verdict" | "why", string | null>>[];
  };
  assert.equal(isDryRun, true);
  assert.deepEqual(
    runs.map(({ source, episode, verdict, why }) => [source, episode, verdict, why]),
    [
      ...episodes
        .toReversed()
        .slice(0, 3)
        .map((episode) => ["run", episode, "equal", null]),
      ["capsule", episodes[0], "equal", null],
    ],
  );
  assert.deepEqual(await readdir(room.path), before);
  await using restored = await startRestored(file);
  assert.equal((await restored.get("/state/capsules")).items.length, 1);
  const { report } = await restored.post("/capsules/replay", { capsule: capsule.digest });
  assert.equal(report.verdict, "equal");
});

async function startRestored(file: string): Promise<RunningHub> {
  const stateDir = join(room.path, "restored");
  const { code, stderr } = await runArw(["restore", file], { stateDir, path: room.path });
  assert.equal(code, 0, stderr);
  return await startHub({ stateDir, env: { ARW_ADMIN_TOKEN: adminToken } });
}
/** The token itself is in no backup. */
const adminToken = "a-token-of-the-restored-hub-0123456789";
