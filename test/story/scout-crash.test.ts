/** A hub that is killed with no chance to say goodbye: what the next one knows, and how a run goes on. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { readEvents } from "./kit/event-reader.ts";
import { type Json, type RunningHub, startHub, startRefused } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import {
  beginBrief,
  briefToEnd,
  decide,
  episodeEnded,
  episodeRow,
  episodeWaits,
  resume,
  storyOf,
} from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

/** Some fifteen tool calls: enough places to die at. */
const notes = (): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: 640 }, (_, index) => [
      `part-${index % 12}/note-${index}.md`,
      `# Note ${index}\n\n- [ ] Water bed ${index}\n\n${`The ${index}th note says that the harvest of bed ${index % 7} was good. `.repeat(12)}\n`,
    ]),
  );

const stepsOf = (story: readonly Json[]): number[] =>
  story.flatMap((line) => (line.data.recorded === undefined ? [] : [line.data.recorded.step as number]));

/** Kills the hub once the run has recorded this many steps. It asks before it writes, so no run is over before its kill. */
async function killAfterSteps(hub: RunningHub, { folder, steps }: { folder: string; steps: number }): Promise<string> {
  await using reader = await readEvents(hub, "?prefix=observations.,actions.");
  const { episode } = await beginBrief(hub, { folder });
  await reader.waitFor(
    `step ${steps}`,
    (events) => events.filter((each) => each.data.recorded !== undefined).length >= steps,
  );
  await hub.kill("SIGKILL");
  return episode;
}

async function resumedBrief(room: Room, { folder, steps }: { folder: string; steps: number }): Promise<string> {
  const first = await startHub({ stateDir: room.stateDir });
  const episode = await killAfterSteps(first, { folder, steps });
  await using hub = await startHub({ stateDir: room.stateDir });
  const row = await episodeRow(hub, episode);
  assert.equal(row?.status, "interrupted");
  const before = (await storyOf(hub, episode)).story;
  await resume(hub, episode);
  await decide(hub, (await episodeWaits(hub, episode)).approvalId, "allow");
  const ended = await episodeEnded(hub, episode);
  assert.equal(ended.status, "finished", ended.outcome);
  const { story } = await storyOf(hub, episode);
  const recorded = stepsOf(story);
  assert.deepEqual(recorded, [...new Set(recorded)], "no recorded step was repeated");
  assert.deepEqual(
    recorded,
    Array.from(recorded, (_, index) => index + 1),
    "and none was left out",
  );
  const resumed = story.find((line) => line.kind === "agents.run.resumed");
  assert.equal(resumed?.data.recordedSteps, stepsOf(before).length);
  const beliefs = story.filter((line) => line.kind === "beliefs.held").map((line) => JSON.stringify(line.data));
  assert.deepEqual(beliefs, [...new Set(beliefs)], "no conclusion was told twice");
  const again = await hub.send("POST /agents/resume", { episode });
  assert.deepEqual([again.status, again.body.code], [409, "agents.not-interrupted"]);
  return readFile(join(folder, "brief.md"), "utf8");
}

test("a run that was killed at any step is resumed, and its brief is that of an undisturbed run", async () => {
  await using quiet = await createRoom();
  const folder = await quiet.folder("notes", notes());
  let whole = "";
  {
    await using hub = await startHub({ stateDir: quiet.stateDir });
    const row = await briefToEnd(hub, { folder, allowWrite: true });
    assert.equal(row.status, "finished");
    whole = await readFile(join(folder, "brief.md"), "utf8");
  }
  for (const steps of [1, 4, 9]) {
    await rm(join(folder, "brief.md"));
    await using room = await createRoom();
    const resumed = await resumedBrief(room, { folder, steps });
    assert.equal(resumed, whole, `killed after step ${steps}`);
  }
}, 180_000);

