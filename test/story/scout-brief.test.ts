/** Scout briefs a folder: what happens in which order, who is asked, and what is on the disk afterwards. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { applyPatch } from "diff";
import { afterAll, beforeAll, test } from "vitest";
import { checkCitations, statementsOf } from "./kit/cited-lines.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { beginBrief, briefToEnd, decide, episodeEnded, episodeWaits, kindsOf, storyOf } from "./kit/scout-run.ts";

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

test("allowing writes exactly what the question showed", async () => {
  const { folder } = await hub.post("/scout/sample", {});
  const { episode } = await beginBrief(hub, { folder });
  const asked = await episodeWaits(hub, episode);
  assert.equal(existsSync(join(folder, "brief.md")), false);
  assert.equal(asked.status, "waiting");
  assert.equal(asked.operation, "fs.write");
  assert.equal(asked.path, "brief.md");
  assert.equal(asked.folder, folder);
  assert.equal(asked.rule, "ask-before-change");
  assert.deepEqual(asked.caller, { kind: "agent", id: "scout" });
  assert.equal((await decide(hub, asked.approvalId, "allow")).status, "granted");
  const ended = await episodeEnded(hub, episode);
  assert.equal(ended.status, "finished");
  assert.match(ended.outcome, /^Wrote brief\.md: \d+ files read, \d+ statements/);
  const text = await readFile(join(folder, "brief.md"), "utf8");
  assert.equal(applyPatch("", asked.diff), text);
});

test("the episode tells observe, conclude, propose, ask, allow, apply, finish in this order", async () => {
  const folder = await room.sample("ordered");
  const { episode } = await beginBrief(hub, { folder });
  const { approvalId } = await episodeWaits(hub, episode);
  await decide(hub, approvalId, "allow");
  const row = await episodeEnded(hub, episode);
  const kinds = await kindsOf(hub, episode);
  const inOrder = [
    "agents.run.started",
    "observations.recorded",
    "beliefs.held",
    "intents.proposed",
    "approvals.requested",
    "approvals.granted",
    "actions.applied",
  ];
  const firsts = inOrder.map((kind) => kinds.indexOf(kind));
  assert.ok(!firsts.includes(-1), `missing among ${kinds.join(" ")}`);
  assert.deepEqual(
    firsts,
    firsts.toSorted((a, b) => a - b),
  );
  assert.equal(kinds.at(-1), "agents.run.finished");
  assert.equal(kinds.lastIndexOf("observations.recorded") < kinds.indexOf("beliefs.held"), true);
  assert.equal(row.counts.observations, kinds.filter((kind) => kind === "observations.recorded").length);
  assert.equal(row.counts.approvals, 1);
  assert.equal(row.model, "none");
});

test("denying ends the run in good order and says what was not done", async () => {
  const folder = await room.sample("denied");
  const { episode, taskId } = await beginBrief(hub, { folder });
  const { approvalId } = await episodeWaits(hub, episode);
  const answer = await hub.send(`POST /approvals/${approvalId}/decide`, { decision: "deny", reason: "not today" });
  assert.equal(answer.body.status, "denied");
  const ended = await episodeEnded(hub, episode);
  assert.equal(ended.status, "finished");
  assert.match(ended.outcome, /^Wrote nothing/);
  assert.equal(existsSync(join(folder, "brief.md")), false);
  const { story } = await storyOf(hub, episode);
  const finished = story.find((line) => line.kind === "agents.run.finished");
  assert.equal(finished?.data.notDone.length, 1);
  assert.match(finished?.data.notDone[0], /brief\.md was not written/);
  const refused = story.find((line) => line.kind === "actions.refused");
  assert.match(refused?.data.reason, /not today/);
  const task = await hub.get(`/tasks/${taskId}`);
  assert.equal(task.status, "finished");
  assert.equal(task.output.written, false);
  assert.equal(task.output.notDone.length, 1);
  const again = await hub.send(`POST /approvals/${approvalId}/decide`, { decision: "allow" });
  assert.equal(again.status, 409);
});

test("a run that may write asks nothing, and the permission covers the brief alone", async () => {
  const folder = await room.sample("allowed");
  const row = await briefToEnd(hub, { folder, output: "summary.md", allowWrite: true });
  assert.equal(row.status, "finished");
  assert.equal(row.counts.approvals, 0);
  assert.ok(existsSync(join(folder, "summary.md")));
  const started = (await storyOf(hub, row.id)).story.find((line) => line.kind === "agents.run.started");
  const writing = started?.data.grants.filter((grant: { key: string }) => grant.key.startsWith("fs:write"));
  assert.deepEqual(writing, [{ key: "fs:write", folder, path: "summary.md" }]);
});

test("every statement cites lines that hold what it quotes, and a planted order is shown and not followed", async () => {
  const folder = await room.sample("cited");
  await briefToEnd(hub, { folder, allowWrite: true });
  const text = await readFile(join(folder, "brief.md"), "utf8");
  assert.ok(statementsOf(text).length > 30);
  assert.ok((await checkCitations(text, folder)) > 30);
  const orders = statementsOf(text).filter(({ section }) => section === "Text that looks like an instruction");
  assert.ok(orders.some(({ places }) => places.some(({ path }) => path === "letters/seed-offer.md")));
  assert.match(text, /quoted below, not followed/);
  assert.doesNotMatch(text, /\]\(http/);
});

test("a second brief of the same folder tells what changed, and is no content itself", async () => {
  const folder = await room.folder("twice", {
    "a.md": "# A\n\nOne line of text here.\n",
    "b.md": "# B\n\nAnother line here.\n",
  });
  await briefToEnd(hub, { folder, allowWrite: true });
  assert.doesNotMatch(await readFile(join(folder, "brief.md"), "utf8"), /Changes since/);
  await room.folder("twice", { "a.md": "# A\n\nA different line of text.\n", "c.md": "# C\n" });
  await briefToEnd(hub, { folder, allowWrite: true });
  const text = await readFile(join(folder, "brief.md"), "utf8");
  assert.match(text, /Changed: `a\.md`/);
  assert.match(text, /New: `c\.md`/);
  assert.doesNotMatch(text, /New: `brief\.md`/);
  assert.match(text, /1 new, 1 changed, 0 gone, 1 as before/);
});

test("folders and outputs that cannot be briefed are refused at once", async () => {
  const absent = await hub.send("POST /scout/brief", { folder: join(room.path, "absent") });
  assert.deepEqual([absent.status, absent.body.code], [404, "scout.folder-not-found"]);
  const file = join(await room.folder("plain", { "a.md": "a" }), "a.md");
  const notFolder = await hub.send("POST /scout/brief", { folder: file });
  assert.deepEqual([notFolder.status, notFolder.body.code], [404, "scout.folder-not-found"]);
  const relative = await hub.send("POST /scout/brief", { folder: "relative/path" });
  assert.equal(relative.body.code, "scout.folder-not-found");
  assert.match(relative.body.detail, /not an absolute path/);
  assert.equal((await hub.send("POST /scout/brief", { folder: "" })).status, 400);
  const unknown = await hub.send("POST /scout/brief", { folder: file, surprise: 1 });
  assert.deepEqual([unknown.status, unknown.body.code], [400, "arw.invalid-input"]);
});

test("an output that leads out of the folder is not written", async () => {
  const folder = await room.folder("escape", { "a.md": "# A\n\nSome words.\n" });
  for (const output of ["../out.md", "/tmp/arw-out.md", ".git/hooks/post-commit", "a/../../out.md"]) {
    const answer = await hub.send("POST /scout/brief", { folder, output, allowWrite: true });
    if (answer.status === 202)
      assert.notEqual((await episodeEnded(hub, answer.body.corrId)).outcome?.startsWith("Wrote " + output), true);
    else assert.equal(answer.status, 400, output);
    assert.equal(existsSync(join(folder, output)), false, output);
  }
});

test("an empty folder makes a brief that says so", async () => {
  const folder = await room.folder("empty", {});
  const row = await briefToEnd(hub, { folder, allowWrite: true });
  assert.equal(row.status, "finished");
  assert.match(await readFile(join(folder, "brief.md"), "utf8"), /There is nothing to tell/);
});
