/** Rules as a person meets them: a file that is read at the start and while the hub runs, and both ends of every call. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { test } from "vitest";
import { readEvents } from "./kit/event-reader.ts";
import { type Json, startHub, startRefused } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { findInFiles } from "./kit/state-search.ts";
import { until } from "./kit/until.ts";

const refusedExitCode = 78;
const planted = "violet heron at the north gate";

test("a file of rules that cannot be understood, or that was named and is not there, stops the start with its line", async () => {
  await using room = await createRoom();
  await mkdir(room.stateDir, { recursive: true });
  await writeFile(join(room.stateDir, "gating.toml"), '[[contract]]\nid = "a"\npaterns = ["fs:*"]\n');
  const wrong = await startRefused({ stateDir: room.stateDir });
  assert.equal(wrong.code, refusedExitCode);
  assert.match(
    wrong.stderr,
    /does not start: the rules are not valid\.\n.*gating\.toml:3: paterns is not known\. Did you mean patterns\?/,
  );
  assert.match(wrong.stderr, /Mend the file, or move it away/);
  const missing = await startRefused({ stateDir: room.stateDir, env: { ARW_GATING_FILE: "other.toml" } });
  assert.equal(missing.code, refusedExitCode);
  assert.match(missing.stderr, /other\.toml: does not exist/);
});

test("the file is read anew when it changes; a mistake keeps the last good rules and shows in the health check", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const folder = await room.folder("notes", { "a.md": "hello\n" });
  const read = () => hub.call("POST", "/fs/read", { folder, path: "a.md" });
  assert.equal((await read()).status, 200);
  const file = join(room.stateDir, "gating.toml");
  await writeFile(file, '\n[[contract]]\nid = "closed"\npatterns = ["fs:read"]\nreason = "not today"\n');
  await until("the rule to hold", async () => ((await read()).status === 403 ? true : undefined));
  const { body } = await read();
  assert.deepEqual(
    [body.code, body.rule, body.source, body.reason],
    ["arw.denied", "closed", `${file}:2`, "not today"],
  );
  const { decidedBy } = await hub.post("/policy/explain", { operation: "fs.read", input: { folder, path: "a.md" } });
  assert.deepEqual([decidedBy.rule, decidedBy.source], ["closed", `${file}:2`]);
  assert.match(decidedBy.next, /^remove the contract closed at .*gating\.toml:2, then: arw gate reload$/);

  await writeFile(file, "[[contract]\n");
  const unwell = await until("the health check to fail", async () => {
    const health = await hub.call("GET", "/healthz");
    return health.body.ok === false ? health.body : undefined;
  });
  const { detail } = unwell.checks.find((each: Json) => each.name === "rules");
  assert.match(detail, /gating\.toml:1: not valid TOML.*stay in force/);
  assert.equal((await read()).status, 403);
  const { status, body: refused } = await hub.call("POST", "/gating/reload", {});
  assert.deepEqual([status, refused.code], [422, "gating.rules-invalid"]);
  await rm(file);
  assert.equal((await hub.post("/gating/reload", {})).rules, 0);
  assert.equal((await read()).status, 200);
});

/** Reads the planted words in every way there is, ends the hub, and answers where they are found afterwards. */
async function spread(env: Readonly<Record<string, string>>): Promise<{ answers: Json[]; found: readonly string[] }> {
  await using room = await createRoom();
  const folder = await room.folder("notes", { "a.md": `# Plan\n\n- [ ] Look for the ${planted}.\n` });
  const tee = { ARW_EVENTS_JOURNAL: "events.jsonl", ARW_LOG_LEVEL: "debug" };
  const hub = await startHub({ stateDir: room.stateDir, env: { ...env, ...tee } });
  await using everything = await readEvents(hub, "");
  const input = { folder, path: "a.md" };
  const answers: Json[] = [];
  for (const accept of ["application/json", "text/event-stream", "application/x-ndjson"])
    answers.push(await hub.send("POST /fs/read", input, { authorization: `Bearer ${hub.token}`, accept }));
  answers.push(await hub.call("POST", "/tasks/enqueue", { kind: "fs.read", payload: input }));
  const brief = await hub.post("/scout/brief", { folder, allowWrite: true });
  await everything.waitFor("the run to end", (events) =>
    events.some((each) => each.corrId === brief.corrId && /^agents\.run\.(finished|failed)$/.test(each.kind)),
  );
  const episode = await hub.get(`/episodes/${brief.corrId}`);
  const shown = { answers, episode, frames: everything.frames, output: hub.output() };
  await hub.kill("SIGTERM");
  const found = await findInFiles(room.stateDir, [planted]);
  for (const [name, value] of Object.entries(shown)) if (JSON.stringify(value).includes(planted)) found.push(name);
  for (const name of await readdir(room.stateDir, { recursive: true }))
    if (name.endsWith(".gz") && gunzipSync(await readFile(join(room.stateDir, name))).includes(planted))
      found.push(name);
  return { answers, found };
}

test("what may not leave leaves by no exit: no answer, stream, task, step of a run, tee, log, audit or blob", async () => {
  const open = await spread({});
  const exits = ["journal.db", "events.jsonl", "answers", "episode", "frames"];
  for (const exit of exits)
    assert.ok(
      open.found.some((each) => each.includes(exit)),
      `${exit} is an exit`,
    );
  const closed = await spread({ ARW_GATING_DENY: "io:egress:fs:read,io:egress:text:*" });
  for (const { status, body } of closed.answers) assert.deepEqual([status, body.rule], [403, "io:egress:fs:read"]);
  assert.deepEqual(closed.found, []);
});

test("a stream ends when a rule closes it, before the next event leaves", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  await using reader = await readEvents(hub, "?prefix=hierarchy.");
  await hub.post("/hierarchy/tags", { tags: ["seen"] });
  await reader.waitFor("the first change", (events) => events.some((each) => each.kind === "hierarchy.tags.changed"));
  await hub.call("PUT", "/gating/contracts/quiet", { patterns: ["io:egress:events:watch"] });
  await hub.post("/hierarchy/tags", { tags: ["unseen"] });
  const again = await hub.send("GET /events");
  assert.deepEqual([again.status, again.body.rule], [403, "quiet"]);
  await hub.call("DELETE", "/gating/contracts/quiet");
  await hub.post("/hierarchy/tags", { tags: ["late"] });
  assert.doesNotMatch(JSON.stringify(reader.frames), /unseen|late/);
});