test("killed while it asks: the question is withdrawn, and the resumed run asks anew", async () => {
  await using room = await createRoom();
  const folder = await room.sample("asks");
  const first = await startHub({ stateDir: room.stateDir });
  const { episode } = await beginBrief(first, { folder });
  const asked = await episodeWaits(first, episode);
  await first.kill("SIGKILL");
  await using hub = await startHub({ stateDir: room.stateDir });
  const withdrawn = await hub.get(`/state/approvals/${asked.approvalId}`);
  assert.equal(withdrawn.status, "cancelled");
  assert.match(withdrawn.reason, /the hub ended/);
  const row = await episodeRow(hub, episode);
  assert.deepEqual([row?.status, row?.waitingApprovalIds], ["interrupted", []]);
  const late = await hub.send(`POST /approvals/${asked.approvalId}/decide`, { decision: "allow" });
  assert.equal(late.status, 409);
  await resume(hub, episode);
  const anew = await episodeWaits(hub, episode);
  assert.notEqual(anew.approvalId, asked.approvalId);
  assert.equal(anew.diff, asked.diff);
  await decide(hub, anew.approvalId, "allow");
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  const { story } = await storyOf(hub, episode);
  assert.equal(story.filter((line) => line.kind === "intents.proposed" && line.data.path === "brief.md").length, 1);
  assert.equal(story.filter((line) => line.kind === "actions.applied" && line.data.path === "brief.md").length, 1);
});

test("an interrupted run can be stopped instead", async () => {
  await using room = await createRoom();
  const folder = await room.sample("stopped");
  const first = await startHub({ stateDir: room.stateDir });
  const { episode } = await beginBrief(first, { folder });
  await episodeWaits(first, episode);
  await first.kill("SIGKILL");
  await using hub = await startHub({ stateDir: room.stateDir });
  assert.equal((await hub.post("/agents/stop", { episode })).status, "cancelled");
  const again = await hub.send("POST /agents/resume", { episode });
  assert.deepEqual([again.status, again.body.code], [409, "agents.not-interrupted"]);
  assert.equal(existsSync(join(folder, "brief.md")), false);
});

test("a hub that is asked to end ends soon, and its run is interrupted, not lost", async () => {
  await using room = await createRoom();
  const folder = await room.sample("asked-to-end");
  const first = await startHub({ stateDir: room.stateDir });
  const { episode } = await beginBrief(first, { folder });
  await episodeWaits(first, episode);
  const exit = await first.kill("SIGTERM");
  assert.deepEqual([exit.code, exit.stderr], [0, ""]);
  await using hub = await startHub({ stateDir: room.stateDir });
  assert.equal((await episodeRow(hub, episode))?.status, "interrupted");
  await resume(hub, episode);
  const anew = await episodeWaits(hub, episode);
  await decide(hub, anew.approvalId, "allow");
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
});

test("what a resume needs is gone: it says so and the run stays as it is for the reader", async () => {
  await using room = await createRoom();
  const folder = await room.sample("gone");
  const first = await startHub({ stateDir: room.stateDir });
  const { episode } = await beginBrief(first, { folder });
  await episodeWaits(first, episode);
  await first.kill("SIGKILL");
  await rm(join(room.stateDir, "blobs"), { recursive: true, force: true });
  await using hub = await startHub({ stateDir: room.stateDir });
  await resume(hub, episode);
  // Reads whose result is gone are read again; only a change that cannot be recalled ends the resume.
  const anew = await episodeWaits(hub, episode);
  await decide(hub, anew.approvalId, "deny");
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
});

test("a second hub on the same state is refused and names the first; a killed one leaves no lock", async () => {
  await using room = await createRoom();
  const first = await startHub({ stateDir: room.stateDir });
  const refused = await startRefused({ stateDir: room.stateDir });
  assert.equal(refused.code, 78);
  assert.equal(refused.stdout, "");
  assert.ok(refused.stderr.includes(`process ${first.pid}`) && refused.stderr.includes(first.url), refused.stderr);
  assert.equal((await first.send("GET /healthz")).status, 200, "the first goes on");
  await first.kill("SIGKILL");
  assert.ok(existsSync(join(room.stateDir, "lock.json")), "the note of the killed hub is still there");
  await using next = await startHub({ stateDir: room.stateDir });
  assert.notEqual(next.pid, first.pid);
});

test("a copy of the state taken after a kill opens elsewhere with the same history", async () => {
  await using room = await createRoom();
  const folder = await room.sample("copied");
  const first = await startHub({ stateDir: room.stateDir });
  const { episode, taskId } = await beginBrief(first, { folder, allowWrite: true });
  // The task ends a moment after its run, with an event of its own.
  await until("the task to end", async () =>
    (await first.get(`/tasks/${taskId}`)).status === "finished" ? true : undefined,
  );
  const row = await episodeRow(first, episode);
  await first.kill("SIGKILL");
  const copy = join(room.path, "copy");
  await cp(room.stateDir, copy, { recursive: true });
  await copyFile(join(room.stateDir, "credentials"), join(copy, "credentials"));
  await using hub = await startHub({ stateDir: copy });
  assert.deepEqual(await episodeRow(hub, episode), row);
});
