/** Schedules through a real hub and its command line: added, listed, run, asked about, stopped; and a folder that is watched. */
import assert from "node:assert/strict";
import { realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type Exit, type Json, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { decide, episodeWaits } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

const shipped = (name: string): string => join(programRoot, "examples", "recipes", `${name}.toml`);

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
async function done(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await arw(...words);
  assert.equal(code, 0, `${words.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}
const scheduled = (name: string): Promise<Json> => hub.get(`/schedules/${name}`);
const ended = (name: string, isNewest: (last: Json) => boolean = () => true): Promise<Json> =>
  until(`the end of a run of ${name}`, async () => {
    const { last } = await scheduled(name);
    return last !== null && last.endedAtMs !== null && isNewest(last) ? last : undefined;
  });

test("a schedule of a recipe: added, listed, run, paused, continued, removed", async () => {
  const folder = await realpath(await room.folder("notes", { "a.md": "# A\n\n- [ ] Water the beds\n" }));
  const given = ["--recipe", shipped("weekly-digest"), "--input", "folder=notes", "--allow", "fs.write"];
  const added = await done(
    "schedule",
    "add",
    "digest",
    "--every",
    "week",
    "--on",
    "mon,thu",
    "--at",
    "07:30",
    "--zone",
    "Europe/Vienna",
    ...given,
  );
  assert.match(added, /waiting {2}digest {2}every mon, thu at 07:30 \(Europe\/Vienna\) {2}next /u);
  assert.match(added, new RegExp(`recipe weekly-digest folder=${folder}`, "u"));
  await done("schedule", "run", "digest");
  assert.match((await ended("digest")).detail, /^Wrote weekly-digest\.md: 1 files/u);
  assert.match(await done("schedule"), /last .* finished after .*: Wrote weekly-digest\.md/u);
  assert.match(await done("schedule", "show", "digest"), /runs as person:admin; allowed without asking: fs\.write/u);
  assert.match(await done("schedule", "pause", "digest"), /paused/u);
  assert.equal((await scheduled("digest")).nextDueMs, null);
  assert.match(await done("schedule", "go-on", "digest"), /waiting/u);
  await done("schedule", "remove", "digest");
  assert.match(await done("schedule"), /No schedules/u);
});

test("what cannot run is refused while the person is there", async () => {
  const bad = await arw(
    "schedule",
    "add",
    "x",
    "--every",
    "day",
    "--at",
    "25:00",
    "--recipe",
    shipped("brief"),
    "--input",
    "folder=notes",
  );
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /25:00 is no time of day: write 07:30/u);
  const none = await arw("schedule", "add", "x", "--every", "hour", "--recipe", "absent.toml");
  assert.equal(none.code, 1);
  assert.match(none.stderr, /there is no such file/u);
});

test("a changed recipe is asked about with its difference, and then runs as it is now", async () => {
  const path = join(room.path, "own.toml");
  const text = (word: string): string =>
    `name = "own"\nabout = "Says a word."\nanswer = "${word}"\noutcome = "said ${word}"\n[[step]]\nid = "say"\ntext = ["${word}"]\n`;
  await writeFile(path, text("one"));
  await done("schedule", "add", "own", "--every", "2d", "--recipe", "own.toml");
  await writeFile(path, text("two"));
  const { episode } = await hub.post("/schedules/own/run", {});
  const waiting = await until("the question", async () => {
    const { items } = await hub.get("/state/approvals?status=waiting&limit=10");
    return items.find((each: Json) => each.corrId === episode);
  });
  assert.match(waiting.diff, /-outcome = "said one"\n[\s\S]*\+outcome = "said two"/u);
  await decide(hub, waiting.approvalId, "allow");
  assert.equal((await ended("own")).detail, "said two");
});

test("a watched folder: a change is reported, and what the run itself keeps begins no other", async () => {
  const folder = await realpath(await room.folder("incoming", { "a.md": "# A\n" }));
  await done(
    "schedule",
    "add",
    "changes",
    "--watch",
    "incoming",
    "--settle-ms",
    "100",
    "--recipe",
    shipped("folder-changes"),
    "--input",
    "folder=incoming",
    "--allow",
    "scout.remember",
  );
  const { episode } = await hub.post("/schedules/changes/run", {});
  assert.match((await ended("changes", (last) => last.episode === episode)).detail, /^1 new/u);
  const again = await until("a run of the change", async () => {
    // Whatever comes before the folder is watched is not seen: it is written until somebody looks.
    await writeFile(join(folder, "b.md"), `# B ${performance.now()}\n`);
    const { last } = await scheduled("changes");
    return last.episode === episode ? undefined : last;
  });
  assert.match((await ended("changes", (last) => last.episode === again.episode)).detail, /1 new|1 changed/u);
  await done("schedule", "remove", "changes");
});

test("a hub that was killed keeps its schedules, and goes on with what was decided", async () => {
  const folder = await realpath(await room.folder("killed", { "a.md": "# A\n" }));
  await done("schedule", "add", "brief", "--every", "2d", "--recipe", shipped("brief"), "--input", `folder=${folder}`);
  const { episode } = await hub.post("/schedules/brief/run", {});
  await episodeWaits(hub, episode);
  await hub.kill("SIGKILL");
  hub = await startHub({ stateDir: room.stateDir });
  const last = await ended("brief");
  assert.equal(last.status, "interrupted");
  const { words, next } = await scheduled("brief");
  assert.equal(next, `arw resume ${episode}`);
  assert.deepEqual([last.episode, words], [episode, "every 2 days"]);
  const { events } = await hub.get(`/events/journal?corr=${episode}&limit=1000`);
  assert.equal(events.filter((each: Json) => each.kind === "schedules.due").length, 0, "the decision is no part of it");
  assert.equal(events.filter((each: Json) => each.kind === "task.enqueued").length, 1);
});
