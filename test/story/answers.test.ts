/** Answers to questions, over HTTP and the command line: changed arguments, contradictions, and rules that come meanwhile. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type Exit, type Json, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { beginBrief, episodeEnded, episodeWaits, storyOf } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

let room: Room;
let hub: RunningHub;
let policies: string;
beforeAll(async () => {
  room = await createRoom();
  policies = join(room.stateDir, "policies");
  await mkdir(policies, { recursive: true });
  hub = await startHub({ stateDir: room.stateDir });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

const arw = (...words: readonly string[]): Promise<Exit> => runArw(words, room);

/** A brief that waits for its answer. */
async function waits(
  name: string,
): Promise<{ readonly folder: string; readonly episode: string; readonly asked: Json }> {
  const folder = await room.sample(name);
  const { episode } = await beginBrief(hub, { folder });
  return { folder, episode, asked: await episodeWaits(hub, episode) };
}

test("a question says what would happen, why it is asked, and what each answer would allow", async () => {
  const { folder, asked } = await waits("asks");
  assert.deepEqual(
    [asked.why, asked.ruleSource.replace(/:\d+$/, ""), asked.effect, asked.needs],
    [
      "an agent asks before it changes anything",
      "default policies",
      "Changes something; can be undone.",
      ["writes files in folders that you grant"],
    ],
  );
  assert.deepEqual(asked.labels.toSorted(), ["file", "tool", "user"]);
  const words = asked.offers.map((each: { words: string }) => each.words);
  assert.ok(words.includes(`Every fs.write of brief.md in ${folder} by agent scout for 15 minutes.`), words.join("\n"));
  assert.ok(!asked.offers.some((each: { over?: string }) => each.over === "host" || each.over === "tool"));
  const listed = await arw("approvals", "--status", "waiting");
  for (const said of [/agent scout: Create brief\.md/, /Why: an agent asks before/, /left, then it counts as\s+no/])
    assert.match(listed.stdout, said);
  assert.match(listed.stdout, /allow --for run\|15m\|1h --over folder/);
  await hub.post(`/approvals/${asked.approvalId}/decide`, { decision: "deny" });
});

test("what a person changes on the command line is what is written, told and learned", async () => {
  const { folder, episode, asked } = await waits("edited");
  const short = asked.approvalId.slice(-8);
  const decided = await arw("approvals", "decide", short, "allow", "--input", '{"path":"notes/today.md"}');
  assert.equal(decided.code, 0, decided.stderr);
  const row = await episodeEnded(hub, episode);
  assert.match(row.outcome, /^Wrote notes\/today\.md: /);
  assert.deepEqual(
    [existsSync(join(folder, "brief.md")), existsSync(join(folder, "notes", "today.md"))],
    [false, true],
  );
  assert.deepEqual(
    row.files.map((each: { path: string }) => each.path),
    ["notes/today.md"],
  );
  const { story } = await storyOf(hub, episode);
  const said = story.find((each) => each.kind === "approvals.granted");
  assert.match(said.text, /-path: "brief\.md"\n\+path: "notes\/today\.md"/);
});

test("answers that contradict themselves or the question are refused with what can be answered, and it waits on", async () => {
  const { asked } = await waits("contradicted");
  const answer = (body: object) => hub.call("POST", `/approvals/${asked.approvalId}/decide`, body);
  for (const body of [
    { decision: "deny", input: { path: "x.md" } },
    { decision: "deny", lasting: { until: "run" } },
    { decision: "allow", lasting: { until: "run", over: "host" } },
    { decision: "allow", lasting: { until: "30d", over: "path" } },
    { decision: "allow", lasting: { until: "run" }, input: { path: "x.md" } },
  ]) {
    const refused = await answer(body);
    assert.deepEqual([refused.status, refused.body.code], [400, "approvals.bad-answer"], JSON.stringify(body));
    assert.match(refused.body.next, /^Answer it once, for longer over path or folder/);
  }
  const typed = await arw("approvals", "decide", asked.approvalId, "allow", "--over", "path");
  assert.equal(typed.code, 1, typed.stderr);
  assert.match(typed.stderr, /--for, --over: must have the field "until"/);
  assert.equal((await hub.get(`/state/approvals/${asked.approvalId}`)).status, "waiting");
  assert.equal((await answer({ decision: "deny", reason: "enough" })).status, 200);
});

