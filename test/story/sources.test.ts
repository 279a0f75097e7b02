/** What a run is built from, and what an agent may use, over HTTP and on the command line of a real hub. */
import assert from "node:assert/strict";
import { test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type Exit, type Json, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { beginBrief, decide, episodeEnded, episodeRow, episodeWaits, resume, storyOf } from "./kit/scout-run.ts";

const arw = (room: Room, words: readonly string[]): Promise<Exit> => runArw(words, room);

test("a person sees what an agent uses and learned, declassifies one value, and it stays so when the hub is killed", async () => {
  await using room = await createRoom();
  const folder = await room.sample("built-from");
  const first = await startHub({ stateDir: room.stateDir });
  const listed = await arw(room, ["agents"]);
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /has not run here yet/u);
  assert.match(
    listed.stdout,
    /fs\.write +writes files in folders that you grant\n +allowed where you granted it, else asks/u,
  );
  const { episode } = await beginBrief(first, { folder });
  await episodeWaits(first, episode);
  const { story } = await storyOf(first, episode);
  const told = story.findIndex(({ kind }) => kind === "agents.tools.accepted");
  assert.match(story[told]?.text, /scout runs here for the first time\. It reads files in folders that you grant; /u);
  assert.ok(told < story.findIndex(({ kind }) => kind === "observations.recorded"), "told before its first step");

  const shown = await arw(room, ["episodes", "show", episode]);
  assert.match(shown.stdout, /Built from:\n +step 1 +file +List the folder/u);
  const short = episode.slice(-8);
  const done = await arw(room, ["declassify", short, "1", "--reason", "names of my own files"]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /gives the label file no more\.\n +The run still has it from step /u);
  const again = await first.send("POST /agents/declassify", { episode, step: 1, reason: "once more" });
  assert.deepEqual([again.status, again.body.code], [409, "agents.already-declassified"]);
  await first.kill("SIGKILL");

  await using next = await startHub({ stateDir: room.stateDir });
  await resume(next, episode);
  const { approvalId } = await episodeWaits(next, episode);
  const [source]: Json[] = (await episodeRow(next, episode)).sources;
  assert.deepEqual([source.step, source.label, source.isDeclassified], [1, "file", true]);
  await decide(next, approvalId, "allow");
  assert.equal((await episodeEnded(next, episode)).status, "finished");
  const late = await next.send("POST /agents/declassify", { episode, step: 2, reason: "too late" });
  assert.deepEqual([late.status, late.body.code], [409, "agents.not-running"]);
  const { items } = await next.get("/state/declassified");
  assert.deepEqual(
    items.map((each: Json) => [each.episode, each.step, each.label, each.by, each.reason]),
    [[episode, 1, "file", "person:admin", "names of my own files"]],
  );
  assert.match((await arw(room, ["declassified"])).stdout, /person:admin +file +\S+ step 1\n +List the folder/u);
  const { isNew, addedTools } = await next.get("/agents/scout");
  assert.deepEqual([isNew, addedTools], [false, []]);
}, 120_000);
