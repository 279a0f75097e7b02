/** The recipes that are shipped, through a real hub: checked, looked at beforehand, run, asked about, resumed. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type Exit, type Json, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { decide, episodeEnded, episodeRow, episodeWaits } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

const shipped = join(programRoot, "examples", "recipes");
const recipe = (name: string): string => join(shipped, `${name}.toml`);
const textOf = (name: string): Promise<string> => readFile(recipe(name), "utf8");

let room: Room;
let hub: RunningHub;
beforeAll(async () => {
  room = await createRoom();
  hub = await startHub({ stateDir: room.stateDir, env: { ARW_SHELL: "1" } });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

const arw = (...words: readonly string[]): Promise<Exit> => runArw(words, room);

async function begin(name: string, given: object): Promise<string> {
  const { status, body } = await hub.send("POST /recipes/run", { recipe: await textOf(name), ...given });
  assert.equal(status, 202, JSON.stringify(body));
  return body.corrId as string;
}
const newestSeq = async (): Promise<number> => (await hub.get("/events/journal?limit=1")).headSeq as number;

/** What the run said at its end. */
const finished = async (episode: string): Promise<Json> => {
  const row = await episodeEnded(hub, episode);
  assert.equal(row.status, "finished", row.outcome);
  return until(`the end of ${episode} in the journal`, async () => {
    const { events } = await hub.get(`/events/journal?corr=${episode}&limit=20`);
    return events.find((each: Json) => each.kind === "agents.run.finished")?.data;
  });
};

test("every recipe that is shipped holds", async () => {
  const names = await readdir(shipped);
  assert.deepEqual(names.toSorted(), ["brief.toml", "folder-changes.toml", "sort-incoming.toml", "weekly-digest.toml"]);
  for (const name of names) {
    const { faults } = await hub.post("/recipes/lint", { recipe: await readFile(join(shipped, name), "utf8") });
    assert.deepEqual(faults, [], name);
  }
});

