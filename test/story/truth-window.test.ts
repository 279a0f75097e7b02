/** The truth window of a real hub: an episode's row, its snapshot, and the configuration of its time. */
import assert from "node:assert/strict";
import { test } from "vitest";
import { type Json, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { briefToEnd } from "./kit/scout-run.ts";

test("an episode tells who, where, what was decided and which files changed, and is found by each of them", async () => {
  await using room = await createRoom();
  const folder = await room.sample("garden");
  await using hub = await startHub({ stateDir: room.stateDir });
  const row = await briefToEnd(hub, { folder, allowWrite: true });
  assert.deepEqual([row.actors[0], row.projects, row.errors, row.errorItems], ["agent:scout", [folder], 0, []]);
  const [file] = row.files;
  assert.equal(file.path, "brief.md");
  assert.ok(file.sizeBytes > 0);
  assert.deepEqual([row.tokens, row.costUsd, row.firstKind], [0, 0, "agents.run.started"]);
  const ids = async (path: string): Promise<string[]> => (await hub.get(path)).items.map((each: Json) => each.id);
  for (const query of ["actor=scout", "kind=actions.", `folder=${encodeURIComponent(room.path)}`, "text=BRIEF.md"]) {
    assert.deepEqual(await ids(`/state/episodes?${query}`), [row.id], query);
  }
  assert.deepEqual(await ids("/state/episodes?errorsOnly=true"), []);
  const window = await hub.get("/state/actions?actor=scout&kind=actions.applied&text=brief");
  assert.deepEqual([window.items.length, window.rowsMax, window.items[0].seq], [1, 5000, file.seq]);
});

test("a snapshot that is looked for among the rows of views is pointed to where it is", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const under = await hub.call("GET", "/state/episodes/none/snapshot");
  assert.deepEqual([under.status, under.body.code], [404, "arw.not-found"]);
  assert.match(String(under.body.detail), /without its \/state/);
  const nowhere = await hub.call("GET", "/state/episodes/none/nothing");
  assert.doesNotMatch(String(nowhere.body.detail), /without/);
});

test("a snapshot shows the configuration that an episode began under, after it was changed, too", async () => {
  await using room = await createRoom();
  const folder = await room.sample("garden");
  const applied = async (hub: { get(path: string): Promise<Json> }): Promise<number> =>
    (await hub.get("/events/journal?prefix=config.")).events.length;
  const first = await startHub({ stateDir: room.stateDir, flags: ["--deny", "fs:remove"] });
  const row = await briefToEnd(first, { folder, allowWrite: true });
  await first.kill("SIGTERM");
  {
    await using same = await startHub({ stateDir: room.stateDir, flags: ["--deny", "fs:remove"] });
    assert.equal(await applied(same), 1, "the same configuration is not told twice");
  }
  await using hub = await startHub({ stateDir: room.stateDir });
  assert.equal(await applied(hub), 2);
  const snapshot = await hub.get(`/episodes/${row.id}/snapshot`);
  const valueOf = (values: Json, key: string): Json => values.find((each: Json) => each.key === key);
  const { values } = snapshot.configuration;
  assert.deepEqual(
    [valueOf(values, "gate.deny").value, valueOf(values, "gate.deny").source],
    [["fs:remove"], "flag"],
    "as it was",
  );
  assert.ok(!JSON.stringify(values).includes(hub.token));
  assert.deepEqual(valueOf((await hub.get("/state/configurations")).items[0].values, "gate.deny").value, []);
  assert.deepEqual(snapshot.episode, await hub.get(`/state/episodes/${row.id}`));
  const begun = await hub.get(`/episodes/${row.id}/snapshot?at=${row.firstSeq}`);
  assert.deepEqual([begun.episode.status, begun.actions], ["running", []]);
  assert.equal(snapshot.actions.length, row.counts.actions);
});
