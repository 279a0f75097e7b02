import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { bellRecipe, openSchedules, type ScheduleKit } from "../../../test/kit/schedules.ts";
import { isProblem } from "../../contract/problem.ts";
import { FileNotFound } from "../fs/contract.ts";
import { changesBetween, isWanted } from "./watches.ts";

const folder = "/watched";
const settleMs = 2000;
const watch = { watch: folder, recipe: bellRecipe("ding") };

async function openWatched(more: object = {}): Promise<ScheduleKit> {
  const home = await openSchedules();
  home.folders.tree(folder).put("a.md", "one");
  await home.add("bell", { ...watch, ...more });
  await home.pass(3000);
  return home;
}
const changesOf = (home: ScheduleKit) =>
  home
    .said("schedules.due")
    .map(({ changes }) => (changes as { path: string; kind: string }[]).map(({ path, kind }) => `${kind} ${path}`));

test("a change begins a run once the folder is quiet, and says what changed", async () => {
  await using home = await openWatched();
  const tree = home.folders.tree(folder);
  tree.put("a.md", "two");
  tree.put("new/b.md", "b");
  home.notices.notice(folder);
  await home.pass(settleMs - 1);
  home.notices.notice(folder);
  await home.pass(settleMs - 1);
  assert.deepEqual(home.rung, []);
  await home.pass(1);
  assert.deepEqual(home.rung, ["ding"]);
  tree.delete("new/b.md");
  home.notices.notice(folder);
  await home.pass(settleMs);
  assert.deepEqual(changesOf(home), [["changed a.md", "added new/b.md"], ["removed new/b.md"]]);
});

test("a notice without a change, and a file that was only touched, begin nothing", async () => {
  await using home = await openWatched();
  home.notices.notice(folder);
  await home.pass(settleMs);
  home.folders.tree(folder).put("a.md", "one");
  home.notices.notice(folder);
  await home.pass(settleMs);
  assert.deepEqual(home.rung, []);
});

test("a folder that is never quiet is looked at all the same", async () => {
  await using home = await openWatched();
  home.folders.tree(folder).put("a.md", "two");
  for (let each = 0; each < 30; each += 1) {
    home.notices.notice(folder);
    await home.pass(settleMs / 2);
  }
  assert.deepEqual(home.rung, ["ding"]);
});

test("only files that were asked for count", async () => {
  await using home = await openWatched({ only: ["*.pdf", "letters/**"] });
  const tree = home.folders.tree(folder);
  tree.put("notes.md", "x");
  home.notices.notice(folder);
  await home.pass(settleMs);
  assert.deepEqual(home.rung, []);
  tree.put("in/bill.pdf", "x");
  tree.put("letters/2026/may.md", "x");
  home.notices.notice(folder);
  await home.pass(settleMs);
  assert.deepEqual(changesOf(home), [["added in/bill.pdf", "added letters/2026/may.md"]]);
});

const writes = [
  'name = "writes"\nabout = "Writes into the folder."',
  '[[input]]\nname = "folder"\nkind = "folder"',
  '[[step]]\nid = "write"\ntool = "fs.write"',
  'input = { folder = "{{input.folder}}", path = "out.md", text = "{{run.date}}" }',
  '[[step]]\nid = "ring"\ntool = "bell.ring"\ninput = { word = "ding" }\n',
].join("\n");

test("what a run writes begins no other one, and what others write meanwhile does", async () => {
  await using home = await openWatched({
    recipe: writes,
    input: [`folder=${folder}`],
    allow: ["fs.write"],
  });
  const tree = home.folders.tree(folder);
  home.hold(true);
  tree.put("a.md", "two");
  home.notices.notice(folder);
  await home.pass(settleMs);
  assert.equal(home.rung.length, 1);
  home.notices.notice(folder);
  tree.put("b.md", "of somebody else");
  home.notices.notice(folder);
  await home.pass(settleMs);
  assert.equal(home.rung.length, 1, "it goes still");
  home.hold(false);
  await home.rest();
  await home.pass(settleMs);
  assert.deepEqual(changesOf(home), [["changed a.md"], ["added b.md"]]);
  await home.pass(60_000);
  home.notices.notice(folder);
  await home.pass(settleMs);
  assert.equal(home.rung.length, 2);
});

test("a paused or removed schedule watches nothing, and one that goes on begins anew", async () => {
  await using home = await openWatched();
  const tree = home.folders.tree(folder);
  await home.kit.call("schedules.pause", { name: "bell" });
  assert.deepEqual(home.notices.watched, []);
  tree.put("a.md", "while paused");
  await home.kit.call("schedules.continue", { name: "bell" });
  await home.pass(settleMs);
  assert.deepEqual([home.notices.watched, home.rung], [[folder], []]);
  tree.put("a.md", "afterwards");
  home.notices.notice(folder);
  await home.pass(settleMs);
  assert.deepEqual(home.rung, ["ding"]);
  await home.kit.call("schedules.remove", { name: "bell" });
  assert.deepEqual(home.notices.watched, []);
});

test("a folder that went away is watched again when it is back", async () => {
  await using home = await openWatched();
  home.notices.end(folder);
  assert.deepEqual(home.notices.watched, []);
  await home.pass(60_000);
  assert.deepEqual(home.notices.watched, [folder]);
});

test("a folder that cannot be looked at is told once in the row, and begins runs again when it can", async () => {
  await using home = await openWatched();
  const tree = home.folders.tree(folder);
  for (let each = 0; each <= 5000; each += 1) tree.put(`f${each}`, "");
  home.notices.notice(folder);
  await home.pass(settleMs);
  assert.match((await home.row("bell")).skipped?.reason ?? "", /^\/watched could not be looked at, .*: /u);
  await home.pass(180_000);
  assert.equal(home.said("schedules.skipped").length, 1);
  for (let each = 0; each <= 5000; each += 1) tree.delete(`f${each}`);
  tree.put("a.md", "two");
  await home.pass(60_000 + settleMs);
  assert.deepEqual(changesOf(home), [["changed a.md"]]);
});

test("a folder with too many files is refused, and so is one that is not there", async () => {
  await using home = await openSchedules();
  const tree = home.folders.tree(folder);
  for (let each = 0; each <= 5000; each += 1) tree.put(`f${each}`, "");
  await assert.rejects(home.add("bell", watch), /more than 5000 files/u);
  const nowhere = { ...watch, watch: "/nowhere" };
  await assert.rejects(home.add("bell", nowhere), (error) => isProblem(error, FileNotFound));
});

test("what changed is what two listings differ in", () => {
  const seen = fc.record({
    sizeBytes: fc.nat(2),
    modifiedMs: fc.nat(2),
    digest: fc.constantFrom(null, "x", "y"),
  });
  const listing = fc.dictionary(fc.constantFrom("a", "b", "c"), seen).map((each) => new Map(Object.entries(each)));
  fc.assert(
    fc.property(listing, listing, (before, now) => {
      assert.deepEqual(changesBetween(now, now), []);
      const forth = changesBetween(before, now).map(({ path, kind }) => `${path} ${kind}`);
      const turned = { added: "removed", removed: "added", changed: "changed" } as const;
      const back = changesBetween(now, before).map(({ path, kind }) => `${path} ${turned[kind]}`);
      assert.deepEqual(forth.toSorted(), back.toSorted());
    }),
    runs(100),
  );
  assert.ok(isWanted("a/b.md", ["*.md"]) && isWanted("a/b.md", ["a/**"]) && isWanted("a/b.md", []));
  assert.ok(!isWanted("a/b.md", ["*.pdf"]) && !isWanted("c/a/b.md", ["a/*"]));
});