test("the recipe in the guide holds, too", async () => {
  const guide = await readFile(join(programRoot, "docs", "guides", "recipes.md"), "utf8");
  const [, text] = /```toml\n([^`]+)```/u.exec(guide) ?? [];
  assert.deepEqual((await hub.post("/recipes/lint", { recipe: text })).faults, []);
});

test("the command line names the line of a fault, and a file that is not there", async () => {
  await writeFile(join(room.path, "bad.toml"), 'name = "bad"\nabout = "x"\n[[step]]\nid = "a"\ntool = "fs.lst"\n');
  const bad = await arw("recipe", "lint", "bad.toml");
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /line 5: there is no tool fs\.lst\n.*did you mean fs\.list\?/u);
  const run = await arw("recipe", "run", "bad.toml");
  assert.equal(run.code, 1);
  assert.match(run.stderr, /line 5: there is no tool fs\.lst/u);
  const absent = await arw("recipe", "run", "absent.toml");
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /absent\.toml: there is no such file/u);
});

test("a dry run says of a folder that is not there that a run would fail, whatever the rules say", async () => {
  const planned = await arw("recipe", "dry-run", recipe("brief"), "--input", "folder=nowhere");
  assert.equal(planned.code, 1, planned.stderr);
  assert.match(planned.stdout, /✗ The input folder: .*\n?.*A run would fail there/u);
  assert.match(planned.stdout, /allow +\S+ +fs\.list/u);
  const file = join(room.path, "absent.md");
  const text =
    'name = "r"\nabout = "x"\n[[input]]\nname = "file"\nkind = "file"\n[[step]]\nid = "a"\ntool = "fs.read"\n' +
    'input = { folder = "{{input.file.folder}}", path = "{{input.file.path}}" }\n';
  const { absent } = await hub.post("/recipes/dry-run", { recipe: text, input: [`file=${file}`] });
  assert.deepEqual(
    absent.map((each: Json) => each.input),
    ["file"],
  );
  await writeFile(file, "x\n");
  const found = await hub.post("/recipes/dry-run", { recipe: text, input: [`file=${file}`] });
  assert.deepEqual(found.absent, []);
});

test("a dry run says what would be asked, and changes nothing", async () => {
  const folder = await room.folder("dry", { "a.md": "# A\n" });
  const before = await newestSeq();
  const { code, stdout } = await arw("recipe", "dry-run", recipe("brief"), "--input", "folder=dry", "--json");
  assert.equal(code, 0);
  const { steps } = JSON.parse(stdout) as {
    steps: { id: string; verdict: string; input: { folder?: string } | null }[];
  };
  const tools = steps.filter(({ input }) => input !== null);
  assert.deepEqual(
    tools.map(({ id, verdict }) => `${id} ${verdict}`),
    ["entries allow", "read allow", "write ask"],
  );
  assert.equal(tools[0]?.input?.folder, folder);
  assert.deepEqual(await readdir(folder), ["a.md"]);
  assert.equal(await newestSeq(), before);
});

test("folder-changes tells what is new, changed and gone since last time", async () => {
  const folder = await realpath(await room.folder("changing", { "a.md": "# A\n", "b.md": "# B\n" }));
  const run = async () => {
    const episode = await begin("folder-changes", { input: [`folder=${folder}`], allow: ["scout.remember"] });
    return (await finished(episode)).outcome as string;
  };
  assert.equal(await run(), "2 new, 0 changed, 0 gone");
  assert.equal(await run(), "0 new, 0 changed, 0 gone");
  await writeFile(join(folder, "a.md"), "# Z\n");
  await writeFile(join(folder, "c.md"), "# C\n");
  await rm(join(folder, "b.md"));
  const { code, stdout } = await arw(
    "recipe",
    "run",
    recipe("folder-changes"),
    "--input",
    "folder=changing",
    "--allow",
    "scout.remember",
  );
  assert.equal(code, 0, stdout);
  assert.match(stdout, /1 new, 1 changed, 1 gone/u);
  assert.match(stdout, /New\n {2}c\.md \(4 bytes\)\nChanged\n {2}a\.md\nGone\n {2}b\.md/u);
});

test("the brief asks before it writes, and a no leaves the folder as it was", async () => {
  const folder = await realpath(
    await room.folder("notes", { "a.md": "# Plan\n\n- [ ] Water the beds\n\nIs it dry?\n" }),
  );
  const refused = await begin("brief", { input: [`folder=${folder}`] });
  await decide(hub, (await episodeWaits(hub, refused)).approvalId, "deny");
  const { outcome, notDone } = await finished(refused);
  assert.match(outcome, /^Stopped at write: /u);
  assert.match(notDone[0], /^write: not done/u);
  assert.deepEqual(await readdir(folder), ["a.md"]);

  const allowed = await begin("brief", { input: [`folder=${folder}`] });
  await decide(hub, (await episodeWaits(hub, allowed)).approvalId, "allow");
  assert.equal((await finished(allowed)).outcome, "Wrote brief.md from 1 files");
  const brief = await readFile(join(folder, "brief.md"), "utf8");
  assert.match(brief, /- `a\.md` Plan\n/u);
  assert.match(brief, /- .*Water the beds.* \(`a\.md:3`\)/u);
  assert.match(brief, /- Is it dry\? \(`a\.md:5`\)/u);
});

test("weekly-digest writes what is young, and nothing of itself", async () => {
  const folder = await realpath(await room.folder("week", { "a.md": "# Young\n" }));
  const given = { input: [`folder=${folder}`], allow: ["fs.write"] };
  for (const round of [1, 2]) {
    const { outcome } = await finished(await begin("weekly-digest", given));
    assert.equal(outcome, "Wrote weekly-digest.md: 1 files of the last seven days", `round ${round}`);
  }
  assert.match(await readFile(join(folder, "weekly-digest.md"), "utf8"), /- `a\.md` Young\n/u);
});

test("a step may ask its person, and goes on with what they say", async () => {
  const asking = [
    'name = "greet"\nabout = "Greets."\nanswer = "Good day, {{steps.who.text}}"',
    '[[step]]\nid = "who"\ntool = "questions.ask"\ninput = { question = "Who are you?" }\n',
  ].join("\n");
  const { body } = await hub.send("POST /recipes/run", { recipe: asking });
  const question = await until("the question", async () => {
    const { items } = await hub.get("/state/questions?limit=10");
    return items.find((each: Json) => each.corrId === body.corrId);
  });
  await hub.post(`/questions/${question.questionId}/answer`, { text: "Ada" });
  assert.equal((await finished(body.corrId)).output.answer, "Good day, Ada");
});

test("sort-incoming asks before each move, and a no leaves that file", async ({ skip }) => {
  if (!existsSync("/bin/mv")) skip("optional: there is no mv here");
  const folder = await realpath(
    await room.folder("incoming", { "a.txt": "a", "b.pdf": "b", "c.png": "c", "d.zip": "d" }),
  );
  const episode = await begin("sort-incoming", { input: [`folder=${folder}`] });
  const asked: string[] = [];
  for (;;) {
    const row = await until("the run to ask or to end", async () => {
      const now = await episodeRow(hub, episode);
      const isNew = now?.waitingApprovalIds?.some((id: string) => !asked.includes(id));
      return isNew || now?.status === "finished" || now?.status === "failed" ? now : undefined;
    });
    const [id] = row.waitingApprovalIds as string[];
    if (id === undefined) break;
    asked.push(id);
    // Asked in the order of the files: for the folders, for a.txt, for b.pdf, for c.png.
    await decide(hub, id, asked.length === 3 ? "deny" : "allow");
  }
  const { outcome, notDone } = await finished(episode);
  assert.equal(outcome, "1 documents and 1 pictures moved");
  assert.match(notDone.join("\n"), /Move b\.pdf into documents/u);
  assert.equal(asked.length, 4);
  assert.deepEqual((await readdir(folder)).toSorted(), ["b.pdf", "d.zip", "documents", "pictures"]);
  assert.deepEqual(await readdir(join(folder, "documents")), ["a.txt"]);
  assert.deepEqual(await readdir(join(folder, "pictures")), ["c.png"]);
});