test("a forbid that comes while a person thinks forbids what they then allow, and what they write instead", async () => {
  const { folder, episode, asked } = await waits("forbidden");
  const file = join(policies, "meanwhile.cedar");
  await writeFile(
    file,
    `@id("hands-off")\nforbid (principal, action == Action::"fs.write", resource) when { context.path != "brief.md" };`,
  );
  await hub.post("/policy/reload", {});
  const answer = (body: object) => hub.call("POST", `/approvals/${asked.approvalId}/decide`, body);
  const changed = await answer({ decision: "allow", input: { path: "other.md" } });
  assert.deepEqual([changed.status, changed.body.code, changed.body.rule], [403, "arw.denied", "hands-off"]);
  assert.equal((await hub.get(`/state/approvals/${asked.approvalId}`)).status, "waiting");
  await writeFile(file, '@id("hands-off")\nforbid (principal, action == Action::"fs.write", resource);');
  await hub.post("/policy/reload", {});
  assert.equal((await answer({ decision: "allow" })).status, 200);
  const row = await episodeEnded(hub, episode);
  assert.deepEqual([row.refusals, existsSync(join(folder, "brief.md"))], [1, false]);
  assert.equal(row.decisions.at(-1).rule, "hands-off");
  await rm(file);
  await hub.post("/policy/reload", {});
});

test("a question of a call that does not wait keeps its offers over a kill, and runs as a person changed it then", async () => {
  const folder = await room.folder("kept", {});
  const file = join(policies, "asks.cedar");
  await writeFile(
    file,
    '@id("me-too")\n@ask("you asked to be asked")\npermit (principal, action == Action::"fs.write", resource);',
  );
  await hub.post("/policy/reload", {});
  const held = await hub.send("POST /fs/write", { folder, path: "one.md", text: "one\n" });
  assert.equal(held.status, 202);
  await hub.kill("SIGKILL");
  hub = await startHub({ stateDir: room.stateDir });
  const asked = await hub.get(held.body.href);
  assert.equal(asked.why, "you asked to be asked");
  const untils = new Set(asked.offers.flatMap((each: { until?: string }) => each.until ?? []));
  assert.deepEqual([untils.has("run"), untils.has("15m")], [false, true], "a person has no run");
  await hub.post(`/approvals/${held.body.approvalId}/decide`, { decision: "allow", input: { text: "two\n" } });
  await until("the write", () => (existsSync(join(folder, "one.md")) ? true : undefined));
  assert.equal(await readFile(join(folder, "one.md"), "utf8"), "two\n");
});

test("an answer for a while holds for what its words say, is listed, and is over when it is taken back", async () => {
  const { folder, episode, asked } = await waits("lasting");
  const short = asked.approvalId.slice(-8);
  const decided = await arw("approvals", "decide", short, "allow", "--for", "1h", "--over", "folder");
  assert.equal(decided.code, 0, decided.stderr);
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  const again = await beginBrief(hub, { folder, output: "second.md" });
  const row = await episodeEnded(hub, again.episode);
  assert.deepEqual([row.status, row.counts.approvals, existsSync(join(folder, "second.md"))], ["finished", 0, true]);
  const answered = await hub.get(`/state/approvals/${asked.approvalId}`);
  assert.equal(answered.lasting.words, `Every fs.write in ${folder} by agent scout for 1 hour.`);
  const { story } = await storyOf(hub, episode);
  assert.ok(story.some((each) => each.text === `Allowed for longer: ${answered.lasting.words}`));
  const listed = await arw("approvals");
  assert.match(
    listed.stdout.replaceAll(/\s+/g, " "),
    /granted .*by person:admin; Every fs\.write in .* for 1 hour\. Lease /,
  );
  const revoked = await arw("lease", "revoke", answered.lasting.leaseId);
  assert.equal(revoked.code, 0, revoked.stderr);
  const last = await beginBrief(hub, { folder, output: "third.md" });
  const asks = await episodeWaits(hub, last.episode);
  await hub.post(`/approvals/${asks.approvalId}/decide`, { decision: "deny" });
});
