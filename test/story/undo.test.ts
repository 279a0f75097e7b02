/** Undo on a real disk by the command line: what comes back, what stays beside edits, what is shown where both changed one place. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type Exit, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { episodeEnded } from "./kit/scout-run.ts";

const before = "one\r\ntwo\r\nthree\r\nfour\r\nfive\r\n";
const recipe = `
name = "scribe"
about = "Writes three files."
[[input]]
name = "folder"
kind = "folder"
${[
  ["deep/er/new.md", "new\\n"],
  ["plan.md", before.replace("five", "FIVE").replaceAll("\r", "\\r").replaceAll("\n", "\\n")],
  ["same.md", "by the run\\n"],
]
  .map(
    ([path, text], place) => `[[step]]
id = "step${place}"
tool = "fs.write"
input = { folder = "{{input.folder}}", path = "${path}", text = "${text}" }`,
  )
  .join("\n")}
`;

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

test("what a run changed goes back beside what was edited since, and a conflict stays and is shown", async () => {
  const folder = await room.folder("notes", { "plan.md": before, "same.md": "before\n" });
  const given = { recipe, input: [`folder=${folder}`], allow: ["fs.write"] };
  const episode = (await hub.post("/recipes/run", given)).corrId as string;
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  assert.equal(await readFile(join(folder, "deep/er/new.md"), "utf8"), "new\n");
  await writeFile(join(folder, "plan.md"), `zero\r\n${before.replace("five", "FIVE")}`);
  await writeFile(join(folder, "same.md"), "by me\n");

  const plan = await arw("undo", episode, "--dry-run");
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /An undo would change 2 files, 1 file stays as it is/);
  assert.match(plan.stdout, /new\.md is removed: the run created it/);
  assert.match(plan.stdout, /-FIVE\n +\+five/);
  assert.match(plan.stdout, /same\.md stays as it is: it was edited since in the same place/);
  assert.ok(existsSync(join(folder, "deep/er/new.md")));

  const undone = await arw("undo", episode, "--json");
  assert.equal(undone.code, 1, "a file stays that the run changed");
  const { status, undoId } = JSON.parse(undone.stdout) as { readonly status: string; readonly undoId: string };
  assert.equal(status, "partly");
  assert.deepEqual((await readdir(folder)).toSorted(), ["plan.md", "same.md"]);
  assert.equal(await readFile(join(folder, "plan.md"), "utf8"), `zero\r\n${before}`);
  assert.equal(await readFile(join(folder, "same.md"), "utf8"), "by me\n");
  const { items } = await hub.get(`/state/undone?episode=${episode}`);
  assert.equal(items.length, 2);

  assert.match(plan.stdout, /--conflicts marks +both sides are written into it/);
  const settled = await arw("undo", episode, "--path", "same.md", "--conflicts", "marks");
  assert.equal(settled.code, 0, settled.stderr);
  assert.match(settled.stdout, /^✓ 1 file as you settle it\.\n.*same\.md has both sides in it now/);
  const both = "<<<<<<< edited since\nby me\n=======\nbefore\n>>>>>>> before the run\n";
  assert.equal(await readFile(join(folder, "same.md"), "utf8"), both);
  const again = await arw("undo", episode);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^✓ Nothing is left to do: 2 files were undone before, 1 file was settled before\.$/m);
  assert.match(again.stdout, /same\.md was settled before: marks are in it$/m);
  const back = await arw("undo", episode, "--conflicts", "before");
  assert.match(back.stdout, /^✓ 1 of 3 files is as before the run, 2 files were undone before\.\n.*same\.md goes back/);
  assert.equal(await readFile(join(folder, "same.md"), "utf8"), "before\n");

  await hub.post(`/undo/${undoId}`, {});
  assert.equal(await readFile(join(folder, "deep/er/new.md"), "utf8"), "new\n");
  assert.equal(await readFile(join(folder, "plan.md"), "utf8"), `zero\r\n${before.replace("five", "FIVE")}`);

  const edited = await arw("undo", episode, "--path", "plan.md");
  assert.equal(edited.code, 0, edited.stderr);
  assert.match(edited.stdout, /^✓ 1 of 1 file is as before the run but for what was edited since\.$/m);
  assert.match(edited.stdout, /plan\.md is what it was before, and what was edited since stayed$/m);
});

test("a link that came in the folder's place leads no undo elsewhere; one that was there all along is followed", async () => {
  const recordedIn = async (folder: string): Promise<string> => {
    const given = { recipe, input: [`folder=${folder}`], allow: ["fs.write"] };
    const episode = (await hub.post("/recipes/run", given)).corrId as string;
    assert.equal((await episodeEnded(hub, episode)).status, "finished");
    return episode;
  };
  const mine = await room.folder("mine", { "plan.md": before });
  const episode = await recordedIn(mine);
  const stranger = await room.folder("stranger", { "same.md": "by the run\n" });
  await rename(mine, `${mine}.real`);
  await symlink(stranger, mine);
  const { status, files } = (await hub.send(`POST /undo/${episode}`, {})).body;
  assert.deepEqual([status, (await readdir(stranger)).length], ["partly", 1]);
  assert.match(files[0].detail, /mine leads to .*stranger now, and the file was changed in .*mine$/);
  await rm(mine);
  await rename(`${mine}.real`, mine);
  assert.equal((await hub.post(`/undo/${episode}`, {})).status, "undone");
  assert.deepEqual(await readdir(mine), ["plan.md"]);

  const linked = join(room.path, "linked");
  await symlink(mine, linked);
  const through = await recordedIn(linked);
  const there = await hub.post(`/undo/${through}`, {});
  assert.equal(there.status, "undone");
  assert.equal((await hub.post(`/undo/${there.undoId}`, {})).status, "undone");
  assert.equal(await readFile(join(mine, "deep/er/new.md"), "utf8"), "new\n");
});
