/** The way back from a tee: its lines, read into an empty state folder, are the same journal and the same views. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { beginBrief, decide, episodeEnded, episodeWaits } from "./kit/scout-run.ts";

/** Something of most sorts: runs, questions both ways, tasks, a consumer with work, a halt. */
async function live(hub: RunningHub, room: Room): Promise<void> {
  const { episode } = await beginBrief(hub, { folder: await room.sample("allowed") });
  await decide(hub, (await episodeWaits(hub, episode)).approvalId, "allow");
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  const denied = await beginBrief(hub, { folder: await room.sample("denied") });
  await decide(hub, (await episodeWaits(hub, denied.episode)).approvalId, "deny");
  await episodeEnded(hub, denied.episode);
  await hub.post("/consumers/mirror", { prefix: ["agents."], start: "all" });
  const { messages } = await hub.post("/consumers/mirror/pull", { count: 2 });
  await hub.post("/consumers/mirror/ack", { seqs: messages.map((each: { seq: number }) => each.seq) });
  await hub.post("/halt", { reason: "a pause" });
  await hub.post("/halt/release", {});
}

interface Stored {
  readonly views: Readonly<Record<string, unknown[]>>;
  readonly last: unknown;
}

/** Rows of every view, and one event with the hash that stands for all before it, as they lie in the store. */
function stored(stateDir: string, lastSeq: number): Stored {
  const database = new DatabaseSync(join(stateDir, "journal.db"), { readOnly: true });
  try {
    const rows = database.prepare("SELECT view, key, json FROM viewRow ORDER BY view, key").all();
    const byView = Object.groupBy(rows as { view: string; key: string; json: string }[], ({ view }) => view);
    const views = Object.entries(byView).map(([view, all = []]) => [
      view,
      all.map(({ key, json }) => [key, JSON.parse(json)]),
    ]);
    return {
      views: Object.fromEntries(views),
      last: database.prepare("SELECT id, hash FROM event WHERE seq = ?").get(lastSeq),
    };
  } finally {
    database.close();
  }
}

test("a tee that is imported into an empty state folder gives every view the same rows", async () => {
  await using room = await createRoom();
  await using other = await createRoom();
  const tee = join(room.path, "events.jsonl");
  {
    await using hub = await startHub({ stateDir: room.stateDir, env: { ARW_EVENTS_JOURNAL: tee } });
    await live(hub, room);
    await hub.kill("SIGTERM");
  }
  const lines = (await readFile(tee, "utf8")).trimEnd().split("\n").length;
  const before = stored(room.stateDir, lines);
  const words = ["events", "import", tee, "--local", "--json"];
  const refused = await runArw(["events", "import", `${tee}.none`, "--local"], { stateDir: other.stateDir });
  assert.notEqual(refused.code, 0, "a refusal leaves the folder as empty as it was");
  const { code, stdout, stderr } = await runArw(words, { stateDir: other.stateDir });
  assert.equal(code, 0, stderr);
  const last = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "{}");
  assert.deepEqual([last.stage, last.events], ["done", lines]);
  assert.ok(before.last !== undefined && Object.keys(before.views).length > 8, Object.keys(before.views).join(", "));
  assert.deepEqual(stored(other.stateDir, lines), before);
});
