/** The emergency stop of a real hub: one command ends what runs, and no crash and no restart begins it again. */
import assert from "node:assert/strict";
import { test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { readEvents } from "./kit/event-reader.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { beginBrief, briefToEnd, episodeRow, episodeWaits } from "./kit/scout-run.ts";

const manyFiles = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `part-${index % 20}/note-${index}.md`,
      `# Note ${index}\n\n${`The ${index}th note says that the harvest of bed ${index % 7} was good. `.repeat(40)}\n`,
    ]),
  );

const arw = (hub: RunningHub, ...words: string[]) => runArw(words, hub);

test("arw stop --all ends runs, questions and agents' streams within the call, and a kill right behind it changes nothing", async () => {
  await using room = await createRoom();
  const many = await room.folder("many", manyFiles(800));
  const asked = await room.sample("asked");
  await using hub = await startHub({ stateDir: room.stateDir });
  await using reader = await readEvents(hub, "?prefix=agents.,observations.");
  const waiting = await beginBrief(hub, { folder: asked });
  await episodeWaits(hub, waiting.episode);
  const running = await beginBrief(hub, { folder: many });
  await reader.waitFor("the second run to read", (events) =>
    events.some((each) => each.corrId === running.episode && each.kind === "observations.recorded"),
  );
  const { token } = await hub.post("/access/tokens", { name: "bot", role: "agent", key: ["events:*"], ttl: "1h" });
  await hub.post("/leases", { capability: "events:watch", holder: "agent:bot" });
  const stream = await fetch(`${hub.url}/events`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(stream.status, 200);
  const streamEnd = stream.text();

  const stopped = await arw(hub, "stop", "--all", "--reason", "enough", "--json");
  assert.equal(stopped.code, 0, stopped.stderr);
  const answer = JSON.parse(stopped.stdout);
  assert.deepEqual([answer.isHalted, answer.by, answer.reason, answer.endedTasks], [true, "person:admin", "enough", 2]);
  for (const { episode } of [waiting, running]) assert.equal((await episodeRow(hub, episode))?.status, "cancelled");
  assert.deepEqual((await hub.get("/state/approvals?status=waiting")).items, []);
  await streamEnd.catch(() => "");
  const refused = await hub.send("GET /tasks", undefined, { authorization: `Bearer ${token}` });
  assert.ok(["arw.halted", "arw.denied"].includes(refused.body.code), JSON.stringify(refused.body));
  const started = await hub.send("POST /scout/brief", { folder: many });
  assert.deepEqual([started.status, started.body.code, started.body.reason], [503, "arw.halted", "enough"]);
  await hub.kill("SIGKILL");

  await using next = await startHub({ stateDir: room.stateDir });
  assert.equal((await next.get("/halt")).isHalted, true);
  assert.equal((await next.send("POST /scout/brief", { folder: many })).body.code, "arw.halted");
  const released = await arw(next, "stop", "--release");
  assert.equal(released.code, 0, released.stderr);
  assert.equal((await briefToEnd(next, { folder: asked, allowWrite: true })).status, "finished");
});
